""".onnx files whose images and scores stay in the memory of the provider, and graphs of calls that are replayed.

What `session.run` takes includes the way of the image to a GPU and of the scores back. A program that has its images
there already, and leaves the scores there, binds both to the session
(https://onnxruntime.ai/docs/performance/tune-performance/iobinding.html). What is left is mostly the launching of one
kernel after another, which a CUDA graph does at once: captured in the first calls, replayed in all others, from and to
the same addresses
(https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#using-cuda-graphs-preview).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data.preprocess import to_input, to_unit
from digitedge.errors import DigitedgeError
from digitedge.measure.latency import time_calls
from digitedge.runtime import onnx
from digitedge.runtime.model import RefusedError, check_images
from digitedge.runtime.provider import require
from digitedge.runtime.saying import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.runtime.provider import Provider

# What a caller pays who has the image in main memory; images and scores in the provider's; and that with a graph.
COPIES, DEVICE, GRAPH = "copies", "device", "graph"
# Which graph a call captures or replays: from 1 on, as 0 is ONNX Runtime's own, and -1 asks for none
# (include/onnxruntime/core/session/onnxruntime_run_options_config_keys.h).
_GRAPH_ID, _NO_GRAPH = "gpu_graph_id", -1


def variants(provider: Provider) -> tuple[str, ...]:
    """In which of these ways a provider can be called, `copies` first, which each of them can."""
    own = [] if provider.device_type is None else [DEVICE]
    return (COPIES, *own, *([GRAPH] if own and provider.graph_options is not None else []))


@dataclass(frozen=True)
class BoundModel(onnx.OnnxModel):
    """A loaded .onnx file that is timed in the memory of its provider. A call of the model itself copies as ever.

    Attributes:
        provider: what ONNX Runtime calls it.
        device_type: of that memory, as `Provider.device_type`; `cpu` for a provider without its own.
        captures: whether its prepared calls replay graphs.
    """

    provider: str = ""
    device_type: str = "cpu"
    captures: bool = False

    def timer(self, batches: Sequence[NDArray[np.uint8]], *, end_to_end: bool) -> BoundTimer:
        """What times it, as `runtime.timer.Timer`.

        Args:
            batches: of images, uint8 (n, height, width, channels), at least one.
            end_to_end: never: pixels come from main memory.

        Raises:
            ContentError: it takes other images.
            RefusedError: the provider does not give the memory.
        """
        if end_to_end:
            raise ValueError("the way from pixels to labels starts in main memory")
        return BoundTimer(self, batches)


def load(path: Path, *, provider: str, threads: int, io: str) -> BoundModel:
    """Loads an .onnx file to be timed in the memory of its provider.

    Args:
        path: of the file.
        provider: an execution provider.
        threads: for one call.
        io: `device` or `graph`.

    Raises:
        ContentError: as `runtime.onnx.load`, and so the others.
        RefusedError: the provider does not run all of it, or captures no graph of it: of a file with control flow
            (`If`, `Loop`, `Scan`), or with nodes on the CPU.
        NotPresentError: ONNX Runtime or the provider is not installed.
    """
    chosen, captures = require(provider), io == GRAPH
    if captures and chosen.graph_options is None:
        raise RefusedError(path, chosen.ort_name, "it captures no graphs", None)
    model = onnx.load(path, provider=provider, threads=threads, options=chosen.graph_options if captures else None)
    loaded = {field.name: getattr(model, field.name) for field in fields(model)}
    # An untimed call must not be one of a graph: it is what the timed calls are compared with.
    loaded["run_options"] = _run_options(_NO_GRAPH) if captures else None
    return BoundModel(**loaded, provider=chosen.ort_name, device_type=chosen.device_type or "cpu", captures=captures)


class Bound:
    """One batch in the memory of the provider, the place for its scores, and the call from one to the other."""

    def __init__(self, model: BoundModel, images: NDArray[np.float32], graph: int | None) -> None:
        """Copies the batch there.

        Args:
            model: that is called.
            images: float32 (n, height, width, channels) in [0, 1].
            graph: the number of its graph; None for none.
        """
        from onnxruntime import OrtValue

        check_images(images, model.spec)
        self._empty = _empty(model, len(images))
        # On the CPU an OrtValue is the NumPy array that it was made of, so both must be of this batch alone.
        inputs = np.array(to_input(images, model.spec), order="C")
        self.inputs = OrtValue.ortvalue_from_numpy(inputs, model.device_type, 0)
        self.outputs = OrtValue.ortvalue_from_numpy(self._empty.copy(), model.device_type, 0)
        self._binding = model.session.io_binding()
        self._binding.bind_ortvalue_input(model.spec.input_name, self.inputs)
        self._binding.bind_ortvalue_output(model.spec.output_name, self.outputs)
        self._binding.synchronize_inputs()
        self._run, self._synchronize = model.session.run_with_iobinding, self._binding.synchronize_outputs
        self._options = None if graph is None else _run_options(graph)

    def call(self) -> None:
        """One inference, to its very end: nothing that a GPU has still to do is left out of a sample."""
        self._run(self._binding, self._options)
        self._synchronize()

    def scores(self) -> NDArray[Any]:
        """What a call writes to the place for the scores, which is emptied before."""
        self.outputs.update_inplace(self._empty)
        self.call()
        scores: NDArray[Any] = self._binding.copy_outputs_to_cpu()[0]
        return scores


class BoundTimer:
    """Prepared calls from Python in the memory of the provider: a batch, and a graph, for each of them."""

    timed_by = "Python call"

    def __init__(self, model: BoundModel, batches: Sequence[NDArray[np.uint8]]) -> None:
        """Copies all batches there.

        Args:
            model: that is called.
            batches: uint8 (n, height, width, channels).

        Raises:
            ContentError: the model takes other images.
            RefusedError: the provider does not give the memory.
        """
        self._model = model
        with self._refusing():
            self._bound = [
                Bound(model, to_unit(batch), number if model.captures else None)
                for number, batch in enumerate(batches, start=1)
            ]

    def time(self, order: Sequence[int], **how: Any) -> NDArray[np.float64]:
        """As `Timer.time`. Each batch is called once before, which is when graphs are captured.

        Raises:
            RefusedError: the provider fails, or does not capture a graph.
        """
        with self._refusing():
            for place in dict.fromkeys(order):
                self._bound[place].call()
            return time_calls([self._bound[place].call for place in order], **how)

    def outputs(self, place: int) -> NDArray[np.float32]:
        """As `Timer.outputs`: read back from where the timed calls write.

        A graph that was captured for another batch writes elsewhere: what is left here is no score then.

        Raises:
            RefusedError: as of `time`.
        """
        with self._refusing():
            outputs = self._bound[place].scores()
        empty = outputs < 0 if self._model.spec.output_kind == "label" else np.isnan(outputs)
        if empty.any():
            classes = len(self._model.spec.classes)
            return np.full((len(outputs), classes), np.nan, np.float32)
        return self._model.scores_of(outputs)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except DigitedgeError:
            raise
        except Exception as error:  # ONNX Runtime's ten classes have no common base
            model = self._model
            raise RefusedError(model.path, model.provider, said(error), model.placement) from error


def _empty(model: BoundModel, n: int) -> NDArray[Any]:
    """What no call writes: NaN for scores (n, classes), -1 for labels (n,)."""
    if model.spec.output_kind == "label":
        return np.full(n, -1, np.int64)
    return np.full((n, len(model.spec.classes)), np.nan, np.float32)


def _run_options(graph: int) -> Any:
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry(_GRAPH_ID, str(graph))
    return options
