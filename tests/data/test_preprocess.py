"""From pixels to what each kind of file takes."""

from dataclasses import replace

import numpy as np
import pytest

from digitedge.data.preprocess import to_input, to_pixels, to_unit
from digitedge.spec import image_spec, raw_pixels

EVERY = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
SPEC = image_spec((16, 16, 1), ("a", "b"), "NHWC")


def test_every_pixel_survives_the_way_to_floats_and_back():
    unit = to_unit(EVERY)
    assert (unit.dtype, unit.min(), unit.max()) == (np.float32, 0, 1)
    np.testing.assert_array_equal(to_pixels(unit), EVERY)


def test_what_is_no_pixel_becomes_the_nearest():
    assert to_pixels(np.array([0.0, 0.4 / 255, 0.6 / 255, 1.0], np.float32)).tolist() == [0, 0, 1, 255]


def test_a_file_of_floats_gets_them_in_its_range_less_mean_over_std():
    spec = replace(SPEC, range=(-1.0, 1.0), mean=(0.5,), std=(0.25,))
    expected = (to_unit(EVERY) * np.float32(2) - np.float32(1) - np.float32(0.5)) / np.float32(0.25)
    np.testing.assert_array_equal(to_input(to_unit(EVERY), spec), expected)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_a_file_of_raw_pixels_gets_the_pixels_whatever_its_network_takes(layout):
    spec = raw_pixels(replace(SPEC, layout=layout, range=(-1.0, 1.0), mean=(0.5,), std=(0.25,)))
    given = to_input(to_unit(EVERY), spec)
    assert (given.dtype, given.flags.c_contiguous) == (np.uint8, True)
    np.testing.assert_array_equal(given, EVERY.reshape(given.shape))


def test_colours_are_laid_out_as_the_file_has_them():
    images = np.random.default_rng(0).random((2, 4, 5, 3), np.float32)
    spec = replace(image_spec((4, 5, 3), ("a", "b"), "NCHW"))
    assert to_input(images, spec).shape == (2, 3, 4, 5)
    np.testing.assert_array_equal(to_input(images, raw_pixels(spec))[1, 2], to_pixels(images)[1, :, :, 2])
