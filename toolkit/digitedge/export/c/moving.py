"""What moves elements and computes nothing: concatenation, padding, another order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from digitedge.export.c.activation import literal
from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step
from digitedge.export.c.tensor import empty_halo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.export.c.tensor import Place

_INT16_MAX = 32_767


@dataclass(frozen=True)
class Concat:
    """Tensors of the same height and width, channel after channel."""


@dataclass(frozen=True)
class Pad:
    """A tensor in the middle of a larger one: `top` rows and `left` columns of `value` come first."""

    top: int
    left: int
    value: float


@dataclass(frozen=True, eq=False)
class Order:
    """The same elements in another order, or under another shape.

    Attributes:
        places: int (n,): where each element of the result is found; None for the order that it has.
    """

    places: NDArray[np.int64] | None


def concat(name: str, _: Concat, *places: Place) -> Step:
    """The step that writes the last of `places` from all those before it."""
    *reads, y = places
    begins = accumulate((place.shape.channels for place in reads), initial=0)
    names = ["x", *(f"x{number}" for number in range(2, len(reads) + 1))]
    parts = [_copy(x, place, y, begin) for x, place, begin in zip(names, reads, begins, strict=False)]
    inner = loop("row", y.shape.height, loop("column", y.shape.width, lines(parts)))
    comment = f"{' and '.join(str(place.shape) for place in reads)} to {y.shape}"
    body = indent(lines([*empty_halo(y), inner]))
    return Step(name, comment, body, tuple(place.buffer for place in reads), y.buffer)


def _copy(name: str, x: Place, y: Place, begin: int) -> str:
    source = plus(f"{name}", x.origin, times(x.row, "row"), times(x.shape.channels, "column"))
    target = plus("y", y.origin + begin, times(y.row, "row"), times(y.shape.channels, "column"))
    pointers = [f"const float *const from = {source};", f"float *const to = {target};"]
    return f"{{\n{indent(lines([*pointers, loop('k', x.shape.channels, 'to[k] = from[k];')]))}\n}}"


def pad(name: str, operation: Pad, x: Place, y: Place) -> Step:
    """The step that writes `x` into the middle of `y`."""
    fill = loop("k", y.shape.width * y.shape.channels, f"to[k] = {literal(operation.value)};")
    target = f"float *const to = {plus('y', y.origin, times(y.row, 'row'))};"
    body = [*empty_halo(y), loop("row", y.shape.height, lines([target, fill]))]
    inner = plus("y", y.origin + operation.top * y.row + operation.left * y.shape.channels, times(y.row, "row"))
    pointers = [f"const float *const from = {plus('x', x.origin, times(x.row, 'row'))};", f"float *const to = {inner};"]
    copy = loop("k", x.shape.width * x.shape.channels, "to[k] = from[k];")
    body.append(loop("row", x.shape.height, lines([*pointers, copy])))
    return Step(name, f"{x.shape} padded to {y.shape}", indent(lines(body)), (x.buffer,), y.buffer)


def order(name: str, operation: Order, x: Place, y: Place) -> Step:
    """The step that writes the elements of `x` as `y` has them. With a halo around either, the shapes are the same."""
    constants: tuple[Constant, ...] = ()
    if operation.places is None and x.shape == y.shape:
        pointers = [
            f"const float *const from = {plus('x', x.origin, times(x.row, 'row'))};",
            f"float *const to = {plus('y', y.origin, times(y.row, 'row'))};",
        ]
        copy = loop("k", y.shape.width * y.shape.channels, "to[k] = from[k];")
        body = lines([*empty_halo(y), loop("row", y.shape.height, lines([*pointers, copy]))])
    elif operation.places is None:
        body = loop("k", y.shape.count, "y[k] = x[k];")
    else:
        kind = np.int16 if len(operation.places) <= _INT16_MAX else np.int32
        constants = (Constant(f"{name}_order", operation.places.astype(kind)),)
        body = loop("k", y.shape.count, f"y[k] = x[{name}_order[k]];")
    return Step(name, f"{x.shape} as {y.shape}", indent(body), (x.buffer,), y.buffer, constants)
