from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.data.preprocess import to_unit
from digitedge.dataset import Dataset
from digitedge.errors import ContentError
from digitedge.training.pipeline import training_batches, validation_batches

N = 50
# Image i is all i, and its label is i: a batch says which images it holds.
NUMBERED = Dataset(
    np.repeat(np.arange(N, dtype=np.uint8), 16).reshape(N, 4, 4, 1), np.arange(N), tuple(map(str, range(N))), "numbered"
)
PLAIN = TrainConfig(batch_size=16, augment="none")


def epochs(number, config=PLAIN, dataset=NUMBERED):
    keras.utils.set_random_seed(config.seed)
    steps = -(-len(dataset) // config.batch_size)
    batches = list(training_batches(dataset, config).take(number * steps).as_numpy_iterator())
    return [batches[epoch * steps : (epoch + 1) * steps] for epoch in range(number)]


def order(epoch):
    return np.concatenate([labels for _, labels in epoch]).tolist()


def test_every_image_comes_exactly_once_an_epoch():
    for epoch in epochs(3):
        assert sorted(order(epoch)) == list(range(N))
        assert [len(labels) for _, labels in epoch] == [16, 16, 16, 2]


def test_an_image_keeps_its_label():
    for images, labels in epochs(1)[0]:
        np.testing.assert_array_equal(images[:, 0, 0, 0] * 255, labels)


def test_pixels_are_scaled_as_on_the_device():
    for images, labels in epochs(1)[0]:
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, to_unit(NUMBERED.images[labels]))


def test_the_order_changes_from_epoch_to_epoch():
    first, second = epochs(2)
    assert order(first) != order(second)
    assert order(first) != sorted(order(first))


def test_the_same_seed_gives_the_same_batches():
    for (images, labels), (again, labels_again) in zip(epochs(1)[0], epochs(1)[0], strict=True):
        np.testing.assert_array_equal(labels, labels_again)
        np.testing.assert_array_equal(images, again)


def test_another_seed_gives_another_order():
    assert order(epochs(1)[0]) != order(epochs(1, replace(PLAIN, seed=1))[0])


@pytest.fixture
def augmented(tiny_digits):
    some = tiny_digits.train.take(slice(40))
    return epochs(2, replace(PLAIN, augment="digits"), some), some


def test_augmentation_changes_the_images_and_no_label(augmented):
    (first, _), some = augmented
    images = np.concatenate([images for images, _ in first])
    labels = np.concatenate([labels for _, labels in first])
    assert sorted(labels.tolist()) == sorted(some.labels.tolist())
    assert 0 <= images.min() < images.max() <= 1
    originals = {image.tobytes() for image in to_unit(some.images)}
    assert sum(image.tobytes() in originals for image in images) == 0


def test_augmentation_is_made_anew_each_epoch(augmented):
    (first, second), _ = augmented
    seen = [{image.tobytes() for images, _ in epoch for image in images} for epoch in (first, second)]
    assert not seen[0] & seen[1]


def test_validation_takes_every_image_once_in_order_and_unchanged():
    batches = list(validation_batches(NUMBERED, batch_size=20).as_numpy_iterator())
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), to_unit(NUMBERED.images))
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), NUMBERED.labels)


@pytest.mark.parametrize("batches", [lambda d: training_batches(d, PLAIN), validation_batches])
def test_images_without_labels_cannot_teach(batches):
    with pytest.raises(ContentError, match="numbered has no labels"):
        batches(replace(NUMBERED, labels=None))
