"""Training images are divided into those that ranges are taken from and those that a recipe is chosen by."""

import numpy as np
import pytest

from digitedge.dataset import Dataset
from digitedge.export.quantize.calibration import Calibration, divide


def dataset(n, *, labelled=True):
    images = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    return Dataset(images, np.arange(n) % 2 if labelled else None, ("a", "b"), "numbered")


def numbers(images):
    return np.rint(images[:, 0, 0, 0] * 255).astype(int).tolist()


@pytest.mark.parametrize(
    ("n", "ranges", "choice"),
    [
        (30, range(10), range(10, 30)),  # enough for both
        (100, range(10), range(10, 30)),  # the others are left alone
        (12, range(4), range(4, 12)),  # each gets its share
        (2, range(1), range(1, 2)),
        (1, range(1), range(1)),  # a single image serves for both
    ],
)
def test_ten_for_the_ranges_and_twenty_to_choose_by(n, ranges, choice):
    made = divide(dataset(n), 10, 20)
    assert numbers(made.images) == list(ranges)
    assert numbers(made.held_out) == list(choice)
    np.testing.assert_array_equal(made.labels, np.array(choice) % 2)
    assert made.images.dtype == np.float32


def test_images_that_were_held_out_of_training_are_preferred():
    made = divide(dataset(100).take(slice(50)), 10, 20, dataset(100).take(slice(50, 100)))
    assert numbers(made.images) == list(range(10))
    assert numbers(made.held_out) == list(range(50, 70))


def test_without_labels_there_are_none():
    assert divide(dataset(30, labelled=False), 10, 20).labels is None


def test_the_digest_is_of_everything_that_int8_depends_on():
    one = divide(dataset(30), 10, 20)
    assert one.sha256 == divide(dataset(30), 10, 20).sha256
    others = [
        Calibration(one.images[::-1], one.held_out, one.labels),
        Calibration(one.images, one.held_out[::-1], one.labels),
        Calibration(one.images, one.held_out, 1 - one.labels),
        Calibration(one.images, one.held_out, None),
    ]
    assert len({one.sha256, *(other.sha256 for other in others)}) == 5
