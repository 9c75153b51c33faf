"""What times the calls of a model: a loop in Python, or one that a format brings along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from digitedge.data.preprocess import from_pixels, to_unit
from digitedge.measure.latency import time_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from digitedge.runtime.model import Model


class Timer(Protocol):
    """Calls of one model for several batches of images, each prepared once and called again and again."""

    @property
    def timed_by(self) -> str:
        """`C loop` or `Python call`: what of the caller is inside a sample."""

    def time(
        self,
        order: Sequence[int],
        *,
        seconds: float,
        fewest: int = 1,
        most_seconds: float = float("inf"),
        warm_up_seconds: float = 0.1,
        around: AbstractContextManager[object] | None = None,
    ) -> NDArray[np.float64]:
        """Microseconds of each call, float64 (n,), n >= 1.

        Args:
            order: places of batches, taken in turn again and again.
            seconds: as of `measure.latency.time_calls`, and so the four that follow.
            fewest: calls.
            most_seconds: for the sake of `fewest`.
            warm_up_seconds: of calls before.
            around: entered for the time of the calls that count.
        """

    def outputs(self, place: int) -> NDArray[np.float32]:
        """What the very call that is timed gives for a batch: scores float32 (n, classes).

        Of the whole way from pixels to labels, 1 for the label and 0 for the others.
        """


@dataclass(frozen=True, eq=False)
class PythonTimer:
    """Prepared calls from Python: what a program in Python pays.

    Attributes:
        calls: one for each batch.
        scores_of: scores float32 (n, classes) of what a call returns.
    """

    calls: Sequence[Callable[[], NDArray[Any]]]
    scores_of: Callable[[NDArray[Any]], NDArray[np.float32]]
    timed_by: str = "Python call"

    def time(self, order: Sequence[int], **how: Any) -> NDArray[np.float64]:
        """As `Timer.time`."""
        return time_calls([self.calls[place] for place in order], **how)

    def outputs(self, place: int) -> NDArray[np.float32]:
        """As `Timer.outputs`."""
        return self.scores_of(self.calls[place]())


def timer_of(model: Model, batches: Sequence[NDArray[np.uint8]], *, end_to_end: bool) -> Timer:
    """What times a model: its own loop where its format has one (`timer`), else calls from Python.

    Args:
        model: loaded.
        batches: of images, uint8 (n, height, width, channels), at least one.
        end_to_end: each call starts with pixels and ends with labels, scaling and layout in between; else it is the
            engine alone, its input in its own form already.

    Raises:
        ContentError: the model takes other images.
    """
    if hasattr(model, "timer"):
        own: Timer = model.timer(batches, end_to_end=end_to_end)
        return own
    if not end_to_end:
        return PythonTimer([model.prepare(to_unit(batch)) for batch in batches], model.scores_of)
    model.prepare(to_unit(batches[0]))  # says it where the images do not fit
    run, spec = model.runner(), model.spec
    labelled = spec.output_kind == "label"

    def classify(pixels: NDArray[np.uint8]) -> NDArray[Any]:
        outputs = run(from_pixels(pixels, spec))
        return outputs if labelled else outputs.argmax(axis=1)

    chosen = np.eye(len(spec.classes), dtype=np.float32)
    return PythonTimer([partial(classify, batch) for batch in batches], lambda labels: chosen[labels])
