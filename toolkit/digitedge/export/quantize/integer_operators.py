"""Operators that ONNX Runtime computes in integers, for two that it has in float alone.

Left as they are, each would be a float island between two integer layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from digitedge.analysis.shapes import float_shapes

_PLANES = 4  # axes of (n, channels, height, width)


def with_integer_operators(model: Any) -> Any:
    """The same network by operators that have integer kernels.

    1. A BatchNormalization that no layer before it could take in, of images, becomes a convolution of 1x1 with a group
       for each channel.
    2. A GlobalMaxPool of images of known size becomes a MaxPool of that size.

    Nodes and tensors keep their names.

    Args:
        model: onnx.ModelProto, float32. It is not changed.

    Returns:
        onnx.ModelProto.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shapes = float_shapes(copy)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in copy.graph.initializer}
    for node in copy.graph.node:
        shape = shapes.get(node.input[0], ()) if node.input else ()
        if len(shape) != _PLANES:
            continue
        if node.op_type == "BatchNormalization" and all(name in constants for name in node.input[1:]):
            copy.graph.initializer.extend(_as_convolution(node, [constants[name] for name in node.input[1:]]))
        if node.op_type == "GlobalMaxPool" and min(shape[2:]) > 1:
            node.op_type = "MaxPool"
            node.attribute.append(onnx.helper.make_attribute("kernel_shape", shape[2:]))
    return copy


def _as_convolution(node: Any, parameters: list[Any]) -> list[Any]:
    """Rewrites the node, and gives the initializers that it then needs.

    scale * (x - mean) / sqrt(var + epsilon) + bias: https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
    """
    scale, bias, mean, var = (array.astype(np.float64) for array in parameters)
    epsilon = next((attribute.f for attribute in node.attribute if attribute.name == "epsilon"), 1e-5)
    factor = scale / np.sqrt(var + epsilon)
    arrays = {"weights": factor.reshape(-1, 1, 1, 1), "bias": bias - mean * factor}
    names = {kind: f"{node.output[0]}/as_convolution/{kind}" for kind in arrays}
    image = node.input[0]
    node.op_type = "Conv"
    del node.input[:], node.attribute[:]
    node.input.extend([image, names["weights"], names["bias"]])
    node.attribute.append(onnx.helper.make_attribute("group", len(factor)))
    return [onnx.numpy_helper.from_array(array.astype(np.float32), names[kind]) for kind, array in arrays.items()]
