from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.data.corruption.corrupting import SEVERITIES, corrupted, corruptions
from digitedge.errors import ContentError, UnknownNameError, UsageError

NAMES = tuple(corruptions())


def digits(tiny_digits):
    return tiny_digits.test.images[:40]


def test_the_published_names():
    assert {"rotate", "translate", "scale", "shear", "shot_noise", "impulse_noise", "motion_blur"} < {*NAMES}
    assert {"brightness", "gaussian_noise", "gaussian_blur", "contrast", "thinning", "thickening", "inverse"} < {*NAMES}
    assert all(corruption.name == name and corruption.source for name, corruption in corruptions().items())


@pytest.mark.parametrize("name", NAMES)
def test_strengths_go_one_way(name):
    strengths = corruptions()[name].strengths
    assert len(strengths) == len(SEVERITIES)
    assert list(strengths) in (sorted(set(strengths)), sorted(set(strengths), reverse=True))


@pytest.mark.parametrize("name", NAMES)
def test_each_severity_is_worse_than_the_last(tiny_digits, name):
    images = digits(tiny_digits)
    before = images.copy()
    away = [np.abs(corrupted(images, name, severity).astype(float) - images).mean() for severity in (0, *SEVERITIES)]
    assert away[0] == 0
    assert all(milder < worse for milder, worse in pairwise(away))
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_images(tiny_digits, name):
    images = digits(tiny_digits)
    np.testing.assert_array_equal(corrupted(images, name, 3), corrupted(images, name, 3))
    chance = {"rotate", "translate", "shear", "motion_blur", "gaussian_noise", "shot_noise", "impulse_noise"}
    assert np.array_equal(corrupted(images, name, 3), corrupted(images, name, 3, seed=1)) == (name not in chance)


@pytest.mark.parametrize("name", NAMES)
@given(shape=st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
       severity=st.sampled_from([0, *SEVERITIES]), fill=st.sampled_from([None, 0, 7, 255]))  # fmt: skip
def test_images_of_any_size_keep_their_shape(name, shape, severity, fill):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, shape).astype(np.uint8) if fill is None else np.full(shape, fill, np.uint8)
    worse = corrupted(images, name, severity)
    assert worse.shape == shape
    assert worse.dtype == np.uint8
    if severity == 0:
        np.testing.assert_array_equal(worse, images)


def test_grey_and_coloured_digits_meet_the_same_fate(tiny_digits):
    grey = digits(tiny_digits)
    for name in set(NAMES) - {"gaussian_noise", "shot_noise", "impulse_noise"}:  # a sensor's noise has colours
        coloured = corrupted(np.repeat(grey, 3, axis=3), name, 3)
        np.testing.assert_allclose(coloured[..., 1:2].astype(int), corrupted(grey, name, 3), atol=1, err_msg=name)


def test_many_images_are_changed_in_blocks():
    images = np.tile(np.arange(0, 200, 2, dtype=np.uint8).reshape(1, 10, 10, 1), (3000, 1, 1, 1))
    worse = corrupted(images, "contrast", 1)
    np.testing.assert_array_equal(worse, np.tile(worse[:1], (3000, 1, 1, 1)))


def test_a_strange_name_lists_the_others():
    with pytest.raises(UnknownNameError, match=r"unknown corruption: roate. Did you mean rotate\? Choose from: .*thin"):
        corrupted(np.zeros((1, 8, 8, 1), np.uint8), "roate", 1)


@pytest.mark.parametrize("severity", [-1, 6])
def test_there_are_five_severities(severity):
    with pytest.raises(UsageError, match=rf"severity {severity} of rotate\. It goes from 1 \(mild\) to 5"):
        corrupted(np.zeros((1, 8, 8, 1), np.uint8), "rotate", severity)


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8)), np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 0, 1), np.uint8)])
def test_what_is_no_image_is_refused(images):
    with pytest.raises(ContentError, match=r"to corrupt\. Images are uint8 \(n, height, width, 1 or 3\)"):
        corrupted(images, "rotate", 1)
