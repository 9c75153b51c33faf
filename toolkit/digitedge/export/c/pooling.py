"""Poolings that no convolution has taken in: any window, with padding, which is never read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Step
from digitedge.export.c.tensor import Shape, empty_halo

if TYPE_CHECKING:
    from digitedge.export.c.tensor import Place


@dataclass(frozen=True)
class Pooling:
    """The operation.

    Attributes:
        kind: what becomes of a window; `average` counts only what lies in the image, `average_of_all` the padding too.
        window: (rows, columns).
        strides: (rows, columns).
        pads: (top, left), of what no window needs to read.
        result: what is written.
    """

    kind: Literal["max", "average", "average_of_all"]
    window: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int]
    result: Shape


def pooling(name: str, operation: Pooling, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`."""
    (rows, columns), (down, right), (top, left) = operation.window, operation.strides, operation.pads
    vertical = _range(("top", "bottom"), _edge(down, "row", top), rows, x.shape.height)
    horizontal = _range(("left", "right"), _edge(right, "column", left), columns, x.shape.width)
    pixel = lines([*horizontal, *_pixel(operation, x, y)])
    body = lines([*vertical, loop("column", y.shape.width, pixel)])
    comment = f"The {operation.kind.replace('_', ' ')} of each {rows}x{columns}, {x.shape} to {y.shape}"
    text = lines([*empty_halo(y), loop("row", y.shape.height, body)])
    return Step(name, comment, indent(text), (x.buffer,), y.buffer)


def _edge(stride: int, place: str, pad: int) -> str:
    return f"{times(stride, place)} - {pad}" if pad else times(stride, place)


def _range(names: tuple[str, str], edge: str, window: int, size: int) -> list[str]:
    """The part of the window that lies in the image."""
    first, end = names
    return [
        f"const int {first}_edge = {edge};",
        f"const int {first} = {first}_edge < 0 ? 0 : {first}_edge;",
        f"const int {end} = {first}_edge + {window} > {size} ? {size} : {first}_edge + {window};",
    ]


def _pixel(operation: Pooling, x: Place, y: Place) -> list[str]:
    channels = y.shape.channels
    first, each, last = _KINDS[operation.kind]
    target = plus("y", y.origin, times(y.row, "row"), times(channels, "column"))
    source = plus("x", x.origin, times(x.row, "i"), times(channels, "j"))
    inner = [f"const float *const from = {source};", loop("k", channels, each)]
    walk = f"for (int j = left; j < right; j++) {{\n{indent(lines(inner))}\n}}"
    parts = [f"float *const to = {target};"]
    if operation.kind == "max":
        corner = plus("x", x.origin, times(x.row, "top"), times(channels, "left"))
        parts.append(f"const float *const corner = {corner};")
    else:
        count = "(bottom - top) * (right - left)"
        if operation.kind == "average_of_all":
            count = str(operation.window[0] * operation.window[1])
        parts.append(f"const float count = (float)({count});")
    parts += [loop("k", channels, first), f"for (int i = top; i < bottom; i++) {{\n{indent(walk)}\n}}"]
    return [*parts, loop("k", channels, last)] if last else parts


# What each channel begins with, what each pixel of the window does to it, and what is done at the end.
_AVERAGE = ("to[k] = 0.0f;", "to[k] += from[k];", "to[k] /= count;")
_KINDS = {
    # The larger; and what is not a number stays.
    "max": ("to[k] = corner[k];", "to[k] = to[k] >= from[k] || to[k] != to[k] ? to[k] : from[k];", ""),
    "average": _AVERAGE,
    "average_of_all": _AVERAGE,
}
