"""Pooling of 8-bit integers: the largest or the mean of each window, padded places left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.export.c.integer_arithmetic import centred, ctype, to_integer
from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step

if TYPE_CHECKING:
    from digitedge.analysis.integer_graph import Geometry, IntegerPool
    from digitedge.export.c.tensor import Place

_CHANNELS = 16  # that are computed together


def pool(name: str, operation: IntegerPool, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`. The window of `operation` is not dilated."""
    geometry = operation.geometry.on((x.shape.height, x.shape.width))
    rows, columns = _kernel(geometry, x)
    mean = operation.kind == "average"
    return Step(
        name=name,
        comment=f"The {'mean' if mean else 'largest'} of each {rows}x{columns}, {x.shape} to {y.shape}",
        body=indent(_body(name, operation, geometry, x, y)),
        reads=(x.buffer,),
        writes=y.buffer,
        constants=(_multipliers(name, operation, geometry, rows * columns),) if mean else (),
    )


def _kernel(geometry: Geometry, x: Place) -> tuple[int, int]:
    return geometry.kernel or (x.shape.height, x.shape.width)


def _multipliers(name: str, operation: IntegerPool, geometry: Geometry, places: int) -> Constant:
    """What a sum of 1, 2, ... places is multiplied by; of all places alone where none is ever left out."""
    counts = np.arange(1, places + 1) if _varies(geometry) else np.array([places])
    values = operation.input.scale / (operation.output.scale * counts.astype(np.float32))
    return Constant(f"{name}_multipliers", values)


def _varies(geometry: Geometry) -> bool:
    return any(geometry.pads) and not geometry.counts_pads


def _body(name: str, operation: IntegerPool, geometry: Geometry, x: Place, y: Place) -> str:
    channels = x.shape.channels
    together = min(_CHANNELS, channels)
    target = plus("y", y.origin, "channel", times(y.row, "row"), times(channels, "column"))
    start = operation.input.low if operation.kind == "max" else 0
    tile = [
        f"{y.buffer.ctype} *const to = {target};",
        f"int32_t s[{together}];",
        "",
        loop("o", together, f"s[o] = {start};"),
        "for (int i = top; i < bottom; i++) {",
        indent(f"for (int j = left; j < right; j++) {{\n{indent(_seen(operation, x, together))}\n}}"),
        "}",
        loop("o", together, f"to[o] = {_result(name, operation, geometry)};"),
    ]
    window = [*_rows(geometry, x), *_columns(geometry, x), "", loop("channel", channels, lines(tile), together)]
    return loop("row", y.shape.height, loop("column", y.shape.width, lines(window)))


def _seen(operation: IntegerPool, x: Place, together: int) -> str:
    """One place of a window."""
    largest = operation.kind == "max"
    value = "xs[o]" if largest else centred("xs[o]", operation.input.zero_point)
    update = "s[o] = v > s[o] ? v : s[o];" if largest else "s[o] += v;"
    at = plus("x", x.origin, "channel", times(x.row, "i"), times(x.shape.channels, "j"))
    inner = loop("o", together, lines([f"const int32_t v = {value};", "", update]))
    return lines([f"const {x.buffer.ctype} *const xs = {at};", "", inner])


def _rows(geometry: Geometry, x: Place) -> list[str]:
    """The part of a window that lies inside the image, from `top` to before `bottom`."""
    first, last = times(geometry.strides[0], "row"), _kernel(geometry, x)[0]
    return _inside(
        "top", centred(first, geometry.pads[0]), "bottom", last, x.shape.height if any(geometry.pads) else None
    )


def _columns(geometry: Geometry, x: Place) -> list[str]:
    first, last = times(geometry.strides[1], "column"), _kernel(geometry, x)[1]
    return _inside(
        "left", centred(first, geometry.pads[1]), "right", last, x.shape.width if any(geometry.pads) else None
    )


def _inside(first: str, begin: str, last: str, kernel: int, length: int | None) -> list[str]:
    if length is None:
        return [f"const int {first} = {begin};", f"const int {last} = {begin} + {kernel};"]
    return [
        f"const int {first} = {begin} > 0 ? {begin} : 0;",
        f"const int {last} = {begin} + {kernel} < {length} ? {begin} + {kernel} : {length};",
    ]


def _result(name: str, operation: IntegerPool, geometry: Geometry) -> str:
    if operation.kind == "max":
        return f"({ctype(operation.output)})s[o]"
    place = "(bottom - top) * (right - left) - 1" if _varies(geometry) else "0"
    return to_integer(f"(float)s[o] * {name}_multipliers[{place}]", operation.output, operation.low, operation.high)
