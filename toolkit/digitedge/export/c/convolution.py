"""Convolutions, with what follows them: an activation, and a pooling of windows that do not overlap.

The weights lie as [group][row][column][input channel][output channel]: the channels that a vector holds side by side.
Of one row of the kernel, all input channels of all columns are one run, in the image too, so that the innermost loop
goes through both from end to end. A tile of pixels (see `tiling`) shares each weight that is loaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step
from digitedge.export.c.tensor import Shape, empty_halo
from digitedge.export.c.tiling import Tile, choose
from digitedge.export.c.vectors import SLACK, Width, for_each_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.export.c.activation import Bounds
    from digitedge.export.c.tensor import Place


@dataclass(frozen=True)
class Window:
    """A pooling whose windows lie side by side."""

    rows: int
    columns: int
    kind: str  # "max" or "average"


@dataclass(frozen=True, eq=False)
class Convolution:
    """The operation.

    Attributes:
        weights: float32 (groups, kernel rows, kernel columns, input channels of a group, output channels of a group).
        bias: float32 (output channels,).
        strides: (rows, columns).
        dilations: (rows, columns).
        pads: rows and columns of zeros around the input that are read: (top, left).
        output: (height, width) before pooling.
        activation: of each sum, or None.
        pool: what follows; or None.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int]
    output: tuple[int, int]
    activation: Bounds | None = None
    pool: Window | None = None

    @property
    def channels(self) -> int:
        """Of the output."""
        return len(self.bias)

    @property
    def window(self) -> tuple[int, int]:
        """(rows, columns) of sums that make one output pixel."""
        return (1, 1) if self.pool is None else (self.pool.rows, self.pool.columns)

    @property
    def result(self) -> Shape:
        """What is written."""
        (rows, columns), (height, width) = self.window, self.output
        return Shape(height // rows, width // columns, self.channels)


def convolution(name: str, operation: Convolution, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`.

    Args:
        name: of the function.
        operation: what is computed.
        x: input, with at least `operation.pads` around it.
        y: output, of the shape `operation.result`.
    """
    weights = Constant(f"{name}_weights", operation.weights, SLACK)
    bias = Constant(f"{name}_bias", operation.bias, SLACK)
    shape = operation.result
    sums = shape.height * shape.width * math.prod(operation.window)
    return Step(
        name=name,
        comment=_describe(operation, x),
        body=indent(lines([*empty_halo(y), for_each_width(lambda unit: _body(name, operation, x, y, unit))])),
        reads=(x.buffer,),
        writes=y.buffer,
        constants=(weights, bias),
        macs=sums * operation.weights.size,
    )


def _describe(operation: Convolution, x: Place) -> str:
    groups, rows, columns, _, _ = operation.weights.shape
    parts = [f"Convolution {rows}x{columns}, {x.shape} to {operation.result}"]
    if groups > 1:
        parts.append(f"{groups} groups")
    if operation.activation is not None:
        parts.append(str(operation.activation))
    if operation.pool is not None:
        parts.append(f"the {operation.pool.kind} of each {operation.pool.rows}x{operation.pool.columns}")
    return ", ".join(parts)


def _body(name: str, operation: Convolution, x: Place, y: Place, unit: Width) -> str:
    groups, _, _, _, channels = operation.weights.shape
    (rows, columns), shape = operation.window, operation.result
    tile = choose(shape.height * rows, shape.width * columns, channels, (rows, columns), unit)
    inner = lines(
        [*_starts(name, operation, x, y), *_sums(operation, x, unit, tile), *_finish(operation, y, unit, tile)]
    )
    inner = loop("column", shape.width, inner, tile.columns // columns)
    inner = loop("row", shape.height, inner, tile.rows // rows)
    inner = loop("channel", channels, inner, tile.vectors * unit.lanes)
    return inner if groups == 1 else loop("group", groups, inner)


def _starts(name: str, operation: Convolution, x: Place, y: Place) -> list[str]:
    """Pointers to what a tile reads and writes first."""
    groups, _, _, inputs, channels = operation.weights.shape
    (down, right), (window_rows, window_columns) = operation.strides, operation.window

    def of_group(count: int) -> str:
        return times(count, "group") if groups > 1 else ""

    corner = x.origin - operation.pads[0] * x.row - operation.pads[1] * x.shape.channels
    row, column = times(window_rows * down * x.row, "row"), times(window_columns * right * x.shape.channels, "column")
    target = [times(y.row, "row"), times(y.shape.channels, "column")]
    return [
        f"const float *const from = {plus('x', corner, row, column, of_group(inputs))};",
        f"const float *const w = {plus(f'{name}_weights', 'channel', of_group(operation.weights[0].size))};",
        f"const float *const b = {plus(f'{name}_bias', 'channel', of_group(channels))};",
        f"float *const to = {plus('y', y.origin, 'channel', of_group(channels), *target)};",
    ]


def _sums(operation: Convolution, x: Place, unit: Width, tile: Tile) -> list[str]:
    """The sums of a tile: declared with the bias in them, and then added to."""
    biases = [f"const vec b{v} = load({plus('b', v * unit.lanes)});" for v in range(tile.vectors)]
    sums = [f"{_sum(pixel, v)} = b{v}" for pixel in range(tile.pixels) for v in range(tile.vectors)]
    return [*biases, f"vec {', '.join(sums)};", _accumulate(operation, x, unit, tile)]


def _sum(pixel: int, vector: int) -> str:
    return f"s{pixel}_{vector}"


def _accumulate(operation: Convolution, x: Place, unit: Width, tile: Tile) -> str:
    groups, rows, columns, inputs, channels = operation.weights.shape
    down, right = operation.dilations
    # Without groups and dilation, the columns of a kernel's row and their channels are one run.
    whole = groups == 1 and right == 1 and inputs == x.shape.channels
    run = columns * inputs if whole else inputs
    xs = plus("from", times(down * x.row, "i"), 0 if whole else times(right * x.shape.channels, "j"))
    ws = plus("w", times(columns * inputs * channels, "i"), 0 if whole else times(inputs * channels, "j"))
    body = [f"const float *const xs = {xs};", f"const float *const ws = {ws};"]
    step = ["FORGET;"] if unit.lanes > 1 else []
    step += [f"const vec w{v} = load(ws + {plus(times(channels, 'k'), v * unit.lanes)});" for v in range(tile.vectors)]
    for pixel in range(tile.pixels):
        row, column = divmod(pixel, tile.columns)
        offset = row * operation.strides[0] * x.row + column * operation.strides[1] * x.shape.channels
        step += [f"{_sum(pixel, v)} += xs[{plus('k', offset)}] * w{v};" for v in range(tile.vectors)]
    inner = lines([*body, loop("k", run, lines(step))])
    if not whole:
        inner = loop("j", columns, inner)
    return loop("i", rows, inner)


def _finish(operation: Convolution, y: Place, unit: Width, tile: Tile) -> list[str]:
    channels = operation.weights.shape[4]
    rows, columns = operation.window
    done = []
    for row in range(tile.rows // rows):
        for column in range(tile.columns // columns):
            for vector in range(tile.vectors):
                members = [
                    _sum((row * rows + i) * tile.columns + column * columns + j, vector)
                    for i in range(rows)
                    for j in range(columns)
                ]
                value = _pooled(operation, members)
                offset = row * y.row + column * y.shape.channels + vector * unit.lanes
                kept = min(unit.lanes, channels - vector * unit.lanes)
                # What is stored beyond the channels belongs to the next pixels of the row, and they come next.
                follow = (tile.columns // columns - 1 - column) * channels if operation.weights.shape[0] == 1 else 0
                whole = unit.lanes - kept <= follow
                done.append(
                    f"store(to + {offset}, {value});" if whole else f"store_some(to + {offset}, {value}, {kept});"
                )
    return done


def _pooled(operation: Convolution, members: list[str]) -> str:
    act = operation.activation.on_vec if operation.activation is not None else str
    if operation.pool is None:
        return act(members[0])
    if operation.pool.kind == "max":
        # The largest first: an activation that never falls gives the same. What is not a number shows in the sum.
        return act(f"unless_nan({_tree(members)}, {' + '.join(members)})")
    total = " + ".join(act(member) for member in members)
    return f"({total}) * {np.float32(1 / len(members))!s}f"


def _tree(members: list[str]) -> str:
    if len(members) == 1:
        return members[0]
    middle = len(members) // 2
    return f"larger({_tree(members[:middle])}, {_tree(members[middle:])})"
