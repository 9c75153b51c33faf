"""What every engine looks like from outside, Keras too: parity compares two of these and knows neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from digitedge.errors import ContentError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.spec import Spec


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the nodes of a graph run.

    Attributes:
        on_provider: nodes that the requested provider runs.
        elsewhere: nodes that another one runs.
    """

    on_provider: int
    elsewhere: int


class RefusedError(ContentError):
    """A sound file that an execution provider does not run, or not all of: ONNX Runtime on the CPU takes it.

    Attributes:
        reason: why, as a sentence without its full stop.
        placement: where the nodes would run; None where the provider takes nothing of it, or nobody tells.
    """

    def __init__(self, path: Path, provider: str, reason: str, placement: Placement | None) -> None:
        self.reason, self.placement = reason, placement
        super().__init__(f"{path} does not run on {provider}: {reason}.", "Measure it on another provider.")


class Model(Protocol):
    """A loaded file."""

    @property
    def spec(self) -> Spec:
        """What the file expects and gives."""

    @property
    def precision(self) -> str:
        """A key of `measure.limits.LIMITS`, such as `fp32` or `int8`, as the file itself says."""

    @property
    def source_digest(self) -> str | None:
        """Of the original that it was made from, as the file itself says; None where it does not say."""

    @property
    def engine(self) -> str:
        """What runs it, with its version, for people: `ONNX Runtime 1.31.1`, `gcc 12.2.0`."""

    @property
    def placement(self) -> Placement | None:
        """Where the nodes run; None where the engine has only one place, or does not tell."""

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of images float32 (n, height, width, channels) in [0, 1]. Any n from 1 on.

        A file that takes raw pixels gets the nearest ones. A file that gives labels scores 1 for the class that it
        decides for and 0 for the others: a decision can be compared with one, and says nothing of how sure it is.
        """

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], NDArray[Any]]:
        """One call of the engine alone, its input already in its own form: what bench times.

        It returns what the engine gave, in the engine's own form; `scores_of` reads it.
        """

    def runner(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """The engine alone for any images, which come as `data.preprocess.to_input` gives them.

        What `--end-to-end` times, between the preprocessing and the label. Returns as a prepared call does.
        """

    def scores_of(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """The scores float32 (n, classes), as a call of the model gives them, of what a prepared call has returned."""


def check_images(images: NDArray[np.float32], spec: Spec) -> None:
    """Raises ContentError if `images` are not float32 (n, height, width, channels) as `spec` says."""
    if images.ndim != 4 or images.shape[1:] != spec.input_shape or len(images) == 0:  # noqa: PLR2004
        expected = "x".join(str(size) for size in spec.input_shape)
        message = f"the images have the shape {images.shape} and the model takes (n, {expected.replace('x', ', ')})."
        raise ContentError(message, f"Give images of {expected} (height x width x channels).")
    if images.dtype.name != "float32":
        raise ContentError(f"the images are {images.dtype}.", "Scale them to [0, 1] as float32.")


def one_of(engines: tuple[str, ...], engine: str | None) -> str:
    """The engine of that name; the first where none is named.

    Raises:
        UnknownNameError: a name that is none of them.
    """
    if engine is not None and engine not in engines:
        raise UnknownNameError("engine", engine, engines)
    return engine or engines[0]


def one_hot(labels: NDArray[Any], spec: Spec) -> NDArray[np.float32]:
    """Scores float32 (n, classes) of integer labels (n,): 1 for the class that was decided for, 0 for the others.

    Raises:
        ContentError: a label is the place of no class.
    """
    classes = len(spec.classes)
    strange = labels[(labels < 0) | (labels >= classes)]
    if len(strange):
        raise ContentError(f"the model gives the label {strange[0]} and has {classes} classes.", "Export it again.")
    scores: NDArray[np.float32] = np.eye(classes, dtype=np.float32)[labels]
    return scores
