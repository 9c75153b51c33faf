from dataclasses import replace

import numpy as np
import pytest

from digitedge import images
from digitedge.dataset import Dataset
from digitedge.errors import ContentError

IMAGES = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2, 1)
THREE = Dataset(IMAGES, np.array([0, 1, 1]), ("a", "b"), "three")


def test_it_says_how_many_and_how_big():
    assert (len(THREE), THREE.image_shape) == (3, (2, 2, 1))


@pytest.mark.parametrize(
    "images", [IMAGES.astype(np.float32), IMAGES[..., 0], np.zeros((3, 2, 2, 4), np.uint8), np.zeros((3, 2), np.uint8)]
)
def test_images_of_another_kind_are_refused(images):
    with pytest.raises(ContentError, match=r"three: images are .* They must be uint8 \(n, height, width, 1 or 3\)\."):
        replace(THREE, images=images)


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([[0, 1, 1]])])
def test_labels_of_another_number_are_refused(labels):
    with pytest.raises(ContentError, match=r"three: 3 images and labels of shape .* There must be one label for each"):
        replace(THREE, labels=labels)


def test_labels_that_are_no_whole_numbers_are_refused():
    with pytest.raises(ContentError, match=r"three: labels are float64\. They must be whole numbers\."):
        replace(THREE, labels=np.array([0.0, 2.5, 1.0]))


@pytest.mark.parametrize("labels", [[0, 1, 2], [-1, 0, 1]])
def test_labels_out_of_range_are_refused(labels):
    with pytest.raises(ContentError, match=rf"labels from {min(labels)} to {max(labels)}\. They must be 0 to 1\."):
        replace(THREE, labels=np.array(labels))


def test_images_without_labels_are_a_data_set_that_cannot_teach():
    unlabelled = replace(THREE, labels=None)
    assert len(unlabelled.take(slice(2))) == 2
    with pytest.raises(ContentError, match=r"three has no labels\. Name a labelled data set\."):
        unlabelled.require_labels()


def test_images_are_taken_with_their_labels_in_order():
    taken = THREE.take(np.array([2, 0]))
    assert taken.images.tolist() == IMAGES[[2, 0]].tolist()
    assert taken.labels.tolist() == [1, 0]


def test_the_digest_depends_on_whatever_judges_a_model():
    def changed(array, value):
        copy = array.copy()
        copy.flat[0] = value
        return copy

    others = [
        replace(THREE, images=changed(IMAGES, 9)),
        replace(THREE, labels=changed(THREE.labels, 1)),
        replace(THREE, labels=None),
        replace(THREE, classes=("b", "a")),
        THREE.take(slice(2)),
        replace(THREE, images=IMAGES.reshape(3, 4, 1, 1)),
    ]
    assert len({THREE.sha256, *(other.sha256 for other in others)}) == len(others) + 1


def test_the_digest_does_not_depend_on_the_name_or_on_how_the_arrays_lie():
    turned = np.asfortranarray(IMAGES)
    assert replace(THREE, name="x", images=turned, labels=THREE.labels.astype(np.int32)).sha256 == THREE.sha256


def test_the_digest_is_the_same_wherever_the_images_lie_and_is_made_block_by_block(elsewhere, monkeypatch):
    monkeypatch.setattr(images, "BLOCK_BYTES", 2 * 4)
    stored = elsewhere(IMAGES)
    assert replace(THREE, images=stored).sha256 == THREE.sha256
    assert stored.reads == [2, 1]


def test_taking_of_images_that_lie_elsewhere_reads_none(elsewhere):
    stored = elsewhere(IMAGES)
    taken = replace(THREE, images=stored).take(np.array([2, 0])).take(slice(1))
    assert (len(taken), taken.image_shape, taken.labels.tolist()) == (1, (2, 2, 1), [1])
    assert stored.reads == []
    assert taken.images[:].tolist() == IMAGES[[2]].tolist()


def test_images_that_lie_elsewhere_are_checked_like_others(elsewhere):
    with pytest.raises(ContentError, match=r"three: images are float32 \(3, 2, 2, 1\)"):
        replace(THREE, images=elsewhere(IMAGES.astype(np.float32)))
    with pytest.raises(ContentError, match=r"three: 3 images and labels of shape \(2,\)"):
        replace(THREE, images=elsewhere(IMAGES), labels=np.array([0, 1]))
