import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.data.corruption.light import brightness, contrast, inverse


@given(colour=st.tuples(*[st.integers(0, 255)] * 3), strength=st.sampled_from([0.05, 0.2, 0.5]))
def test_brightness_raises_the_value_and_nothing_else(colour, strength):
    pixel = brightness(np.array(colour, np.uint8).reshape(1, 1, 1, 3), strength, None)[0, 0, 0]
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    expected = colorsys.hsv_to_rgb(hue, saturation, min(value + strength, 1))
    np.testing.assert_allclose(pixel / 255, expected, atol=0.6 / 255)


def test_grey_gets_lighter_by_what_it_says():
    image = np.array([0, 100, 250], np.uint8).reshape(1, 1, 3, 1)
    assert brightness(image, 0.2, None).ravel().tolist() == [51, 151, 255]


def test_contrast_draws_each_channel_to_its_own_mean():
    image = np.zeros((1, 1, 2, 3), np.uint8)
    image[0, 0] = [[0, 100, 20], [200, 100, 40]]
    assert contrast(image, 0.5, None)[0, 0].tolist() == [[50, 100, 25], [150, 100, 35]]


@pytest.mark.parametrize(("strength", "columns"), [(0.5, 14), (0.25, 8), (1.0, 28)])
def test_inverse_comes_in_from_both_sides(strength, columns):
    image = np.full((1, 3, 28, 1), 10, np.uint8)
    inverted = inverse(image, strength, None)[0, 0, :, 0]
    assert (inverted == 245).sum() == columns
    np.testing.assert_array_equal(inverted, inverted[::-1])
    assert inverted[0] == 245
    assert inverse(np.full((1, 1, 5, 3), 10, np.uint8), 1.0, None).min() == 245
