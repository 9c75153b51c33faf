"""What multiplies and shifts each channel by a constant of its own: batch normalization, and what is left of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.export.passes.graph import constant, is_op, sizes

if TYPE_CHECKING:
    import onnx_ir as ir
    from numpy.typing import NDArray

_BATCH_NORM_INPUTS = 5


@dataclass(frozen=True, eq=False)
class Affine:
    """y = scale * x + shift, for each channel (axis 1) of x.

    Attributes:
        node: where it stands.
        place: which of the node's inputs is x.
        scale: float64 (channels,).
        shift: float64 (channels,).
    """

    node: ir.Node
    place: int
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]


def affine(node: ir.Node) -> Affine | None:
    """The node as an Affine; None where it is none, or its numbers are not finite or not known.

    A BatchNormalization of a trained network, and a Mul, Add or Sub with one constant for each channel.
    """
    found = _batch_norm(node) if is_op(node, "BatchNormalization") else _arithmetic(node)
    return found if found and np.isfinite(found.scale).all() and np.isfinite(found.shift).all() else None


def at_the_front(value: ir.Value) -> bool:
    """Whether nothing but such steps lies between the graph's input and this value."""
    node = value.producer()
    step = affine(node) if node is not None else None
    if step is None:
        return value.is_graph_input()
    x = step.node.inputs[step.place]
    return x is not None and at_the_front(x)


def _batch_norm(node: ir.Node) -> Affine | None:
    """https://onnx.ai/onnx/operators/onnx__BatchNormalization.html: (x - mean) / sqrt(var + epsilon) * scale + B."""
    if (
        len(node.outputs) != 1
        or node.attributes.get_int("training_mode", 0) != 0
        or len(node.inputs) != _BATCH_NORM_INPUTS
    ):
        return None
    weights = [constant(value) for value in node.inputs[1:]]
    known = [weight.astype(np.float64) for weight in weights if weight is not None]
    if len(known) != len(weights):
        return None
    gamma, beta, mean, variance = known
    floor = variance + np.float64(np.float32(node.attributes.get_float("epsilon", 1e-5)))
    if (floor <= 0).any():
        return None
    scale = gamma / np.sqrt(floor)
    return Affine(node, 0, scale, beta - mean * scale)


def _arithmetic(node: ir.Node) -> Affine | None:
    if not is_op(node, "Mul", "Add", "Sub"):
        return None
    place = 0 if constant(node.inputs[0]) is None else 1
    number = _per_channel(node, place)
    if number is None or (node.op_type == "Sub" and place == 1):
        return None
    one, zero = np.ones_like(number), np.zeros_like(number)
    if node.op_type == "Mul":
        return Affine(node, place, number, zero)
    return Affine(node, place, one, number if node.op_type == "Add" else -number)


def _per_channel(node: ir.Node, place: int) -> NDArray[np.float64] | None:
    """The other operand as float64 (channels,): a constant with one number for each channel, or one for all."""
    content: NDArray[Any] | None = constant(node.inputs[1 - place])
    shape = sizes(node.inputs[place])
    if content is None or not shape or len(shape) < 2 or content.ndim > len(shape) or shape[1] is None:  # noqa: PLR2004 (batch and channels)
        return None
    aligned = content.reshape((1,) * (len(shape) - content.ndim) + content.shape)
    if aligned.shape[1] not in (1, shape[1]) or aligned.size != aligned.shape[1]:
        return None
    return np.broadcast_to(aligned.reshape(-1), (shape[1],)).astype(np.float64)
