import numpy as np

from digitedge.data.corruption.corrupting import corruptions
from digitedge.report.sheet import CAPTION, GAP, MARGIN, TILE
from digitedge.report.shift_sheet import corrupted_sheet


def test_a_row_for_each_corruption_and_a_column_for_each_severity():
    image = np.zeros((28, 28, 1), np.uint8)
    image[8:20, 12:16] = 255
    page = corrupted_sheet(image)
    rows = len(corruptions())
    assert page.size == (2 * MARGIN + 6 * TILE + 5 * GAP, 2 * MARGIN + rows * (TILE + CAPTION) + (rows - 1) * GAP)
    inverse = list(corruptions()).index("inverse")
    top = MARGIN + inverse * (TILE + CAPTION + GAP) + TILE // 2
    shades = [page.getpixel((MARGIN + TILE // 2 + column * (TILE + GAP), top)) for column in (0, 5)]
    assert shades == [(255, 255, 255), (0, 0, 0)]
