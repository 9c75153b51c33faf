"""Two graphs of the same network give the same scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from digitedge.errors import DigitedgeError, package_missing
from digitedge.streams import hushed

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of the largest score. The rewrites sum in another order: classic differs by 1e-6, networks of 50 layers by 1e-5. One
# wrong row of weights, or one border of an image, is 1e-2 and more.
TOLERANCE = 1e-4
# These hide what the layers before them computed: behind a softmax, a network that is sure gives 1.0 whatever comes.
_DECIDING = ("Softmax", "ArgMax", "Sigmoid", "Identity", "Cast")
_BATCHES = ((1, 1.0), (3, 1.0), (2, 255.0))


class ScoresChangedError(DigitedgeError):
    """A rewrite of the graph changed what it computes. A bug of digitedge, never the user's mistake."""

    def __init__(self, what: str) -> None:
        super().__init__(f"rewriting the graph changed {what}.", "This is a bug in digitedge: please report it.")


def check_same_scores(before: Any, after: Any) -> None:
    """Runs both on a few seeded images, one and several at a time, of pixels up to 1 and up to 255.

    What is compared is the scores before a final softmax or argmax.

    Args:
        before: onnx.ModelProto, float32.
        after: onnx.ModelProto with the same inputs and outputs.

    Raises:
        ScoresChangedError: other shapes, other places that are not finite, or a difference beyond rounding.
        NotPresentError: ONNX Runtime is not installed.
    """
    first, second = _session(before), _session(after)
    generator = np.random.default_rng(0)
    for images, top in _BATCHES:
        feed = {value.name: _images(generator, value.shape, images, top) for value in first.get_inputs()}
        for name, one, other in zip(_names(before), first.run(None, feed), second.run(None, feed), strict=True):
            _compare(name, np.asarray(one, np.float64), np.asarray(other, np.float64))


def _images(generator: np.random.Generator, shape: list[Any], images: int, top: float) -> NDArray[np.float32]:
    batch = shape[0] if isinstance(shape[0], int) else images
    return generator.uniform(0.0, top, (batch, *shape[1:])).astype(np.float32)


def _compare(name: str, before: NDArray[np.float64], after: NDArray[np.float64]) -> None:
    if before.shape != after.shape:
        raise ScoresChangedError(f"the shape of {name} from {before.shape} to {after.shape}")
    finite = np.isfinite(before)
    if (finite != np.isfinite(after)).any():
        raise ScoresChangedError(f"where {name} is not finite")
    if not finite.any():
        return
    worst, largest = np.abs(before - after)[finite].max(), np.abs(before[finite]).max()
    if worst > TOLERANCE * largest:
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
