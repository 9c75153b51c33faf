"""What every pass asks of a graph, and the two ways in which one changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import IdentityEliminationPass, RemoveUnusedNodesPass, ShapeInferencePass

if TYPE_CHECKING:
    from numpy.typing import NDArray


def constant(value: ir.Value | None) -> NDArray[Any] | None:
    """The content of a weight, or None where the value is not known before the model runs."""
    if value is None or value.const_value is None or value.is_graph_input() or value.is_graph_output():
        return None
    return value.const_value.numpy()


def only_reader(value: ir.Value) -> ir.Node | None:
    """The node that alone reads the value, and reads it once; None where others do, or the caller of the model."""
    if value.is_graph_output() or len(value.uses()) != 1:
        return None
    ((node, _),) = value.uses()
    return node


def is_op(node: ir.Node | None, *op_types: str) -> bool:
    """Whether the node is one of these operators of ONNX itself."""
    return node is not None and node.domain == "" and node.op_type in op_types


def sizes(value: ir.Value | None) -> tuple[int | None, ...] | None:
    """The shape, with None where a size is not known before the model runs; None where not even the rank is."""
    if value is None or value.shape is None:
        return None
    return tuple(size if isinstance(size, int) else None for size in value.shape)


def image_sizes(value: ir.Value | None) -> tuple[int, ...] | None:
    """The shape without the batch, (channels, height, width) or (features,); None where a size in it is not known."""
    shape = sizes(value)
    if not shape:
        return None
    known = tuple(size for size in shape[1:] if size is not None)
    return known if len(known) == len(shape) - 1 else None


def set_weight(node: ir.Node, index: int, content: NDArray[Any]) -> None:
    """Gives the node another weight at this input, under the name of the old one where that is free."""
    old = node.inputs[index] if index < len(node.inputs) else None
    graph = node.graph
    if graph is None:
        raise ValueError(f"{node.name} is in no graph")
    tensor = ir.tensor(np.ascontiguousarray(content))
    if old is not None and old.is_initializer() and only_reader(old) is node:
        old.const_value, old.shape = tensor, ir.Shape(tensor.numpy().shape)
        return
    name = unused_name(graph, (old.name if old is not None else None) or f"{node.name}/bias")
    new = ir.val(name, const_value=tensor)
    graph.register_initializer(new)
    if index >= len(node.inputs):
        node.resize_inputs(index + 1)
    node.replace_input_with(index, new)


def unused_name(graph: ir.Graph, name: str) -> str:
    """`name` or, where a weight bears it already, `name__2` and so on: canonical_names drops such numbers."""
    number, free = 1, name
    while free in graph.initializers:
        number += 1
        free = f"{name}__{number}"
    return free


def to_identity(node: ir.Node) -> None:
    """The node passes its first input on as it is; `tidy` then drops it."""
    node.op_type = "Identity"
    node.attributes.clear()
    node.resize_inputs(1)


def tidy(model: ir.Model) -> None:
    """Drops what passes its input on as it is, and what nobody reads."""
    IdentityEliminationPass()(model)
    RemoveUnusedNodesPass()(model)


def infer_shapes(model: ir.Model) -> None:
    """Fills in the shapes that follow from the inputs and the weights."""
    ShapeInferencePass()(model)


def require_known_images(model: ir.Model) -> None:
    """The precondition that the passes share.

    Raises:
        ValueError: an input or output whose size is not known but for the batch, or a graph within the graph.
    """
    for value in (*model.graph.inputs, *model.graph.outputs):
        if image_sizes(value) is None:
            raise ValueError(f"the shape of {value.name} is not known")
    if any(True for _ in model.graph.subgraphs()):
        raise ValueError("If, Loop and Scan hold graphs of their own")
