"""A node in float32, as ONNX defines it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from digitedge.analysis.integer_kernels import largest, rows, sum_windows, window_sizes, windows
from digitedge.analysis.lowering_weights import geometry_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_IMAGE_AXES = 4
_QDQ = ("QuantizeLinear", "DequantizeLinear")


def compute(node: Any, values: Mapping[str, NDArray[Any]], opset: int) -> NDArray[Any]:
    """The first output of a node.

    Convolutions and pools over images are computed here: onnx's own take seconds for an image. All else is onnx's.

    Args:
        node: onnx.NodeProto.
        values: by name, all its inputs among them.
        opset: that it is of.
    """
    inputs = {name: values[name] for name in node.input if name}
    geometry = geometry_of(node, values) if node.op_type in _SLIDING else None
    if geometry is not None and inputs[node.input[0]].ndim == _IMAGE_AXES:
        return _SLIDING[node.op_type](list(inputs.values()), geometry)
    if node.op_type in _QDQ:  # onnx's own are of opset 19 on, and mean the same
        opset = max(opset, 19)
    # Small values become 0 in a float32 softmax or sigmoid, as they should.
    with np.errstate(under="ignore", over="ignore"):
        result: NDArray[Any] = ReferenceEvaluator(node, opsets={"": opset}).run(None, inputs)[0]
    return result


def _conv(inputs: list[NDArray[Any]], geometry: Any) -> NDArray[Any]:
    images, weights, *bias = inputs
    sums = rows(weights, geometry.groups) @ windows(images, geometry)
    height, width = geometry.output((images.shape[2], images.shape[3]))
    result: NDArray[Any] = sums.reshape(len(images), -1, height, width)
    return result + bias[0].reshape(-1, 1, 1) if bias else result


def _average(inputs: list[NDArray[Any]], geometry: Any) -> NDArray[Any]:
    (images,) = inputs
    averages: NDArray[Any] = sum_windows(images, geometry) / window_sizes(geometry, (images.shape[2], images.shape[3]))
    return averages


_SLIDING = {
    "Conv": _conv,
    "MaxPool": lambda inputs, geometry: largest(inputs[0], geometry),
    "AveragePool": _average,
    "GlobalAveragePool": _average,
}
