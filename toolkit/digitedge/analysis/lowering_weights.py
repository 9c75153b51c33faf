"""The integers of a layer out of a QDQ graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integer_graph import Geometry, Weights
from digitedge.analysis.qdq import attributes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from digitedge.analysis.qdq import QdqGraph

_BIAS = 2  # of Conv's and Gemm's inputs
_IMAGE_AXES = 2
_DENSE = 2  # axes of the weights


@dataclass(frozen=True, eq=False)
class Layer:
    """What computes in integers: the names of what it reads and makes, and its weights."""

    source: str
    target: str
    weights: Weights


def layer_of(graph: QdqGraph, node: Any, *, axes: int, channel_axis: int) -> Layer | None:
    """A Conv, Gemm or MatMul in integers. The QuantizeLinear that ends it is absorbed.

    Args:
        graph: that the node stands in.
        node: the layer.
        axes: of its weights, 4 of a convolution and 2 of a dense layer.
        channel_axis: of its weights, along which there may be a scale for each output channel.

    Returns:
        None where the layer does not compute in integers: its input, weights or bias are floats, or its bias is in
        other steps than its sums.
    """
    source, held = graph.integer_input(node, 0), _integers(graph, node, axes, channel_axis)
    if source is None or held is None:
        return None
    integers, scale, zero_point = held
    name, encoding = source
    channels = integers.shape[channel_axis]
    if channel_axis == 0 and axes == _DENSE:
        integers = np.ascontiguousarray(integers.T)
    steps = np.broadcast_to(encoding.scale * scale, (channels,)).astype(np.float32)
    bias = _bias(graph, node, steps)
    if bias is None:
        return None
    end = graph.end(node)
    if end is None:
        return Layer(name, node.output[0], Weights(integers, zero_point, bias, steps, encoding, None, 0, 0))
    graph.absorb(end)
    multiplier = (steps / end.encoding.scale).astype(np.float32)
    weights = Weights(integers, zero_point, bias, multiplier, encoding, end.encoding, end.low, end.high)
    return Layer(name, end.target, weights)


def geometry_of(node: Any, values: Mapping[str, NDArray[Any]]) -> Geometry | None:
    """The window of a convolution or pool over an image; None where it goes over anything else or rounds up.

    Args:
        node: onnx.NodeProto.
        values: by name, among them the weights of a Conv that does not name its kernel's shape.
    """
    attributes = attributes_of(node)
    kernel = attributes.get("kernel_shape")
    if node.op_type == "Conv" and kernel is None:
        kernel = values[node.input[1]].shape[2:] if node.input[1] in values else ()
    if node.op_type == "GlobalAveragePool":
        return Geometry(None)
    if kernel is None or len(kernel) != _IMAGE_AXES or attributes.get("ceil_mode", 0):
        return None
    return Geometry(
        kernel=(kernel[0], kernel[1]),
        strides=tuple(attributes.get("strides", (1, 1))),
        dilations=tuple(attributes.get("dilations", (1, 1))),
        pads=tuple(attributes.get("pads", (0, 0, 0, 0))),
        auto_pad=attributes.get("auto_pad", b"NOTSET").decode(),
        groups=attributes.get("group", 1),
        counts_pads=bool(attributes.get("count_include_pad", 0)),
    )


def _integers(
    graph: QdqGraph, node: Any, axes: int, channel_axis: int
) -> tuple[NDArray[Any], NDArray[np.float32], int] | None:
    """Integers, scale (of all or for each output channel) and the one zero point of the weights."""
    source = graph.producer(node.input[1])
    if source is None or source.op_type != "DequantizeLinear" or source.input[0] not in graph.constants:
        return None
    integers, scale, *rest = (graph.constants[name] for name in source.input)
    zero_point = rest[0] if rest else np.zeros((), integers.dtype)
    axis = attributes_of(source).get("axis", 1)
    by_channel = scale.size == 1 or axis % integers.ndim == channel_axis
    fits = integers.dtype in (np.int8, np.uint8) and integers.ndim == axes
    if not fits or not by_channel or zero_point.min() != zero_point.max():
        return None
    return integers, scale.reshape(-1), int(zero_point.reshape(-1)[0])


def _bias(graph: QdqGraph, node: Any, steps: NDArray[np.float32]) -> NDArray[np.int32] | None:
    if len(node.input) <= _BIAS or not node.input[_BIAS]:
        return np.zeros(len(steps), np.int32)
    source = graph.producer(node.input[_BIAS])
    if source is None or source.op_type != "DequantizeLinear" or source.input[0] not in graph.constants:
        return None
    integers, scale = (graph.constants[name] for name in source.input[:2])
    # The product of two scales, rounded to float32 by whoever has multiplied them.
    same = np.allclose(np.broadcast_to(scale.reshape(-1), steps.shape), steps, rtol=1e-6, atol=0)
    if integers.dtype != np.int32 or integers.size != len(steps) or not same:
        return None
    return integers.reshape(-1)
