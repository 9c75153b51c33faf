"""Is a graph quantized as its name says, and do its scales and zero points agree? From the file alone, without images.

What is asked follows from the arithmetic of integer kernels
(https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html): a QuantizeLinear and the
DequantizeLinear behind it are one encoding; signed weights are centred on 0; a bias is added to sums of products, whose
unit is scale of the input times scale of the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.qdq import QdqGraph
from digitedge.analysis.shapes import LAYERS
from digitedge.measure.limits import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NAME = "quantization"
_PAIR = ("QuantizeLinear", "DequantizeLinear")
# Products of two float32 scales, each rounded once; a quantizer computes some in float64.
_RELATIVE = 1e-5


def quantization_check(model: Any, precision: str) -> Check:
    """One structural check of an .onnx file.

    Args:
        model: onnx.ModelProto, with any weights.
        precision: that it goes by: `int8` has QuantizeLinear nodes, every other precision has none.
    """
    graph = QdqGraph(model)
    problem = next(_problems(graph, precision), None)
    pairs = sum(node.op_type == "QuantizeLinear" for node in graph.nodes)
    words = f"{pairs:,} quantized tensors agree with their readers" if pairs else "no tensor is quantized"
    return Check(NAME, None, None, problem is None, problem or words)


def _problems(graph: QdqGraph, precision: str) -> Iterator[str]:
    quantized = any(node.op_type == "QuantizeLinear" for node in graph.nodes)
    if quantized != (precision == "int8"):
        yield f"it goes by the name {precision} and its activations are {'integers' if quantized else 'floats'}"
    for node in graph.nodes:
        if node.op_type in _PAIR:
            yield from _scale(graph, node)
            yield from _pair(graph, node)
            yield from _weights(graph, node)
        if node.op_type in LAYERS:
            yield from _bias(graph, node)


def _scale(graph: QdqGraph, node: Any) -> Iterator[str]:
    scale = graph.constants.get(node.input[1])
    if scale is None:
        yield f"the scale of {node.name} is no constant"
    elif not (np.isfinite(scale).all() and (scale > 0).all()):
        yield f"the scale of {node.name} is not a positive number"


def _pair(graph: QdqGraph, node: Any) -> Iterator[str]:
    """A DequantizeLinear has the scale and the zero point of the QuantizeLinear before it."""
    writer = graph.producer(node.input[0])
    if node.op_type != "DequantizeLinear" or writer is None or writer.op_type != "QuantizeLinear":
        return
    for what, place in (("scale", 1), ("zero point", 2)):
        before, behind = _constant(graph, writer, place), _constant(graph, node, place)
        if not _same(before, behind):
            yield f"{writer.name} and {node.name} disagree: the {what} is {_spelled(before)} and {_spelled(behind)}"


def _weights(graph: QdqGraph, node: Any) -> Iterator[str]:
    integers = graph.constants.get(node.input[0])
    zero_point = _constant(graph, node, 2)
    signed = integers is not None and np.issubdtype(integers.dtype, np.signedinteger)
    if signed and zero_point is not None and np.any(zero_point):
        yield f"the signed weights of {node.name} have a zero point of {_spelled(zero_point)}"


def _bias(graph: QdqGraph, node: Any) -> Iterator[str]:
    """The scale of an integer bias is that of the input times that of the weights."""
    if len(node.input) < 3 or not node.input[2]:  # noqa: PLR2004 (the bias is the third)
        return
    parts = [graph.producer(name) for name in node.input[:3]]
    if any(part is None or part.op_type != "DequantizeLinear" for part in parts):
        return
    image, weights, bias = (_constant(graph, part, 1) for part in parts)
    if image is None or weights is None or bias is None:
        return  # `_scale` says so
    expected = image.astype(np.float64).ravel() * weights.astype(np.float64).ravel()
    if not np.all(np.abs(bias - expected) <= _RELATIVE * np.abs(expected)):
        yield f"the bias of {node.name} is in other units than the sums that it is added to"


def _constant(graph: QdqGraph, node: Any, place: int) -> NDArray[Any] | None:
    return graph.constants.get(node.input[place]) if len(node.input) > place and node.input[place] else None


def _same(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    """Whether two scales or zero points are the same; a zero point that is left out is 0."""
    if one is None or other is None:
        return one is other or not np.any(other if one is None else one)
    return one.dtype == other.dtype and np.array_equal(one.ravel(), other.ravel())


def _spelled(array: NDArray[Any] | None) -> str:
    return "none" if array is None else f"{array.ravel()[0]:g}" if array.size == 1 else f"{array.size} numbers"
