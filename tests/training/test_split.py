from dataclasses import replace

import numpy as np
import pytest

from digitedge.dataset import Dataset
from digitedge.errors import ContentError
from digitedge.training.split import hold_out, remarks


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


def labelled(labels, classes="abc"):
    return Dataset(np.zeros((len(labels), 2, 2, 1), np.uint8), np.array(labels), tuple(classes), "mine")


def held_out(n, part=0.08):
    return set(numbers(hold_out(numbered(n), part)[1]).tolist())


def test_a_set_with_every_class_in_both_parts_needs_no_remark():
    assert remarks(numbered(1000), 0.08) == ()


def test_a_class_that_nobody_shows_is_named():
    labels = np.arange(1000) % 3
    assert remarks(labelled(labels, "abcd"), 0.08) == (
        "mine: no training image shows d: the network cannot learn that.",
        "mine: no held-out image shows d: validation says nothing of that.",
    )


def test_a_class_whose_only_images_are_held_out_is_named():
    labels = np.array([2 if number in held_out(100) else number % 2 for number in range(100)])
    first, _ = remarks(labelled(labels), 0.08)
    assert first == "mine: no training image shows c: the network cannot learn that."
    labels[min(set(range(100)) - held_out(100))] = 2
    assert "no training image" not in " ".join(remarks(labelled(labels), 0.08))


def test_a_class_that_is_never_held_out_is_named():
    rare = max(set(range(1000)) - held_out(1000))
    labels = np.arange(1000) % 2
    labels[rare] = 2
    assert remarks(labelled(labels), 0.08) == ("mine: no held-out image shows c: validation says nothing of that.",)


@pytest.mark.parametrize(("n", "few"), [(7, "1 image is"), (24, "2 images are")])
def test_fewer_held_out_images_than_classes_are_said_once(n, few):
    assert remarks(numbered(n), 0.08) == (f"numbers: {few} held out for 3 classes: validation says little.",)


def test_as_many_as_classes_are_enough_not_to_say_that():
    assert "says little" not in " ".join(remarks(numbered(38), 0.08))


def test_of_many_classes_five_are_named():
    names = [f"c{number}" for number in range(12)]
    assert remarks(labelled(np.arange(1000) % 3, names), 0.08)[0] == (
        "mine: no training image shows c3, c4, c5, c6, c7 and 4 more: the network cannot learn that."
    )


def test_a_remark_changes_nothing():
    dataset = numbered(24)
    before = dataset.sha256
    remarks(dataset, 0.08)
    assert replace(dataset).sha256 == before


def test_images_that_are_not_in_memory_are_split_alike_and_none_is_read(elsewhere):
    whole = numbered(100)
    stored = elsewhere(whole.images)
    train, held = hold_out(replace(whole, images=stored), 0.08)
    assert remarks(replace(whole, images=stored), 0.08) == remarks(whole, 0.08)
    assert stored.reads == []
    for part, other in zip((train, held), hold_out(whole, 0.08), strict=True):
        np.testing.assert_array_equal(part.images[:], other.images)
        np.testing.assert_array_equal(part.labels, other.labels)
