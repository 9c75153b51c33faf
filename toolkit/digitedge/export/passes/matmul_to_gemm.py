"""A dense layer is one node."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from digitedge.export.passes.graph import constant, is_op, only_reader, set_weight, sizes, to_identity

_MATRIX = 2


class MatmulToGemm(ir.passes.InPlacePass):
    """MatMul becomes Gemm, and takes the Add behind it as its bias.

    ONNX Runtime fuses an activation into a Gemm, never into a MatMul.

    Precondition: a matrix times a weight, (N, inputs) x (inputs, outputs). A MatMul over more dimensions stays. The Add
    is taken where nothing else reads the product, and what it adds is a weight with one number for each output, or one
    for all.
    Postcondition: no such MatMul is left, and every Gemm multiplies matrices that fit.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Rewrites every such MatMul."""
        found = [node for node in model.graph if _is_dense(node)]
        for node in found:
            node.op_type = "Gemm"
            _take_bias(node)
        return ir.passes.PassResult(model, modified=bool(found))

    def ensures(self, model: ir.Model) -> None:
        """Raises ValueError for a MatMul that was left, or a Gemm that does not fit."""
        for node in model.graph:
            if _is_dense(node):
                raise ValueError(f"{node.name} could be a Gemm")
            if is_op(node, "Gemm") and len(sizes(node.inputs[0]) or ()) != _MATRIX:
                raise ValueError(f"{node.name} multiplies something that is not a matrix")


def _is_dense(node: ir.Node) -> bool:
    if not is_op(node, "MatMul"):
        return False
    weight = constant(node.inputs[1])
    return weight is not None and weight.ndim == _MATRIX and len(sizes(node.inputs[0]) or ()) == _MATRIX


def _take_bias(gemm: ir.Node) -> None:
    product = gemm.outputs[0]
    add = only_reader(product)
    if add is None or not is_op(add, "Add"):
        return
    place = 0 if add.inputs[0] is product else 1
    bias, weight = constant(add.inputs[1 - place]), constant(gemm.inputs[1])
    if bias is None or weight is None or bias.size not in (1, weight.shape[1]) or bias.shape[:-1] not in ((), (1,)):
        return
    gemm.resize_inputs(3)
    if bias.shape == weight.shape[1:]:
        gemm.replace_input_with(2, add.inputs[1 - place])
    else:
        set_weight(gemm, 2, np.broadcast_to(bias.reshape(-1), weight.shape[1:]))
    add.replace_input_with(0, product)
    to_identity(add)
