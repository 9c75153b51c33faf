"""How large the tensors of a graph are, and how much its layers multiply."""

from __future__ import annotations

import math
from typing import Any

import onnx

from digitedge.errors import ContentError

# Layers: nodes that multiply an activation by weights. Conv's weights are (out, in / groups, height, width).
LAYERS = ("Conv", "Gemm", "MatMul")

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


def float_values(model: Any) -> dict[str, Any]:
    """onnx.ValueInfoProto of each float32 and float16 tensor that a graph takes or computes, in the order of the graph.

    What ONNX's shape inference does not find out is left out.
    """
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    constants = {tensor.name for tensor in graph.initializer}
    known = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
    order = [*(value.name for value in graph.input), *(name for node in graph.node for name in node.output)]
    return {
        name: known[name]
        for name in order
        if name in known and name not in constants and known[name].type.tensor_type.elem_type in _FLOATS
    }


def float_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of the same tensors.

    Args:
        model: onnx.ModelProto. A length that it leaves open, such as the batch, counts 1.
    """
    dims = {name: value.type.tensor_type.shape.dim for name, value in float_values(model).items()}
    return {name: tuple(size.dim_value or 1 for size in sizes) for name, sizes in dims.items()}


def multiply_accumulates(model: Any) -> dict[str, int]:
    """Products that each layer adds up for one image, by the name of its output, in the order of the graph.

    A convolution: places and channels of its output, times the weights of one channel. A dense layer: lengths of its
    output, times the length that is summed over.

    Args:
        model: onnx.ModelProto, with QDQ nodes or without.

    Raises:
        ContentError: a shape that is needed is not known.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer} | float_shapes(model)
    layers = [node for node in model.graph.node if node.op_type in LAYERS]
    try:
        return {node.output[0]: _products(node, shapes) for node in layers}
    except KeyError as error:
        message = f"the graph does not say how large {error.args[0]} is."
        raise ContentError(message, "Export the model again.") from error


def _products(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    results = math.prod(shapes[node.output[0]])
    if node.op_type == "Conv":
        return results * math.prod(shapes[node.input[1]][1:])
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return results * shapes[node.input[0]][0 if transposed else -1]
