import io

import numpy as np
import pytest
from PIL import Image

from digitedge.errors import UsageError
from digitedge.report.sheet import (
    CAPTION,
    FAINT,
    INK,
    MARGIN,
    RIGHT,
    TILE,
    WIDEST,
    WRONG,
    columns_for,
    enlarged,
    png,
    save,
    sheet,
)


def colours(picture, box):
    return {colour for _, colour in picture.crop(box).getcolors(1 << 16)}


def test_pixels_become_whole_squares():
    pixels = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28, 1)
    large = np.asarray(enlarged(pixels, TILE))
    assert large.shape == (140, 140)
    assert np.array_equal(large[2::5, 2::5], pixels[:, :, 0])
    assert np.array_equal(large[0::5, 4::5], pixels[:, :, 0])


@pytest.mark.parametrize(
    ("shape", "size"), [((28, 14, 3), (70, 140)), ((300, 600, 3), (140, 70)), ((140, 1, 1), (1, 140))]
)
def test_the_longer_edge_fits_the_tile(shape, size):
    assert enlarged(np.zeros(shape, np.uint8), TILE).size == size


def test_a_caption_is_coloured_by_its_mark():
    images = np.full((3, 28, 28, 1), 255, np.uint8)
    page = sheet(images, ["one", "two", "three"], [True, False, None])
    below = [(MARGIN + at * 160, MARGIN + TILE, MARGIN + at * 160 + TILE, page.height) for at in range(3)]
    for box, own in zip(below, (RIGHT, WRONG, INK), strict=True):
        assert colours(page, box) & {RIGHT, WRONG, INK} == {own}


def test_colours_are_kept():
    images = np.zeros((1, 4, 4, 3), np.uint8)
    images[..., 0] = 200
    assert sheet(images, ["red"]).getpixel((MARGIN + 70, MARGIN + 70)) == (200, 0, 0)


def test_a_long_caption_stays_under_its_own_image():
    images = np.zeros((2, 8, 8, 1), np.uint8)
    page = sheet(images, ["w" * 200, ""])
    assert colours(page, (MARGIN + TILE + 20, MARGIN + TILE, page.width, page.height)) == {(255, 255, 255)}


def test_lines_below_a_caption_are_faint_and_widen_the_columns():
    images = np.zeros((2, 8, 8, 1), np.uint8)
    plain = sheet(images, ["one", "two"])
    page = sheet(images, ["one", "two"], [True, False], lines=[["a", "b"], ["", "w" * 20]])
    assert page.height == plain.height + 2 * 20
    assert page.width > plain.width
    assert FAINT not in colours(plain, (0, 0, *plain.size))
    below = (0, MARGIN + TILE + CAPTION, page.width, page.height)
    assert colours(page, below) & {FAINT, RIGHT, WRONG, INK} == {FAINT}


def test_lines_widen_a_column_within_reason():
    images = np.zeros((1, 8, 8, 1), np.uint8)
    assert sheet(images, ["x"], lines=[["w" * 500]]).width == 2 * MARGIN + WIDEST


def test_a_heading_stands_above_and_is_never_cut():
    images = np.zeros((1, 8, 8, 1), np.uint8)
    plain = sheet(images, ["x"])
    page = sheet(images, ["x"], heading=["a heading that is wider than the only image below it", "and more"])
    assert page.width > plain.width
    assert page.height > plain.height
    assert INK in colours(page, (plain.width, 0, page.width, MARGIN + 30))
    assert FAINT in colours(page, (0, MARGIN + 30, page.width, MARGIN + 50))


@pytest.mark.parametrize("caption", ["a\nb", "\x1b[2J", "é → ü", "二"])
def test_any_letters_are_drawn(caption):
    page = sheet(np.zeros((1, 8, 8, 1), np.uint8), [caption])
    assert INK in colours(page, (0, MARGIN + TILE, page.width, page.height))


@pytest.mark.parametrize(("number", "columns"), [(1, 1), (5, 5), (6, 6), (7, 7), (10, 5), (20, 5), (28, 7), (100, 10)])
def test_columns(number, columns):
    assert columns_for(number) == columns


def test_what_does_not_belong_together_is_refused():
    images = np.zeros((2, 8, 8, 1), np.uint8)
    with pytest.raises(ValueError, match="2 images, 1 captions, 2 marks and 2 sets of lines"):
        sheet(images, ["one"])
    with pytest.raises(ValueError, match="2 captions, 2 marks and 1 sets of lines"):
        sheet(images, ["one", "two"], lines=[["x"]])
    with pytest.raises(ValueError, match="0 images"):
        sheet(images[:0], [])


def test_it_is_saved_as_png_and_the_same_each_time(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype(np.uint8)
    page = sheet(images, list("01234"))
    assert png(page) == png(sheet(images, list("01234")))
    assert save(page, tmp_path / "show.png").read_bytes() == png(page)
    assert Image.open(io.BytesIO(png(page))).size == (2 * MARGIN + 5 * TILE + 4 * 20, 2 * MARGIN + TILE + 30)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"show\.jpg does not end in \.png\. Pictures are written as PNG"):
        save(sheet(np.zeros((1, 8, 8, 1), np.uint8), ["0"]), tmp_path / "show.jpg")
    assert not list(tmp_path.iterdir())
