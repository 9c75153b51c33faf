"""Operators that move nothing: they only count the same elements in another way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.export.c.pointwise import Pointwise
from digitedge.export.c.values import Lowering, Value, attributes, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FLOAT, _UINT8 = 1, 2  # TensorProto.FLOAT, TensorProto.UINT8


def _view(lowering: Lowering, node: Any, places: NDArray[np.int64]) -> None:
    lowering.values[node.output[0]] = Value(lowering.values[node.input[0]].tensor, places)


def _identity(lowering: Lowering, node: Any) -> None:
    _view(lowering, node, lowering.values[node.input[0]].places)


def _reshape(lowering: Lowering, node: Any) -> None:
    places = lowering.values[node.input[0]].places
    wanted = [int(size) for size in _argument(lowering, node, 1, "shape")]
    keep_zero = bool(attributes(node).get("allowzero", 0))
    shape = [places.shape[i] if size == 0 and not keep_zero else size for i, size in enumerate(wanted)]
    if -1 not in shape and math.prod(shape) != places.size and shape[0] == 0:
        shape[0] = 1
    _view(lowering, node, places.reshape(shape))


def _flatten(lowering: Lowering, node: Any) -> None:
    places, axis = lowering.values[node.input[0]].places, attributes(node).get("axis", 1)
    _view(lowering, node, places.reshape(math.prod(places.shape[: axis % (places.ndim + 1)]), -1))


def _transpose(lowering: Lowering, node: Any) -> None:
    _view(lowering, node, lowering.values[node.input[0]].places.transpose(attributes(node).get("perm")))


def _squeeze(lowering: Lowering, node: Any) -> None:
    places, axes = lowering.values[node.input[0]].places, _axes(lowering, node)
    _view(lowering, node, places.squeeze() if axes is None else places.squeeze(tuple(axes)))


def _unsqueeze(lowering: Lowering, node: Any) -> None:
    places, axes = lowering.values[node.input[0]].places, _axes(lowering, node)
    _view(lowering, node, np.expand_dims(places, tuple(axes or ())))


def _cast(lowering: Lowering, node: Any) -> None:
    value, target = lowering.values[node.input[0]], attributes(node)["to"]
    if value.tensor.ctype == "uint8_t" and target == _FLOAT:
        tensor = lowering.emit(Pointwise(), (value.tensor,), value.tensor.shape)
        lowering.values[node.output[0]] = Value(tensor, value.places)
    elif (value.tensor.ctype == "float") == (target == _FLOAT) and target != _UINT8:
        _identity(lowering, node)  # a label is an integer of any width
    else:
        raise refuse(node, f"from {value.tensor.ctype} to type {target}", "Leave it out.")


def _shape(lowering: Lowering, node: Any) -> None:
    given = attributes(node)
    shape = np.array(lowering.values[node.input[0]].places.shape, np.int64)
    lowering.constants[node.output[0]] = shape[given.get("start", 0) : given.get("end")]


def _axes(lowering: Lowering, node: Any) -> list[int] | None:
    if len(node.input) > 1 and node.input[1]:
        return [int(axis) for axis in _argument(lowering, node, 1, "axes")]
    axes = attributes(node).get("axes")
    return None if axes is None else list(axes)


def _argument(lowering: Lowering, node: Any, number: int, name: str) -> NDArray[Any]:
    if node.input[number] not in lowering.constants:
        raise refuse(node, f"whose {name} depends on the image", f"Make its {name} constant.")
    return lowering.constants[node.input[number]]


RULES: dict[str, Callable[[Lowering, Any], None]] = {
    "Cast": _cast,
    "Dropout": _identity,
    "Flatten": _flatten,
    "Identity": _identity,
    "Reshape": _reshape,
    "Shape": _shape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
