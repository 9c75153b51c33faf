"""What is done to each element of 8-bit tensors: to and from floats, through a table, added, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integer_kernels import addition, product_scale
from digitedge.export.c.integer_arithmetic import centred, to_integer
from digitedge.export.c.literals import number
from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitedge.analysis.integer_graph import Encoding, IntegerAdd, IntegerMultiply, IntegerPad
    from digitedge.export.c.tensor import Place


def quantize(name: str, encoding: Encoding, x: Place, y: Place) -> Step:
    """The step that makes integers of floats."""

    def element(value: str) -> str:
        return to_integer(f"{value} / {number(encoding.scale)}", encoding, encoding.low, encoding.high)

    return _each(name, f"To integers, {x.shape}", (x,), y, lambda values, _: element(values[0]))


def dequantize(name: str, encoding: Encoding, x: Place, y: Place) -> Step:
    """The step that makes floats of integers."""

    def element(value: str) -> str:
        return f"(float)({centred(value, encoding.zero_point)}) * {number(encoding.scale)}"

    return _each(name, f"To floats, {x.shape}", (x,), y, lambda values, _: element(values[0]))


def table(name: str, entries: NDArray[Any], low: int, x: Place, y: Place) -> Step:
    """The step that looks up each element.

    Args:
        name: of the function.
        entries: (256,) for all channels or (channels, 256) for each, of `y`'s type.
        low: the integer of the first entry.
        x: input.
        y: output; it may be the input.
    """

    def element(value: str, channel: str) -> str:
        row = times(256, channel) if entries.ndim > 1 else 0
        return f"{name}_entries[{plus(row, centred(value, low))}]"

    constant = Constant(f"{name}_entries", entries)
    by_channel = entries.ndim > 1
    return _each(
        name, f"A table, {x.shape}", (x,), y, lambda values, channel: element(values[0], channel),
        constants=(constant,), by_channel=by_channel, in_place=True,
    )  # fmt: skip


def copy(name: str, x: Place, y: Place) -> Step:
    """The step that copies `x` to `y`, which has room around it."""
    return _each(name, f"A copy with room around it, {x.shape}", (x,), y, lambda values, _: values[0])


def add(name: str, operation: IntegerAdd, x: Place, x2: Place, y: Place) -> Step:
    """The step that adds two tensors, in fixed point as `analysis.integer_kernels.add` does."""
    fixed, output = addition(operation.inputs, operation.output), operation.output
    first, second = operation.inputs

    def element(values: tuple[str, ...]) -> str:
        products = [
            f"({centred(value, encoding.zero_point)}) * {multiplier}"
            for value, encoding, multiplier in zip(values, (first, second), fixed.multipliers, strict=True)
        ]
        return f"sum_of({' + '.join(products)}, {fixed.shift}, {output.zero_point}, {operation.low}, {operation.high})"

    return _each(
        name, f"Sum, {y.shape}", (x, x2), y,
        lambda values, _: f"({y.buffer.ctype}){element(values)}", in_place=True,
    )  # fmt: skip


def multiply(name: str, operation: IntegerMultiply, x: Place, x2: Place, y: Place) -> Step:
    """The step that multiplies two tensors; the second may have a single place, for all places of the first."""
    first, second = operation.inputs
    scale = number(product_scale(operation.inputs, operation.output))

    def element(values: tuple[str, ...]) -> str:
        product = f"({centred(values[0], first.zero_point)}) * ({centred(values[1], second.zero_point)})"
        return to_integer(f"(float)({product}) * {scale}", operation.output, operation.low, operation.high)

    return _each(name, f"Product, {x.shape} and {x2.shape}", (x, x2), y, lambda values, _: element(values))


def pad(name: str, operation: IntegerPad, x: Place, y: Place) -> Step:
    """The step that copies `x` into the middle of `y`."""
    fill = loop("n", y.buffer.count, f"y[n] = {operation.fill};")
    shift = operation.pads[0] * y.row + operation.pads[1] * y.shape.channels
    moved = loop("channel", x.shape.channels, f"y[{plus(shift, _at(y))}] = x[{_at(x)}];")
    body = lines([fill, loop("row", x.shape.height, loop("column", x.shape.width, moved))])
    return Step(name, f"{x.shape} padded to {y.shape}", indent(body), (x.buffer,), y.buffer)


ADDITION = """\
/* A sum in steps of 2 to the power of -shift, rounded, moved by the zero point and kept from `low` to `high`.
   It is made positive before it is shifted: what a shift makes of negative numbers, C leaves to the compiler. */
static int32_t sum_of(int32_t sum, int shift, int32_t zero, int32_t low, int32_t high)
{
    const uint32_t half = (uint32_t)1 << (shift - 1);
    const int32_t steps = (int32_t)(((uint32_t)sum + 0x40000000u + half) >> shift) - (0x40000000 >> shift) + zero;

    return steps < low ? low : steps > high ? high : steps;
}
"""


def concatenate(name: str, xs: Sequence[Place], y: Place) -> Step:
    """The step that lays the channels of several tensors side by side."""
    parts, offset = [], 0
    for index, x in enumerate(xs):
        source = plus(x.origin, times(x.row, "row"), times(x.shape.channels, "column"), "channel")
        target = plus(y.origin + offset, times(y.row, "row"), times(y.shape.channels, "column"), "channel")
        parts.append(loop("channel", x.shape.channels, f"y[{target}] = {_array(index)}[{source}];"))
        offset += x.shape.channels
    body = loop("row", y.shape.height, loop("column", y.shape.width, lines(parts)))
    shapes = " and ".join(str(x.shape) for x in xs)
    return Step(name, f"Side by side, {shapes}", indent(body), tuple(x.buffer for x in xs), y.buffer)


def _each(
    name: str,
    comment: str,
    xs: tuple[Place, ...],
    y: Place,
    element: Callable[[tuple[str, ...], str], str],
    *,
    constants: tuple[Constant, ...] = (),
    by_channel: bool = False,
    in_place: bool = False,
) -> Step:
    """`y` is `element(values, channel)` of the values at the same place."""
    places = (*xs, y)
    alike = all(place.is_plain and place.shape == y.shape for place in places)
    if alike and not by_channel:
        values = tuple(f"{_array(index)}[n]" for index in range(len(xs)))
        body = loop("n", y.shape.count, f"y[n] = {element(values, 'n')};")
    else:
        values = tuple(f"{_array(index)}[{_at(x)}]" for index, x in enumerate(xs))
        inner = loop("channel", y.shape.channels, f"y[{_at(y)}] = {element(values, 'channel')};")
        body = loop("row", y.shape.height, loop("column", y.shape.width, inner))
    buffers = tuple(x.buffer for x in xs)
    return Step(name, comment, indent(body), buffers, y.buffer, constants, in_place=in_place and alike)


def _at(place: Place) -> str:
    if place.shape.height * place.shape.width == 1:  # for all places of the others
        return plus(place.origin, "channel")
    return plus(place.origin, times(place.row, "row"), times(place.shape.channels, "column"), "channel")


def _array(index: int) -> str:
    return "x" if index == 0 else f"x{index + 1}"


def is_identity(entries: NDArray[Any]) -> bool:
    """Whether a table of unsigned bytes gives back what it is given, for each channel."""
    return entries.dtype == np.uint8 and bool((entries == np.arange(256)).all())
