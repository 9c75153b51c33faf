import numpy as np
import pytest

from digitedge.data.corruption.strokes import thickening, thickness, thinning


def bar(thick, side=112, channels=1):
    image = np.zeros((1, side, side, channels), np.uint8)
    start = (side - thick) // 2
    image[:, start : start + thick, side // 8 : -side // 8] = 255
    return image


def height_of(image):
    """How thick the bar is in the middle, in pixels, shades counted by their share."""
    middle = image[0, :, image.shape[2] // 2, 0] / 255
    return middle.sum()


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_thickness_of_a_line_in_any_direction(slope):
    down, across = np.indices((112, 112))
    line = np.abs(down - 56 - slope * (across - 56)) <= 5 * np.hypot(1, slope)
    thick = thickness((line * 255).astype(np.uint8)[None, ..., None])[0]
    assert thick == pytest.approx(line.sum() / (112 * np.hypot(1, slope)), rel=0.13)


def test_nothing_has_no_thickness():
    assert thickness(np.zeros((2, 9, 9, 1), np.uint8)).tolist() == [0, 0]


@pytest.mark.parametrize("side", [28, 112])
@pytest.mark.parametrize(("amount", "left"), [(0.3, 0.7), (0.7, 0.3)])
def test_thinning_takes_its_share_of_the_stroke(side, amount, left):
    thick = side // 7
    thinned = height_of(thinning(bar(thick, side), amount, None)) / thick
    assert thinned == pytest.approx(left, abs=0.12 * amount)


@pytest.mark.parametrize("side", [28, 112])
@pytest.mark.parametrize("amount", [0.3, 1.0, 2.0])
def test_thickening_adds_its_share(side, amount):
    thick = side // 14
    assert height_of(thickening(bar(thick, side), amount, None)) / thick == pytest.approx(1 + amount, rel=0.15)


def test_a_thin_stroke_never_vanishes():
    assert thinning(bar(2, 28), 0.9, None).max() > 40


def test_colours_are_kept():
    red = bar(8, 56, 3) * np.array([1, 0, 0], np.uint8)
    assert thickening(red, 1.0, None)[..., 1:].max() == 0
    assert thickening(red, 1.0, None)[..., 0].sum() > red[..., 0].sum()
