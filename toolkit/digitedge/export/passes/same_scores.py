"""Two graphs of the same network give the same scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx_ir as ir

from digitedge.errors import DigitedgeError, package_missing
from digitedge.streams import hushed

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of the largest score. The rewrites sum in another order: classic differs by 1e-6, networks of 50 layers by 1e-5. One
# wrong row of weights, or one border of an image, is 1e-2 and more.
TOLERANCE = 1e-4
# Sums of large numbers that nearly cancel turn one rounding into many: where the weights' last bit moves the scores of
# the original by more than that, so may another order, by as many roundings as a long sum has.
ROUNDINGS = 64
# These hide what the layers before them computed: behind a softmax, a network that is sure gives 1.0 whatever comes.
_DECIDING = ("Softmax", "ArgMax", "Sigmoid", "Identity", "Cast")
_BATCHES = ((1, 1.0), (3, 1.0), (2, 255.0))


class ScoresChangedError(DigitedgeError):
    """A rewrite of the graph changed what it computes. A bug of digitedge, never the user's mistake."""

    def __init__(self, what: str) -> None:
        super().__init__(f"rewriting the graph changed {what}.", "This is a bug in digitedge: please report it.")


def check_same_scores(before: Any, after: Any) -> None:
    """Runs both on a few seeded images, one and several at a time, of pixels up to 1 and up to 255.

    What is compared is the scores before a final softmax or argmax. They may differ by 1e-4 of the largest, or by what
    the original itself makes of roundings: how far its scores move when the last bit of every weight is another.

    Args:
        before: onnx.ModelProto, float32.
        after: onnx.ModelProto with the same inputs and outputs.

    Raises:
        ScoresChangedError: other shapes, other places that are not finite, or a difference beyond rounding.
        NotPresentError: ONNX Runtime is not installed.
    """
    first, second, rounded = _session(before), _session(after), _session(_rounded(before))
    generator = np.random.default_rng(0)
    for images, top in _BATCHES:
        feed = {value.name: _images(generator, value.shape, images, top) for value in first.get_inputs()}
        results = (session.run(None, feed) for session in (first, second, rounded))
        for name, *scores in zip(_names(before), *results, strict=True):
            _compare(name, *(np.asarray(one, np.float64) for one in scores))


def _images(generator: np.random.Generator, shape: list[Any], images: int, top: float) -> NDArray[np.float32]:
    batch = shape[0] if isinstance(shape[0], int) else images
    return generator.uniform(0.0, top, (batch, *shape[1:])).astype(np.float32)


def _rounded(model: Any) -> Any:
    """The model with the last bit of every weight up or down."""
    copy, random = type(model)(), np.random.default_rng(1)
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            towards = np.where(random.random(values.shape) < 0.5, -np.inf, np.inf)  # noqa: PLR2004 (as often)
            near = np.nextafter(values, towards.astype(np.float32))
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.where(np.isfinite(near), near, values), tensor.name))
    return copy


def _compare(name: str, before: NDArray[np.float64], after: NDArray[np.float64], rounded: NDArray[np.float64]) -> None:
    if before.shape != after.shape:
        raise ScoresChangedError(f"the shape of {name} from {before.shape} to {after.shape}")
    finite = np.isfinite(before)
    if (finite != np.isfinite(after)).any():
        raise ScoresChangedError(f"where {name} is not finite")
    if not finite.any():
        return
    worst, largest = np.abs(before - after)[finite].max(), np.abs(before[finite]).max()
    noise = np.abs(before - rounded)[finite & np.isfinite(rounded)].max(initial=0.0)
    if worst > max(TOLERANCE * largest, ROUNDINGS * noise):
        raise ScoresChangedError(f"{name} by {worst:.2g}, where the largest is {largest:.2g}")


def _names(model: Any) -> list[str]:
    return [value.name for value in model.graph.output]


def _session(model: Any) -> Any:
    """The model as it stands, whose outputs are its scores."""
    try:
        import onnxruntime
    except ImportError as error:
        raise package_missing("onnxruntime", "cpu", "proving a rewritten graph") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with hushed():
        return onnxruntime.InferenceSession(_scores(model), options, providers=["CPUExecutionProvider"])


def _scores(model: Any) -> bytes:
    """The bytes of the model without what only decides by the scores."""
    copy = ir.serde.deserialize_model(model)
    outputs = copy.graph.outputs
    for place, value in enumerate(list(outputs)):
        scores = value
        while (node := scores.producer()) is not None and node.op_type in _DECIDING and node.inputs[0] is not None:
            scores = node.inputs[0]
        if not scores.is_graph_input() and scores.dtype is None:
            scores.dtype = ir.DataType.FLOAT
        outputs[place] = scores
    data: bytes = ir.serde.serialize_model(copy).SerializeToString()
    return data
