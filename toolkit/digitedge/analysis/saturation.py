"""Can a quantized layer saturate on a CPU that multiplies 8-bit numbers in pairs? It follows from the weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ACTIVATION = 255
MAX_INT16 = 32_767


def saturating_layers(model: Any) -> tuple[str, ...]:
    """The weight tensors of a QDQ model that can saturate VPMADDUBSW, which adds two u8 x s8 products in 16 bits.

    The bound is the safe one: the two largest weights of the tensor, wherever they stand, times 255.

    Args:
        model: onnx.ModelProto with QDQ nodes.

    Returns:
        Names of int8 initializers, in the order of the graph; empty when the model is safe on every x86 CPU.
    """
    dequantized = {node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    weights = [tensor for tensor in model.graph.initializer if tensor.name in dequantized]
    return tuple(tensor.name for tensor in weights if _can_saturate(onnx.numpy_helper.to_array(tensor)))


def _can_saturate(weights: NDArray[Any]) -> bool:
    # A bias is one-dimensional and int32; unsigned weights take another kernel, which widens them first.
    if weights.dtype != np.int8 or weights.ndim < 2:  # noqa: PLR2004
        return False
    largest = np.sort(np.abs(weights.astype(np.int64)), axis=None)[-2:]
    return bool(largest.sum() * MAX_ACTIVATION > MAX_INT16)
