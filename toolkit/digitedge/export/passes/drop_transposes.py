"""Transposes go: what reads their result reads the weights in another order instead."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from digitedge.export.passes.graph import constant, image_sizes, is_op, only_reader, set_weight, tidy, to_identity

# Each works on every number alone, so that the order of the numbers does not matter.
_ELEMENTWISE = (
    "Relu",
    "LeakyRelu",
    "Clip",
    "Sigmoid",
    "Tanh",
    "HardSwish",
    "HardSigmoid",
    "Elu",
    "Identity",
    "Dropout",
)


class DropTransposes(ir.passes.InPlacePass):
    """Cancels Transposes, and permutes the rows of the dense layers behind them.

    Precondition: the batch stays first.

    1. Two Transposes in a row become one; one that changes nothing goes.
    2. One that moves only dimensions of size 1 leaves the bytes as they are, and becomes a Reshape.
    3. Transpose -> Flatten -> Gemm, with functions of single numbers between: the rows of the Gemm's weight are
       permuted. Every reader of what is flattened must be such a Gemm.

    Postcondition: none of the three is left.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Rewrites until nothing is left to rewrite."""
        modified = False
        while any(_rewrite(node) for node in model.graph):
            tidy(model)
            modified = True
        return ir.passes.PassResult(model, modified)

    def ensures(self, model: ir.Model) -> None:
        """Raises ValueError where a Transpose stands in front of another one, or of a dense layer."""
        for node in model.graph:
            after = only_reader(node.outputs[0])
            if is_op(node, "Transpose") and after is not None and is_op(after, "Transpose"):
                raise ValueError(f"{node.name} and {after.name} could be one")
            if is_op(node, "Transpose") and _dense_readers(node):
                raise ValueError(f"{node.name} could be an order of weights")


def _rewrite(node: ir.Node) -> bool:
    if not is_op(node, "Transpose"):
        return False
    return _merge(node) or _to_reshape(node) or _into_weights(node)


def _perm(node: ir.Node) -> list[int]:
    rank = len(node.inputs[0].shape or ()) if node.inputs[0] is not None else 0
    return list(node.attributes.get_ints("perm", range(rank - 1, -1, -1)))


def _merge(node: ir.Node) -> bool:
    """Rule 1."""
    perm = _perm(node)
    if perm == sorted(perm):
        to_identity(node)
        return True
    first = node.inputs[0].producer() if node.inputs[0] is not None else None
    if first is None or not is_op(first, "Transpose"):
        return False
    inner = _perm(first)
    node.attributes.add(ir.AttrInt64s("perm", [inner[axis] for axis in perm]))
    node.replace_input_with(0, first.inputs[0])
    return True


def _to_reshape(node: ir.Node) -> bool:
    """Rule 2."""
    before, after = image_sizes(node.inputs[0]), image_sizes(node.outputs[0])
    perm = _perm(node)
    if not before or not after or perm[0] != 0:
        return False
    moved = [axis for axis in perm[1:] if before[axis - 1] != 1]
    if moved != sorted(moved):
        return False
    node.op_type = "Reshape"
    node.attributes.clear()
    set_weight(node, 1, np.array([0, *after], np.int64))
    return True


def _into_weights(node: ir.Node) -> bool:
    """Rule 3."""
    image, readers = image_sizes(node.inputs[0]), _dense_readers(node)
    if not image or not readers:
        return False
    # order[j]: where the number that the dense layers read as their j-th stands before the Transpose.
    order = np.arange(np.prod(image)).reshape(image).transpose([axis - 1 for axis in _perm(node)[1:]]).reshape(-1)
    rows = np.argsort(order)
    for gemm in readers:
        axis = gemm.attributes.get_int("transB", 0)
        set_weight(gemm, 1, np.take(np.asarray(constant(gemm.inputs[1])), rows, axis=1 if axis else 0))
    for value in _between(node):
        value.shape = None  # inferred anew
    to_identity(node)
    return True


def _dense_readers(node: ir.Node) -> list[ir.Node]:
    """Every Gemm that reads the Transpose's result flattened; none where something else reads it too."""
    value = _flattened(node)
    if value is None or value.is_graph_output() or _perm(node)[0] != 0:
        return []
    readers = [reader for reader, place in value.uses() if place == 0 and _is_dense(reader)]
    return readers if len(readers) == len(value.uses()) else []


def _is_dense(node: ir.Node) -> bool:
    return is_op(node, "Gemm") and constant(node.inputs[1]) is not None and not node.attributes.get_int("transA", 0)


def _flattened(node: ir.Node) -> ir.Value | None:
    """What the dense layers read: the last of a chain of single readers with one Flatten in it."""
    value, flat = node.outputs[0], False
    while (reader := only_reader(value)) is not None and len(reader.outputs) == 1:
        flattens = is_op(reader, "Flatten") and reader.attributes.get_int("axis", 1) == 1
        if not (flattens and not flat) and not is_op(reader, *_ELEMENTWISE):
            break
        value, flat = reader.outputs[0], flat or flattens
    return value if flat else None


def _between(node: ir.Node) -> list[ir.Value]:
    """The values between the Transpose and the Flatten, whose dimensions are now in another order."""
    values = [node.outputs[0]]
    while (reader := only_reader(values[-1])) is not None and is_op(reader, *_ELEMENTWISE):
        values.append(reader.outputs[0])
    return values
