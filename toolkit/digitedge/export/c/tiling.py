"""How many output pixels and channels a convolution computes at once, by a model of the CPU's core.

A tile of `rows` x `columns` pixels and `vectors` vectors of channels keeps all its sums in registers. At each step it
loads `vectors` weights and one input value a pixel, and does rows x columns x vectors multiply-accumulates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.export.c.vectors import Width

# A core of today starts two multiply-accumulates and two loads a cycle, and knows a sum four cycles later.
_PER_CYCLE = 2
_LATENCY_CYCLES = 4
# Of each tile, for its first sums and its last stores; a guess that prefers large tiles among equals.
_OVERHEAD_CYCLES = 0.5


@dataclass(frozen=True)
class Tile:
    """Pixels and vectors of channels that are computed together."""

    rows: int
    columns: int
    vectors: int

    @property
    def pixels(self) -> int:
        """Of the output."""
        return self.rows * self.columns


def choose(height: int, width: int, channels: int, window: tuple[int, int], unit: Width) -> Tile:
    """The tile that computes an output in the fewest cycles.

    Args:
        height: of the output, in pixels.
        width: of the output, in pixels.
        channels: of the output.
        window: (rows, columns) that each tile must hold a multiple of: those that a pooling takes together.
        unit: the vector unit.
    """
    return min(
        _tiles(height, width, channels, window, unit), key=lambda tile: _cycles(tile, height, width, channels, unit)
    )


def _tiles(height: int, width: int, channels: int, window: tuple[int, int], unit: Width) -> Iterator[Tile]:
    most = unit.registers - 4
    vectors = range(1, min(math.ceil(channels / unit.lanes), 8) + 1)
    rows = range(window[0], min(height, most) + 1, window[0])
    columns = range(window[1], min(width, most) + 1, window[1])
    smallest = Tile(*window, 1)
    yield smallest
    for tile in (Tile(*sizes) for sizes in product(rows, columns, vectors)):
        if tile.pixels * tile.vectors <= most - tile.vectors + 1:
            yield tile


def _cycles(tile: Tile, height: int, width: int, channels: int, unit: Width) -> float:
    """Of one step of the whole output; the last tile of a row or column overlaps the one before."""
    tiles = math.ceil(height / tile.rows) * math.ceil(width / tile.columns)
    tiles *= math.ceil(channels / (tile.vectors * unit.lanes))
    sums, loads = tile.pixels * tile.vectors, tile.pixels + tile.vectors
    return tiles * (max(sums / _PER_CYCLE, loads / _PER_CYCLE, _LATENCY_CYCLES) + _OVERHEAD_CYCLES)
