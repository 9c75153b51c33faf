"""Half-precision weights and arithmetic, by ONNX Runtime's converter; float32 in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx import TensorProto, numpy_helper
from onnx_ir.passes.common import TopologicalSortPass

from digitedge.errors import ContentError

# The largest finite float16.
LARGEST = 65504.0
# Softmax stays in float32: it adds up powers. So does ArgMax, for which ONNX Runtime has no float16 on a CPU.
_FLOAT32 = ("Softmax", "ArgMax")


def to_fp16(model: Any) -> Any:
    """The model with float16 weights and arithmetic between a float32 input and a float32 or integer output.

    Args:
        model: onnx.ModelProto, float32. It may be changed.

    Returns:
        onnx.ModelProto.

    Raises:
        ContentError: a weight is too large for float16.
    """
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    _check(model)
    blocked = [*DEFAULT_OP_BLOCK_LIST, *_FLOAT32]
    half = convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)
    _drop_double_casts(half.graph)
    # The converter puts its Casts at the end of the list of nodes.
    graph = ir.serde.deserialize_model(half)
    return ir.serde.serialize_model(TopologicalSortPass()(graph).model)


def _check(model: Any) -> None:
    """The converter would cut what is too large without a word."""
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor)
            largest = float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
            if largest > LARGEST:
                message = f"{tensor.name} holds {largest:.3g}, and float16 ends at {LARGEST:.0f}."
                raise ContentError(message, "Export it without --fp16.")


def _drop_double_casts(graph: Any) -> None:
    """Removes Casts from float32 to float16 and back, which the converter leaves behind Softmax: they only round."""
    made = {name: node for node in graph.node for name in node.output}
    outputs = {value.name for value in graph.output}
    for back in [node for node in graph.node if _casts(node, TensorProto.FLOAT)]:
        there = made.get(back.input[0])
        # By its name: a Cast of the network's own may come from integers.
        if there is None or not there.name.endswith("_cast_to_fp16_node"):
            continue
        (float32,), (again,) = there.input, back.output
        old, new = (float32, again) if again in outputs else (again, float32)
        graph.node.remove(back)
        for node in graph.node:
            node.input[:] = [new if name == old else name for name in node.input]
            node.output[:] = [new if name == old else name for name in node.output]
    used = {name for node in graph.node for name in node.input} | outputs
    for node in [node for node in graph.node if node.op_type == "Cast" and node.output[0] not in used]:
        graph.node.remove(node)


def _casts(node: Any, kind: int) -> bool:
    return node.op_type == "Cast" and any(entry.name == "to" and entry.i == kind for entry in node.attribute)
