"""Convolutions and dense layers of 8-bit integers, with a pooling of the largest of windows that lie side by side.

Unsigned images and signed weights are multiplied four at a time (see `integer_quads`). Other weights lie as
[group][row][column][input channel][output channel], those of a depthwise convolution as [row][column][channel]: the
channels that a vector holds side by side. A tile of pixels (see `tiling`) shares each weight that is loaded. Of a
window that is pooled only the largest sum is scaled and written: RAM never holds what pooling throws away. A dense
layer is a convolution that sees its whole input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.export.c import integer_quads as quads
from digitedge.export.c.integer_arithmetic import centred
from digitedge.export.c.literals import CTYPES, number
from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step
from digitedge.export.c.tensor import Shape
from digitedge.export.c.tiling import choose
from digitedge.export.c.vectors import SLACK, for_each_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.analysis.integer_graph import Weights
    from digitedge.export.c.tensor import Place
    from digitedge.export.c.tiling import Tile
    from digitedge.export.c.vectors import Width


@dataclass(frozen=True, eq=False)
class Layer:
    """The operation.

    Attributes:
        integers: of the weights, (groups, rows, columns, input channels of a group, output channels of a group).
        weights: their zero point, the bias, the scaling and the encodings.
        strides: (rows, columns).
        dilations: (rows, columns).
        pads: rows and columns around the input that are read: (top, left).
        output: (height, width) before pooling.
        window: (rows, columns) of results of which only the largest is kept; (1, 1) keeps all.
    """

    integers: NDArray[Any]
    weights: Weights
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int] = (0, 0)
    output: tuple[int, int] = (1, 1)
    window: tuple[int, int] = (1, 1)

    @property
    def result(self) -> Shape:
        """What is written."""
        height, width = (length // pooled for length, pooled in zip(self.output, self.window, strict=True))
        return Shape(height, width, len(self.weights.bias))

    @property
    def depthwise(self) -> bool:
        """Whether each channel is seen by itself."""
        groups, _, _, inputs, channels = self.integers.shape
        return bool(groups > 1 and inputs == channels == 1)


def layer(name: str, operation: Layer, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`.

    Args:
        name: of the function.
        operation: what is computed.
        x: input, with at least `operation.pads` around it, filled with its zero point.
        y: output, of the shape `operation.result`.
    """
    weights, shape = operation.weights, operation.result
    return Step(
        name=name,
        comment=_describe(operation, x),
        body=indent(for_each_width(lambda unit: _body(name, operation, x, y, unit))),
        reads=(x.buffer,),
        writes=y.buffer,
        constants=(
            *_constants(name, operation, x),
            Constant(f"{name}_multipliers", weights.multiplier, SLACK),
        ),
        macs=shape.height * shape.width * math.prod(operation.window) * operation.integers.size,
    )


def _constants(name: str, operation: Layer, x: Place) -> tuple[Constant, Constant]:
    integers, bias = operation.integers, operation.weights.bias
    if quads.in_quads(operation, x):
        packed = Constant(f"{name}_weights", quads.packed(operation, x), f"4 * {SLACK}")
        return packed, Constant(f"{name}_bias", quads.bias(operation), SLACK)
    matrix = integers[:, :, :, 0, 0].transpose(1, 2, 0) if operation.depthwise else integers
    return Constant(f"{name}_weights", matrix, SLACK), Constant(f"{name}_bias", bias, SLACK)


def _describe(operation: Layer, x: Place) -> str:
    groups, rows, columns, _, _ = operation.integers.shape
    if (rows, columns) == (x.shape.height, x.shape.width) and operation.output == (1, 1):
        return f"Dense, {x.shape.count} to {operation.result.channels}"
    parts = [f"Convolution {rows}x{columns}, {x.shape} to {operation.result}"]
    if groups > 1:
        parts.append(f"{groups} groups")
    if math.prod(operation.window) > 1:
        parts.append(f"the largest of each {operation.window[0]}x{operation.window[1]}")
    return ", ".join(parts)


def _body(name: str, operation: Layer, x: Place, y: Place, unit: Width) -> str:
    groups, _, _, _, channels = operation.integers.shape
    (rows, columns), shape = operation.window, operation.result
    channels = groups if operation.depthwise else channels
    by_four = quads.in_quads(operation, x)
    tile = choose(shape.height * rows, shape.width * columns, channels, operation.window, unit)
    accumulate = quads.accumulate if by_four else _accumulate
    parts = [*_pointers(name, operation, x, y), *_sums(name, operation, unit, tile)]
    inner = lines([*parts, accumulate(operation, x, unit, tile), *_finish(operation, y, unit, tile)])
    inner = loop("column", shape.width, inner, tile.columns // columns)
    inner = loop("row", shape.height, inner, tile.rows // rows)
    inner = loop("channel", channels, inner, tile.vectors * unit.lanes)
    return inner if groups == 1 or operation.depthwise else loop("group", groups, inner)


def _pointers(name: str, operation: Layer, x: Place, y: Place) -> list[str]:
    """Where a tile begins in all that it needs."""
    groups, _, _, inputs, _ = operation.integers.shape
    (rows, columns), (down, right) = operation.window, operation.strides
    start = plus(
        "x", x.origin - operation.pads[0] * x.row - operation.pads[1] * x.shape.channels,
        times(rows * down * x.row, "row"), times(columns * right * x.shape.channels, "column"),
        "channel" if operation.depthwise else times(inputs, "group") if groups > 1 else 0,
    )  # fmt: skip
    group = groups > 1 and not operation.depthwise
    size, channel = operation.integers[0].size, "channel"
    if quads.in_quads(operation, x):
        size, channel = quads.packed(operation, x)[0].size, "4 * channel"
    weights = plus(f"{name}_weights", channel, times(size, "group") if group else 0)
    target = plus("y", y.origin, _channel(operation), times(y.row, "row"), times(y.shape.channels, "column"))
    return [
        f"const {x.buffer.ctype} *const from = {start};",
        f"const {_weight_ctype(operation)} *const w = {weights};",
        f"const float *const m = {plus(f'{name}_multipliers', _channel(operation))};",
        f"{y.buffer.ctype} *const to = {target};",
    ]


def _channel(operation: Layer) -> str:
    """The first channel of a tile, of all that are written."""
    groups, channels = len(operation.integers), operation.integers.shape[-1]
    return plus("channel", times(channels, "group") if groups > 1 and not operation.depthwise else 0)


def _sums(name: str, operation: Layer, unit: Width, tile: Tile) -> list[str]:
    bias = plus(f"{name}_bias", _channel(operation))
    first = [f"const ivec b{v} = load_int32({plus(bias, v * unit.lanes)});" for v in range(tile.vectors)]
    sums = [f"{_sum(pixel, v)} = b{v}" for pixel in range(tile.pixels) for v in range(tile.vectors)]
    return [*first, f"ivec {', '.join(sums)};"]


def _sum(pixel: int, vector: int) -> str:
    return f"s{pixel}_{vector}"


def _weight_ctype(operation: Layer) -> str:
    return CTYPES[operation.integers.dtype.name]


def _accumulate(operation: Layer, x: Place, unit: Width, tile: Tile) -> str:
    groups, rows, columns, inputs, channels = operation.integers.shape
    down, right = operation.dilations
    # Without groups and dilation, the columns of a kernel's row and their channels are one run, in the image too.
    whole = groups == 1 and right == 1
    run = columns * inputs if whole else inputs
    across = 0 if whole else times(right * x.shape.channels, "j")
    row = groups * columns if operation.depthwise else columns * inputs * channels
    column = 0 if whole else times(groups if operation.depthwise else inputs * channels, "j")
    products = _products(operation, x, unit, tile)
    body = [
        f"const {x.buffer.ctype} *const xs = {plus('from', times(down * x.row, 'i'), across)};",
        f"const {_weight_ctype(operation)} *const ws = {plus('w', times(row, 'i'), column)};",
        lines(products) if operation.depthwise else loop("k", run, lines(products)),
    ]
    inner = lines(body)
    return loop("i", rows, inner if whole else loop("j", columns, inner))


def _products(operation: Layer, x: Place, unit: Width, tile: Tile) -> list[str]:
    """A weight for each channel of the tile, times one value of each pixel; of a depthwise one, that of its channel."""
    (down, right), channels = operation.strides, operation.integers.shape[-1]
    zero = operation.weights.input.zero_point
    place = "" if operation.depthwise else times(channels, "k")
    done = []
    for v in range(tile.vectors):
        weight = f"load_{_weight_ctype(operation)[:-2]}({plus('ws', place, v * unit.lanes)})"
        done.append(f"const ivec w{v} = {centred(weight, operation.weights.zero_point)};")
    for pixel in range(tile.pixels):
        row, column = divmod(pixel, tile.columns)
        offset = row * down * x.row + column * right * x.shape.channels
        if operation.depthwise:
            values = [f"load_{x.buffer.ctype[:-2]}({plus('xs', offset, v * unit.lanes)})" for v in range(tile.vectors)]
            products = [f"({centred(value, zero)}) * w{v}" for v, value in enumerate(values)]
        else:
            value = f"xs[{plus('k', offset)}]"
            done.append(f"const int32_t x{pixel} = {centred(value, zero)};")
            products = [f"x{pixel} * w{v}" for v in range(tile.vectors)]
        done += [f"{_sum(pixel, v)} += {product};" for v, product in enumerate(products)]
    return done


def _finish(operation: Layer, y: Place, unit: Width, tile: Tile) -> list[str]:
    rows, columns = operation.window
    channels = len(operation.integers) if operation.depthwise else operation.integers.shape[-1]
    done = []
    for row in range(tile.rows // rows):
        for column in range(tile.columns // columns):
            for v in range(tile.vectors):
                members = [
                    _sum((row * rows + i) * tile.columns + column * columns + j, v)
                    for i in range(rows)
                    for j in range(columns)
                ]
                target = f"to + {row * y.row + column * y.shape.channels + v * unit.lanes}"
                # What is stored beyond the channels belongs to the next pixels of the row, and they come next.
                follow = (tile.columns // columns - 1 - column) * channels if len(operation.integers) == 1 else 0
                kept = min(unit.lanes, channels - v * unit.lanes + follow)
                done.append(_store(operation, target, _largest(members), plus("m", v * unit.lanes), kept))
    return done


def _largest(members: list[str]) -> str:
    if len(members) == 1:
        return members[0]
    middle = len(members) // 2
    return f"larger_integers({_largest(members[:middle])}, {_largest(members[middle:])})"


def _store(operation: Layer, target: str, total: str, multipliers: str, kept: int) -> str:
    """The sums of some channels, scaled: as integers, or as floats where nothing encodes them."""
    weights = operation.weights
    if weights.output is None:
        return f"store_some({target}, as_floats({total}) * load({multipliers}), {kept});"
    zero = weights.output.zero_point
    limits = f"{number(np.float32(weights.low - zero))}, {number(np.float32(weights.high - zero))}"
    integers = centred(f"scaled({total}, {multipliers}, {limits})", -zero)
    return f"store_{CTYPES[weights.output.dtype.name][:-2]}({target}, {integers}, {kept});"
