"""Operators that are layers: convolutions, poolings, dense layers, and what ends a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.export.c.convolution import Convolution
from digitedge.export.c.dense import Dense
from digitedge.export.c.depthwise import Depthwise
from digitedge.export.c.moving import Pad
from digitedge.export.c.pooling import Pooling
from digitedge.export.c.softmax import ArgMax, Softmax
from digitedge.export.c.tensor import Shape
from digitedge.export.c.values import RANK, Lowering, Value, attributes, image_value, refuse, turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitedge.export.c.graph import Tensor


def _weights(lowering: Lowering, node: Any, number: int) -> NDArray[Any]:
    if node.input[number] not in lowering.constants:
        raise refuse(node, "whose weights depend on the image", "Make them constant.")
    return lowering.constants[node.input[number]]


def _conv(lowering: Lowering, node: Any) -> None:
    x, weights = lowering.image(node, lowering.values[node.input[0]]), _weights(lowering, node, 1)
    outputs, inputs, *kernel = weights.shape
    bias = _weights(lowering, node, 2) if len(node.input) > 2 else np.zeros(outputs, np.float32)  # noqa: PLR2004 (x, w, b)
    groups, dilations = attributes(node).get("group", 1), _pair(node, "dilations")
    extent = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    pads, size = _geometry(node, (x.shape.height, x.shape.width), extent, overshoot=False)
    common = {"bias": bias, "strides": _pair(node, "strides"), "dilations": dilations, "pads": pads, "output": size}
    if inputs == 1 and groups == outputs == x.shape.channels and groups > 1:
        operation: Any = Depthwise(weights.transpose(2, 3, 1, 0)[:, :, 0], **common)
    else:
        grouped = weights.reshape(groups, outputs // groups, inputs, *kernel)
        operation = Convolution(np.ascontiguousarray(grouped.transpose(0, 3, 4, 2, 1)), **common)
    lowering.values[node.output[0]] = image_value(lowering.emit(operation, (x,), operation.result))


def _geometry(node: Any, sizes: tuple[int, int], extent: list[int], *, overshoot: bool) -> tuple[Any, Any]:
    """(top, left) and the output's (height, width); `overshoot` asks for windows that begin inside and end outside."""
    given = attributes(node)
    auto, pads = given.get("auto_pad", b"NOTSET").decode(), list(given.get("pads", [0, 0, 0, 0]))
    strides = _pair(node, "strides")
    results = []
    for axis, (size, window, stride) in enumerate(zip(sizes, extent, strides, strict=True)):
        before, after = pads[axis], pads[axis + 2]
        if auto.startswith("SAME"):
            total = max(0, (math.ceil(size / stride) - 1) * stride + window - size)
            before, after = (total // 2, total - total // 2)[:: 1 if auto == "SAME_UPPER" else -1]
        room = size + before + after - window
        steps = math.ceil(room / stride) if overshoot else room // stride
        # A window that begins in the padding behind the image is left out, as ONNX says.
        steps -= overshoot and steps * stride >= size + before
        results.append((before, steps + 1))
    (top, height), (left, width) = results
    return (top, left), (height, width)


def _pair(node: Any, name: str) -> tuple[int, int]:
    first, second = attributes(node).get(name, (1, 1))
    return first, second


def _pool(lowering: Lowering, node: Any) -> None:
    given, x = attributes(node), lowering.image(node, lowering.values[node.input[0]])
    window, ceil = _pair(node, "kernel_shape"), bool(given.get("ceil_mode", 0))
    if _pair(node, "dilations") != (1, 1) or given.get("storage_order", 0) or len(node.output) > 1:
        raise refuse(node, "with dilations or indices", "Leave them out.")
    pads, (height, width) = _geometry(node, (x.shape.height, x.shape.width), list(window), overshoot=ceil)
    kind: Any = "max" if node.op_type == "MaxPool" else "average"
    if kind == "average" and given.get("count_include_pad", 0) and any(given.get("pads", [0])):
        if ceil:
            raise refuse(node, "with ceil_mode and count_include_pad", "Leave one of them out.")
        kind = "average_of_all"
    shape = Shape(height, width, x.shape.channels)
    operation = Pooling(kind, window, _pair(node, "strides"), pads, shape)
    lowering.values[node.output[0]] = image_value(lowering.emit(operation, (x,), shape))


def _global(kind: Any) -> Callable[[Lowering, Any], None]:
    def rule(lowering: Lowering, node: Any) -> None:
        x = lowering.image(node, lowering.values[node.input[0]])
        lowering.values[node.output[0]] = image_value(_whole(lowering, x, kind))

    return rule


def _whole(lowering: Lowering, x: Tensor, kind: Any) -> Tensor:
    size, shape = (x.shape.height, x.shape.width), Shape(1, 1, x.shape.channels)
    return lowering.emit(Pooling(kind, size, size, (0, 0), shape), (x,), shape)


def _reduce(kind: Any) -> Callable[[Lowering, Any], None]:
    def rule(lowering: Lowering, node: Any) -> None:
        given, value = attributes(node), lowering.values[node.input[0]]
        axes = given.get("axes")
        if len(node.input) > 1:
            axes = _weights(lowering, node, 1).tolist()
        # Where the channels stand last, as after a Transpose, the picture is turned back.
        axes = tuple(sorted(axis % value.places.ndim for axis in axes or range(value.places.ndim)))
        turned = value.places.ndim == RANK and axes == (1, 2)
        if axes != (2, 3) and not turned:
            raise refuse(node, f"over axes {list(axes)}", "Take it over height and width.")
        result = _whole(lowering, lowering.image(node, turn(value) if turned else value), kind)
        keep = (1, 1, 1, -1) if turned else (1, -1, 1, 1)
        shape = keep if given.get("keepdims", 1) else (1, -1)
        lowering.values[node.output[0]] = Value(result, np.arange(result.shape.count).reshape(shape))

    return rule


def _gemm(lowering: Lowering, node: Any) -> None:
    given, weights = attributes(node), _weights(lowering, node, 1)
    if given.get("transA", 0):
        raise refuse(node, "with transA", "Leave it out.")
    weights = (weights.T if given.get("transB", 0) else weights) * np.float32(given.get("alpha", 1.0))
    bias = np.zeros(weights.shape[1], np.float32)
    if len(node.input) > 2 and node.input[2]:  # noqa: PLR2004 (a, b, c)
        bias = np.broadcast_to(_weights(lowering, node, 2), (1, len(bias)))[0] * np.float32(given.get("beta", 1.0))
    _dense(lowering, node, weights, bias)


def _matmul(lowering: Lowering, node: Any) -> None:
    weights = _weights(lowering, node, 1)
    if weights.ndim != 2:  # noqa: PLR2004 (a matrix)
        raise refuse(node, f"by a constant of {weights.ndim} dimensions", "Multiply by a matrix.")
    _dense(lowering, node, weights, np.zeros(weights.shape[1], np.float32))


def _dense(lowering: Lowering, node: Any, weights: NDArray[Any], bias: NDArray[Any]) -> None:
    value = lowering.values[node.input[0]]
    inputs, outputs = weights.shape
    if value.places.shape[-1] != inputs or value.places.size != inputs:
        raise refuse(node, f"of {value.places.shape} and {weights.shape}", "Give it one vector, as Flatten makes it.")
    inner = np.empty_like(weights)
    inner[value.places.ravel()] = weights
    tensor = lowering.emit(Dense(inner, bias), (value.tensor,), Shape(1, 1, outputs))
    places = np.arange(outputs).reshape(*value.places.shape[:-1], outputs)
    lowering.values[node.output[0]] = Value(tensor, places)


def _softmax(lowering: Lowering, node: Any) -> None:
    value = _one_axis(lowering, node, attributes(node).get("axis", -1))
    tensor = lowering.emit(Softmax(), (value.tensor,), value.tensor.shape)
    lowering.values[node.output[0]] = Value(tensor, value.places)


def _arg_max(lowering: Lowering, node: Any) -> None:
    given = attributes(node)
    axis = given.get("axis", 0)
    value = _one_axis(lowering, node, axis)
    if given.get("select_last_index", 0):
        raise refuse(node, "that takes the last of equals", "Take the first.")
    tensor = lowering.emit(ArgMax(), (lowering.vector(value),), Shape(1, 1, 1), "int32_t")
    shape = list(value.places.shape)
    shape[axis] = 1
    places = np.zeros(shape, np.int64)
    lowering.values[node.output[0]] = Value(tensor, places if given.get("keepdims", 1) else places.squeeze(axis))


def _one_axis(lowering: Lowering, node: Any, axis: int) -> Value:
    value = lowering.values[node.input[0]]
    if value.places.shape[axis] != value.places.size:
        raise refuse(node, f"along axis {axis} of {value.places.shape}", "Take it of one vector.")
    return value


def _pad(lowering: Lowering, node: Any) -> None:
    given = attributes(node)
    pads = _weights(lowering, node, 1).tolist()
    has_value = len(node.input) > 2 and node.input[2]  # noqa: PLR2004 (data, pads, value)
    value = float(_weights(lowering, node, 2).reshape(())) if has_value else 0.0
    if len(node.input) > 3 and node.input[3]:  # noqa: PLR2004 (data, pads, value, axes)
        whole = [0] * (2 * RANK)
        axes = _weights(lowering, node, 3).tolist()
        for number, axis in enumerate(axes):
            whole[axis % RANK], whole[axis % RANK + RANK] = pads[number], pads[number + len(axes)]
        pads = whole
    x = lowering.image(node, lowering.values[node.input[0]])
    plain = given.get("mode", b"constant") == b"constant" and min(pads) >= 0
    if not plain or any(pads[axis] for axis in (0, 1, 4, 5)):
        raise refuse(node, f"by {pads}, mode {given.get('mode', b'constant').decode()}", "Pad rows and columns.")
    shape = Shape(x.shape.height + pads[2] + pads[6], x.shape.width + pads[3] + pads[7], x.shape.channels)
    lowering.values[node.output[0]] = image_value(lowering.emit(Pad(pads[2], pads[3], value), (x,), shape))


RULES: dict[str, Callable[[Lowering, Any], None]] = {
    "ArgMax": _arg_max,
    "AveragePool": _pool,
    "Conv": _conv,
    "Gemm": _gemm,
    "GlobalAveragePool": _global("average"),
    "GlobalMaxPool": _global("max"),
    "MatMul": _matmul,
    "MaxPool": _pool,
    "Pad": _pad,
    "ReduceMax": _reduce("max"),
    "ReduceMean": _reduce("average"),
    "Softmax": _softmax,
}
