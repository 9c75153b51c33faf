"""Operators on single elements: arithmetic with constants and between tensors, and activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.export.c.activation import Activation, Bounds, Call, HardSigmoid, HardSwish, LeakyRelu, WithConstant
from digitedge.export.c.moving import Concat
from digitedge.export.c.pointwise import Pointwise
from digitedge.export.c.tensor import Shape
from digitedge.export.c.values import (
    RANK,
    Lowering,
    Value,
    attributes,
    image_value,
    is_turned,
    refuse,
    turn,
    turn_back,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SYMBOLS = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Sum": "+"}


def _stages(*stages: Activation) -> Callable[[Lowering, Any], None]:
    def rule(lowering: Lowering, node: Any) -> None:
        _apply(lowering, node, node.input[0], *stages)

    return rule


def _apply(lowering: Lowering, node: Any, name: str, *stages: Activation) -> None:
    value = lowering.values[name]
    tensor = lowering.emit(Pointwise(stages), (value.tensor,), value.tensor.shape)
    lowering.values[node.output[0]] = Value(tensor, value.places)


def _clip(lowering: Lowering, node: Any) -> None:
    bounds = []
    for number in (1, 2):
        name = node.input[number] if len(node.input) > number else ""
        if name and name not in lowering.constants:
            raise refuse(node, "whose bounds depend on the image", "Make them constant.")
        bounds.append(float(lowering.constants[name].reshape(())) if name else None)
    _apply(lowering, node, node.input[0], Bounds(*bounds))


def _leaky_relu(lowering: Lowering, node: Any) -> None:
    _apply(lowering, node, node.input[0], LeakyRelu(attributes(node).get("alpha", 0.01)))


def _hard_sigmoid(lowering: Lowering, node: Any) -> None:
    given = attributes(node)
    _apply(lowering, node, node.input[0], HardSigmoid(given.get("alpha", 0.2), given.get("beta", 0.5)))


def _elu(lowering: Lowering, node: Any) -> None:
    _apply(lowering, node, node.input[0], Call("elu", attributes(node).get("alpha", 1.0)))


def _batch_normalization(lowering: Lowering, node: Any) -> None:
    scale, shift, mean, variance = (lowering.constants[name].astype(np.float64) for name in node.input[1:5])
    factor = scale / np.sqrt(variance + attributes(node).get("epsilon", 1e-5))
    stages = [("*", factor), ("+", shift - mean * factor)]
    shape = (1, -1, *[1] * (lowering.values[node.input[0]].places.ndim - 2))
    name = node.input[0]
    constants = [_constant(node, lowering.values[name], values.reshape(shape)) for _, values in stages]
    pairs = zip(stages, constants, strict=True)
    _apply(lowering, node, name, *(WithConstant(symbol, values) for (symbol, _), values in pairs))


def _arithmetic(lowering: Lowering, node: Any) -> None:
    symbol, names = _SYMBOLS[node.op_type], list(node.input)
    if len(names) != 2:  # noqa: PLR2004 (two operands)
        raise refuse(node, f"of {len(names)} tensors", "Add them two by two.")
    if all(name in lowering.values for name in names):
        _between(lowering, node, symbol, lowering.values[names[0]], lowering.values[names[1]])
        return
    first = names[0] in lowering.constants
    name, constant = (names[1], names[0]) if first else (names[0], names[1])
    values = _constant(node, lowering.values[name], lowering.constants[constant])
    _apply(lowering, node, name, WithConstant(symbol, values, constant_first=first))


def _constant(node: Any, value: Value, constant: NDArray[Any]) -> NDArray[np.float32]:
    """The elements of a constant in the order of the value's memory: all of them, or one a channel, or one alone."""
    if np.broadcast_shapes(constant.shape, value.places.shape) != value.places.shape:
        raise refuse(node, f"of {value.places.shape} and {constant.shape}", "Give the constant no more elements.")
    inner = np.empty(value.tensor.shape.count, np.float32)
    inner[value.places.ravel()] = np.broadcast_to(constant, value.places.shape).ravel()
    by_channel = inner.reshape(-1, value.tensor.shape.channels)
    if (inner == inner[0]).all():
        return inner[:1]
    return by_channel[0] if (by_channel == by_channel[0]).all() else inner


def _between(lowering: Lowering, node: Any, symbol: str, one: Value, other: Value) -> None:
    if one.tensor.shape == other.tensor.shape and np.array_equal(one.places, other.places):
        tensor = lowering.emit(Pointwise((), symbol), (one.tensor, other.tensor), one.tensor.shape)
        lowering.values[node.output[0]] = Value(tensor, one.places)
        return
    if one.places.ndim != RANK or other.places.ndim != RANK:
        _between_vectors(lowering, node, symbol, one, other)
        return
    turned = is_turned(one) or is_turned(other)
    if one.places.size < other.places.size and symbol in "+*":
        one, other = other, one
    x, x2 = (lowering.image(node, turn(value) if turned else value) for value in (one, other))
    if x2.shape not in (x.shape, Shape(1, 1, x.shape.channels)):
        raise refuse(node, f"of {x.shape} and {x2.shape}", "Give both the same shape, or one a value a channel.")
    result = image_value(lowering.emit(Pointwise((), symbol), (x, x2), x.shape))
    lowering.values[node.output[0]] = turn_back(result) if turned else result


def _between_vectors(lowering: Lowering, node: Any, symbol: str, one: Value, other: Value) -> None:
    x, x2 = lowering.vector(one), lowering.vector(other)
    if x.shape != x2.shape or one.places.shape != other.places.shape:
        raise refuse(node, f"of {one.places.shape} and {other.places.shape}", "Give both the same shape.")
    places = np.arange(x.shape.count).reshape(one.places.shape)
    lowering.values[node.output[0]] = Value(lowering.emit(Pointwise((), symbol), (x, x2), x.shape), places)


def _concat(lowering: Lowering, node: Any) -> None:
    if any(name in lowering.constants for name in node.input):
        raise refuse(node, "with a constant", "Join only what is computed.")
    values = [lowering.values[name] for name in node.input]
    rank = values[0].places.ndim
    axis = attributes(node)["axis"] % rank
    turned = rank == RANK and axis == RANK - 1
    if axis != 1 and not turned:
        raise refuse(node, f"along axis {axis}", "Join channels: axis 1 of N x C x H x W.")
    if rank != RANK:
        vectors = tuple(lowering.vector(value) for value in values)
        tensor = lowering.emit(Concat(), vectors, Shape(1, 1, sum(vector.shape.channels for vector in vectors)))
        lowering.values[node.output[0]] = Value(tensor, np.arange(tensor.shape.count).reshape(1, -1))
        return
    reads = tuple(lowering.image(node, turn(value) if turned else value) for value in values)
    shape = Shape(reads[0].shape.height, reads[0].shape.width, sum(tensor.shape.channels for tensor in reads))
    result = image_value(lowering.emit(Concat(), reads, shape))
    lowering.values[node.output[0]] = turn_back(result) if turned else result


RULES: dict[str, Callable[[Lowering, Any], None]] = {
    "Add": _arithmetic,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Concat": _concat,
    "Div": _arithmetic,
    "Elu": _elu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _stages(HardSwish()),
    "LeakyRelu": _leaky_relu,
    "Mul": _arithmetic,
    "Relu": _stages(Bounds(0.0, None)),
    "Sigmoid": _stages(Call("sigmoid")),
    "Sub": _arithmetic,
    "Sum": _arithmetic,
    "Tanh": _stages(Call("hyperbolic_tangent")),
}
