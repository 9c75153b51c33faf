from hypothesis import given
from hypothesis import strategies as st

from digitedge.export.c.tiling import Tile, choose
from digitedge.export.c.vectors import WIDTHS, Width

sizes = st.integers(1, 40)


@given(sizes, sizes, st.integers(1, 300), st.integers(1, 3), st.integers(1, 3), st.sampled_from(WIDTHS))
def test_every_tile_fits_the_output_and_the_registers(height, width, channels, rows, columns, unit):
    tile = choose(height * rows, width * columns, channels, (rows, columns), unit)
    assert tile.rows % rows == tile.columns % columns == 0
    assert tile.rows <= height * rows
    assert tile.columns <= width * columns
    assert tile.pixels * tile.vectors + tile.vectors < unit.registers or tile == Tile(rows, columns, 1)


def test_the_convolutions_of_classic_keep_the_widest_unit_busy():
    wide = Width(16, 32)
    first, second = choose(24, 24, 30, (2, 2), wide), choose(10, 10, 15, (1, 1), wide)
    assert (first.pixels * first.vectors, first.vectors) == (24, 2)
    assert (second.pixels, second.vectors) == (25, 1)
