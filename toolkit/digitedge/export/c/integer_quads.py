"""Products of 8-bit integers four at a time, as CPUs with vectors multiply them.

The weights lie as [group][row][column][input / 4][output channel][4]: a vector holds, for each of its channels, four
that belong to four values which lie side by side in the image. Of a run whose length is no multiple of four, the last
four values are read again with zeros for weights where they have had their turn: nothing is read beyond an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitedge.export.c.loops import lines, loop, plus, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.export.c.integer_layers import Layer
    from digitedge.export.c.tensor import Place
    from digitedge.export.c.tiling import Tile
    from digitedge.export.c.vectors import Width

_QUAD = 4
# Zeros that a layer may have for weights: a byte of flash costs the same on every CPU, what it saves does not.
_PADDING_BYTES = 1024
_INT32 = 2**31


@dataclass(frozen=True)
class Runs:
    """How a tile's input lies in memory: `rows` x `columns` runs of `length` values side by side.

    Attributes:
        rows: turns of the outer loop.
        columns: turns of the inner loop.
        length: values without a gap.
        down: values from one row to the next.
        right: values from one column to the next.
    """

    rows: int
    columns: int
    length: int
    down: int
    right: int

    @property
    def quads(self) -> int:
        """Of a run, the last one counted whole."""
        return -(-self.length // _QUAD)

    @property
    def rest(self) -> int:
        """Values beyond the last whole quad."""
        return self.length % _QUAD


def runs(operation: Layer, x: Place) -> Runs:
    """Those of one output pixel and group: columns are one run with their channels where nothing lies between them."""
    groups, rows, columns, inputs, _ = operation.integers.shape
    down, right = operation.dilations
    if groups > 1 or right > 1:
        return Runs(rows, columns, inputs, down * x.row, right * x.shape.channels)
    if columns * inputs == x.row and down == 1:
        return Runs(1, 1, rows * columns * inputs, 0, 0)
    return Runs(rows, 1, columns * inputs, down * x.row, 0)


def in_quads(operation: Layer, x: Place) -> bool:
    """Whether these kernels can compute a layer: unsigned times signed bytes, in sums that fit 32 bits on the way too.

    The zero point of the image is in the bias, not in the products.
    """
    weights, there = operation.weights, runs(operation, x)
    if operation.depthwise or x.buffer.ctype != "uint8_t" or operation.integers.dtype != np.int8 or weights.zero_point:
        return False
    zeros = operation.integers.size // there.length * (there.quads * _QUAD - there.length)
    sums = np.abs(operation.integers.astype(np.int64)).sum(axis=(1, 2, 3)).ravel()
    largest = np.abs(_folded(operation)) + 255 * sums
    return zeros <= _PADDING_BYTES and int(largest.max()) < _INT32


def packed(operation: Layer, x: Place) -> NDArray[np.int8]:
    """The weights: (groups, rows, columns, quads, output channels of a group, 4)."""
    there = runs(operation, x)
    groups, channels = operation.integers.shape[0], operation.integers.shape[-1]
    matrix = operation.integers.reshape(groups, there.rows, there.columns, there.length, channels)
    zeros = np.zeros((*matrix.shape[:3], there.quads * _QUAD - there.length, channels), np.int8)
    at = there.length - there.rest if there.length > _QUAD else there.length
    whole = np.concatenate([matrix[:, :, :, :at], zeros, matrix[:, :, :, at:]], axis=3)
    return whole.reshape(*matrix.shape[:3], there.quads, _QUAD, channels).swapaxes(-1, -2)


def bias(operation: Layer) -> NDArray[np.int32]:
    """With what the image's zero point adds to every sum."""
    return _folded(operation).astype(np.int32)


def accumulate(operation: Layer, x: Place, unit: Width, tile: Tile) -> str:
    """C statements that add all products of a tile to its sums `s<pixel>_<vector>`.

    They find the image at `from` and the weights of the first channel at `w`.
    """
    there, quad = runs(operation, x), _QUAD * operation.integers.shape[-1]
    image, weights = [times(there.down, "i")], [times(there.columns * there.quads * quad, "i")]
    if there.columns > 1:
        image.append(times(there.right, "j"))
        weights.append(times(there.quads * quad, "j"))
    by_width = _Products(there, quad, _offsets(operation, x, tile), tile.vectors, unit.lanes)
    products = by_width.alone() if unit.lanes == 1 else by_width.together(small=are_small(packed(operation, x)))
    pointers = [
        f"const uint8_t *const xs = {plus('from', *image)};",
        f"const int8_t *const ws = {plus('w', *weights)};",
    ]
    inner = lines([*pointers, products])
    return loop("i", there.rows, loop("j", there.columns, inner) if there.columns > 1 else inner)


def are_small(quads: NDArray[np.int8]) -> bool:
    """Whether two neighbours of four, times any two bytes, add up to 16 bits."""
    pairs = quads.reshape(-1, 2).astype(np.int64)
    limits = np.iinfo(np.int16)
    most, least = (255 * np.clip(pairs, *signs).sum(axis=1) for signs in ((0, None), (None, 0)))
    return bool(most.max() <= limits.max and least.min() >= limits.min)


def _folded(operation: Layer) -> NDArray[np.int64]:
    sums: NDArray[np.int64] = operation.integers.astype(np.int64).sum(axis=(1, 2, 3)).ravel()
    return operation.weights.bias.astype(np.int64) - operation.weights.input.zero_point * sums


def _offsets(operation: Layer, x: Place, tile: Tile) -> list[int]:
    """Of each pixel's first value from that of the first pixel."""
    down, right = operation.strides[0] * x.row, operation.strides[1] * x.shape.channels
    return [row * down + column * right for row in range(tile.rows) for column in range(tile.columns)]


@dataclass(frozen=True)
class _Products:
    """C statements that go through one run, for each of the `vectors` of `lanes` channels of each pixel."""

    there: Runs
    quad: int
    offsets: list[int]
    vectors: int
    lanes: int

    def together(self, *, small: bool) -> str:
        """Four values a turn; of a rest, the last four again, or fewer where there are no four."""
        whole, rest = self.there.length // _QUAD, self.there.rest
        place = times(_QUAD, "k")
        if whole and rest:
            place = f"(k < {whole} ? {place} : {self.there.length - _QUAD})"
        kind, image, add = (
            ("small_weights", "pixels_of_small", "multiplied_small") if small else ("weights", "pixels", "multiplied")
        )
        weights = [plus("ws", times(self.quad, "k"), v * _QUAD * self.lanes) for v in range(self.vectors)]
        done = ["FORGET;", f"const uint8_t *const four = {plus('xs', place)};"]
        done += [f"const {kind} w{v} = load_{kind}({weight});" for v, weight in enumerate(weights)]
        for pixel, offset in enumerate(self.offsets):
            done.append(f"const {image} x{pixel} = load_{image}({plus('four', offset)}, {_QUAD if whole else rest});")
            sums = [_sum(pixel, v) for v in range(self.vectors)]
            done += [f"{total} = {add}({total}, x{pixel}, w{v});" for v, total in enumerate(sums)]
        return loop("k", self.there.quads, lines(done))

    def alone(self) -> str:
        """One value a turn, for CPUs without vectors; they never read the zeros."""
        whole, rest, parts = self.there.length // _QUAD, self.there.rest, []
        if whole:
            parts.append(loop("k", whole, self._values(times(self.quad, "k"), times(_QUAD, "k"), _QUAD)))
        if rest:
            skipped = _QUAD - rest if whole else 0
            parts.append(self._values(plus(whole * self.quad, skipped), str(whole * _QUAD), rest))
        return lines(parts)

    def _values(self, weights: str, first: str, count: int) -> str:
        places = [plus(weights, v * _QUAD * self.lanes, "n") for v in range(self.vectors)]
        done = [f"const int32_t w{v} = ws[{place}];" for v, place in enumerate(places)]
        for pixel, offset in enumerate(self.offsets):
            done.append(f"const int32_t x{pixel} = xs[{plus(first, offset, 'n')}];")
            done += [f"{_sum(pixel, v)} += x{pixel} * w{v};" for v in range(self.vectors)]
        return loop("n", count, lines(done))


def _sum(pixel: int, vector: int) -> str:
    return f"s{pixel}_{vector}"
