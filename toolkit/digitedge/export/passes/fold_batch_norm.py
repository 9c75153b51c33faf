"""Batch normalization becomes part of the weights beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from digitedge.export.passes.affine import Affine, affine, at_the_front
from digitedge.export.passes.graph import constant, image_sizes, is_op, only_reader, set_weight, tidy, to_identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BIAS = 2


class FoldBatchNorm(ir.passes.InPlacePass):
    """Folds scales and shifts per channel into the Conv or Gemm before them, else into those behind.

    Precondition: the layer's weights stand in the file, and nothing else reads what lies between.

    1. Into the layer before: always exact.
    2. Into the layers behind, where every reader is such a layer: exact where the shift is zero, or no zeros are
       padded, since the padding is not shifted. Pools that commute with it may lie between (a maximum only where every
       scale is positive), Transposes and a Flatten.
    3. What stands at the graph's input stays: it says how pixels are scaled.
    4. Weights that would no longer be finite stay as they are.

    Postcondition: nothing is left that could be folded.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Folds until nothing is left to fold."""
        modified = False
        while any(_fold(node) for node in model.graph):
            tidy(model)
            modified = True
        return ir.passes.PassResult(model, modified)

    def ensures(self, model: ir.Model) -> None:
        """Raises ValueError where something is left that could be folded."""
        left = [node.name for node in model.graph if _plan(node)]
        if left:
            raise ValueError(f"{left[0]} could be part of the weights beside it")


@dataclass(frozen=True, eq=False)
class _Folded:
    """A layer with its weights to come: outputs first, float32, and the bias, float32 (outputs,)."""

    layer: ir.Node
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


def _fold(node: ir.Node) -> bool:
    plan = _plan(node)
    if plan is None:
        return False
    step, layers = plan
    for folded in layers:
        set_weight(folded.layer, 1, folded.weight.T if _inputs_first(folded.layer) else folded.weight)
        if folded.bias.any() or len(folded.layer.inputs) > _BIAS:
            set_weight(folded.layer, _BIAS, folded.bias)
    node.replace_input_with(0, node.inputs[step.place])
    to_identity(node)
    return True


def _plan(node: ir.Node) -> tuple[Affine, list[_Folded]] | None:
    step = affine(node)
    x = node.inputs[step.place] if step else None
    if step is None or x is None or at_the_front(x):
        return None
    before = x.producer()
    if before is not None and only_reader(x) is node and _can_take(before):
        layers = [_into_before(before, step)]
    else:
        layers = _into_behind(step)
    finite = all(np.isfinite(folded.weight).all() and np.isfinite(folded.bias).all() for folded in layers)
    return (step, layers) if layers and finite else None


def _can_take(layer: ir.Node) -> bool:
    """Whether it is a Conv or a plain Gemm whose weights stand in the file."""
    if not is_op(layer, "Conv", "Gemm"):
        return False
    plain = layer.attributes.get_float("alpha", 1.0) == layer.attributes.get_float("beta", 1.0) == 1.0
    weights = [constant(value) for value in layer.inputs[1:] if value is not None]
    flat = len(weights) == 1 or (weights[1] is not None and weights[1].ndim == 1)
    return plain and flat and layer.attributes.get_int("transA", 0) == 0 and all(w is not None for w in weights)


def _inputs_first(layer: ir.Node) -> bool:
    return is_op(layer, "Gemm") and layer.attributes.get_int("transB", 0) == 0


def _weights(layer: ir.Node) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weights, outputs first, and the bias."""
    weight = np.asarray(constant(layer.inputs[1]), np.float64)
    weight = weight.T if _inputs_first(layer) else weight
    bias = constant(layer.inputs[_BIAS]) if len(layer.inputs) > _BIAS else None
    return weight, np.broadcast_to(np.asarray(0.0 if bias is None else bias, np.float64), weight.shape[:1])


def _folded(layer: ir.Node, weight: NDArray[np.float64], bias: NDArray[np.float64]) -> _Folded:
    with np.errstate(over="ignore"):  # an infinity is refused by _plan
        return _Folded(layer, weight.astype(np.float32), bias.astype(np.float32))


def _into_before(layer: ir.Node, step: Affine) -> _Folded:
    weight, bias = _weights(layer)
    scale = step.scale.reshape(-1, *[1] * (weight.ndim - 1))
    return _folded(layer, weight * scale, bias * step.scale + step.shift)


def _into_behind(step: Affine) -> list[_Folded]:
    """The layers that read the step, with their weights to come; none where one of the readers cannot take it."""
    value = step.node.outputs[0]
    image = image_sizes(value)
    if not image:
        return []
    # Of each number of an image, which channel of the step it is.
    channel: NDArray[Any] | None = np.arange(image[0]).reshape(-1, *[1] * (len(image) - 1)) + np.zeros(image, np.int64)
    while channel is not None and (node := only_reader(value)) is not None and not _can_take(node):
        channel = _through(node, channel, step)
        value = node.outputs[0]
    readers = [node for node, place in value.uses() if place == 0 and _can_take(node)]
    if channel is None or value.is_graph_output() or len(readers) != len(value.uses()):
        return []
    shifted = bool(step.shift.any())
    if not all(_by_channel(channel) and (_pads_nothing(node) or not shifted) for node in readers):
        return []
    return [_behind(node, step, channel) for node in readers]


def _by_channel(channel: NDArray[Any]) -> bool:
    """Whether the first axis alone says which channel of the step a number is."""
    return bool((channel == channel.reshape(len(channel), -1)[:, :1].reshape(-1, *[1] * (channel.ndim - 1))).all())


def _through(node: ir.Node, channel: NDArray[Any], step: Affine) -> NDArray[Any] | None:
    """Which channels the node's result holds; None where it is not the same to scale and shift before and after it."""
    after = image_sizes(node.outputs[0])
    if len(node.outputs) != 1 or not after:
        return None
    if is_op(node, "Flatten"):
        return channel.reshape(-1) if node.attributes.get_int("axis", 1) == 1 else None
    if is_op(node, "Transpose"):
        perm = node.attributes.get_ints("perm", [])
        return channel.transpose([axis - 1 for axis in perm[1:]]) if perm and perm[0] == 0 else None
    commutes = is_op(node, "GlobalAveragePool") or (is_op(node, "AveragePool") and _pads_nothing(node))
    if not commutes and not (is_op(node, "MaxPool") and (step.scale > 0).all()):
        return None
    own = _by_channel(channel)
    return channel.reshape(len(channel), -1)[:, :1].reshape(-1, 1, 1) + np.zeros(after, np.int64) if own else None


def _pads_nothing(node: ir.Node) -> bool:
    padded = any(node.attributes.get_ints("pads", [])) or node.attributes.get_int("ceil_mode", 0) != 0
    return not padded and node.attributes.get_string("auto_pad", "NOTSET") in ("NOTSET", "VALID")


def _behind(layer: ir.Node, step: Affine, channel: NDArray[Any]) -> _Folded:
    weight, bias = _weights(layer)
    inputs = channel.reshape(len(channel), -1)[:, 0]
    # Outputs of one group read the channels of that group only.
    groups = layer.attributes.get_int("group", 1)
    read = np.repeat(inputs.reshape(groups, -1), len(weight) // groups, axis=0)
    read = read.reshape(*read.shape, *[1] * (weight.ndim - 2))
    shifts = (weight * step.shift[read]).reshape(len(weight), -1).sum(axis=1)
    return _folded(layer, weight * step.scale[read], bias + shifts)
