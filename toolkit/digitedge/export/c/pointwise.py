"""What is done to each element alone: constants and activations, of one tensor or of two that are joined first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitedge.export.c.activation import WithConstant
from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step
from digitedge.export.c.tensor import empty_halo

if TYPE_CHECKING:
    from digitedge.export.c.activation import Activation
    from digitedge.export.c.tensor import Place


@dataclass(frozen=True, eq=False)
class Pointwise:
    """The operation.

    Attributes:
        stages: applied in this order.
        operator: that first joins two tensors, `+`, `-`, `*` or `/`; or None, for one tensor. The second may be a
            vector with an element for each channel of the first.
    """

    stages: tuple[Activation, ...] = ()
    operator: str | None = None


def pointwise(name: str, operation: Pointwise, *places: Place) -> Step:
    """The step that computes the last of `places` from the one or two before it."""
    *reads, y = places
    constants = {
        number: Constant(f"{name}_constant{number}", stage.values)
        for number, stage in enumerate(operation.stages)
        if isinstance(stage, WithConstant) and len(stage.values) > 1
    }
    width, channels = y.shape.width, y.shape.channels
    vectors = any(len(constant.values) == channels for constant in constants.values())
    if width > 1 and (vectors or any(place.shape != y.shape for place in reads)):
        element = _element(operation, places, constants, f"{times(channels, 'column')} + k")
        inner = loop("column", width, loop("k", channels, element))
    else:
        inner = loop("k", width * channels, _element(operation, places, constants, "k"))
    rows = loop("row", y.shape.height, lines([*_starts(reads, y), inner]))
    return Step(
        name=name,
        comment=_describe(operation, reads, y),
        body=indent(lines([*empty_halo(y), rows])),
        reads=tuple(place.buffer for place in reads),
        writes=y.buffer,
        constants=tuple(constants.values()),
        in_place=all((place.shape, place.halo, place.buffer.ctype) == (y.shape, y.halo, "float") for place in reads),
    )


def _describe(operation: Pointwise, reads: list[Place], y: Place) -> str:
    first = f"{reads[0].shape} {operation.operator} {reads[1].shape}" if operation.operator else f"Of {y.shape}"
    return ", ".join([first, *map(str, operation.stages)])


def _starts(reads: list[Place], y: Place) -> list[str]:
    """A pointer to the row of each tensor; a vector has but one."""
    names = ["x", "x2"][: len(reads)]
    texts = [
        f"const {place.buffer.ctype} *const {name}_row = "
        f"{plus(name, place.origin, times(place.row, 'row') if place.shape == y.shape else 0)};"
        for name, place in zip(names, reads, strict=True)
    ]
    return [*texts, f"float *const y_row = {plus('y', y.origin, times(y.row, 'row'))};"]


def _element(operation: Pointwise, places: tuple[Place, ...], constants: dict[int, Constant], at: str) -> str:
    *reads, y = places
    value = f"x_row[{at}]" if reads[0].buffer.ctype == "float" else f"(float)x_row[{at}]"
    if operation.operator is not None:
        value += f" {operation.operator} x2_row[{at if reads[1].shape == y.shape else 'k'}]"
    texts = [f"float v = {value};"]
    for number, stage in enumerate(operation.stages):
        if isinstance(stage, WithConstant) and number in constants:
            constant = constants[number]
            whole = len(constant.values) != y.shape.channels
            place = plus(times(y.shape.width * y.shape.channels, "row"), at) if whole else "k"
            texts.append(f"v = {stage.on_float('v', f'{constant.name}[{place}]')};")
        else:
            texts.append(f"v = {stage.on_float('v')};")
    return lines([*texts, f"y_row[{at}] = v;"])
