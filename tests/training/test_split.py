import numpy as np
import pytest

from digitedge.dataset import Dataset
from digitedge.errors import ContentError
from digitedge.training.split import hold_out


def numbered(n):
    """n images of one pixel pair; the pair is the number of the image."""
    images = np.arange(n, dtype="<u2").view(np.uint8).reshape(n, 2, 1, 1)
    return Dataset(images, np.arange(n) % 3, ("a", "b", "c"), "numbers")


def numbers(dataset):
    return np.ascontiguousarray(dataset.images).reshape(-1, 2).view("<u2").ravel()


def test_eight_percent_are_held_out_and_nothing_is_lost():
    train, held = hold_out(numbered(1000), 0.08)
    assert (len(train), len(held)) == (920, 80)
    assert sorted([*numbers(train), *numbers(held)]) == list(range(1000))
    for part in (train, held):
        np.testing.assert_array_equal(part.labels, numbers(part) % 3)


def test_the_split_is_fixed_for_ever():
    _, held = hold_out(numbered(1000), 0.08)
    assert numbers(held)[:5].tolist() == [223, 130, 356, 568, 57]


def test_the_held_out_images_are_spread_over_the_whole_set():
    _, held = hold_out(numbered(1000), 0.08)
    assert set(np.unique(held.labels)) == {0, 1, 2}
    assert 300 < numbers(held).mean() < 700


@pytest.mark.parametrize(("n", "part"), [(1, 0.08), (6, 0.08), (3, 0.99), (0, 0.5)])
def test_too_few_images_cannot_be_split(n, part):
    with pytest.raises(
        ContentError, match=rf"numbers has {n} images: .* cannot be held out for validation\. Name a data set"
    ):
        hold_out(numbered(n), part)


def test_the_smallest_set_that_can_be_split():
    train, held = hold_out(numbered(7), 0.08)
    assert (len(train), len(held)) == (6, 1)
