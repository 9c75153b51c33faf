from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.data.preprocess import to_unit
from digitedge.dataset import Dataset
from digitedge.errors import ContentError
from digitedge.training.judge import make_judge

LAYERS = keras.layers


def network(*middle):
    keras.utils.set_random_seed(0)
    layers = [LAYERS.Input((6, 5, 1)), *middle, LAYERS.Flatten(), LAYERS.Dense(4, activation="softmax")]
    return keras.Sequential(layers)


def some(n, shape=(6, 5, 1)):
    rng = np.random.default_rng(0)
    return Dataset(rng.integers(0, 256, (n, *shape), np.uint8), rng.integers(0, 4, n), tuple("abcd"), "some")


def of_keras(net, dataset):
    net.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return net.evaluate(to_unit(dataset.images), dataset.labels, verbose=0)


@pytest.mark.parametrize("n", [1, 7, 512, 1100])
@pytest.mark.parametrize("middle", [(), (LAYERS.Dropout(0.5),), (LAYERS.BatchNormalization(),)])
def test_it_says_what_keras_says(n, middle):
    net, dataset = network(*middle), some(n)
    np.testing.assert_allclose(make_judge(net)(dataset), of_keras(net, dataset), rtol=1e-5)


def test_it_judges_the_weights_of_now():
    net, dataset = network(), some(40)
    judge = make_judge(net)
    before = judge(dataset)
    net.set_weights([10 * array for array in net.get_weights()])
    after = judge(dataset)
    assert after[0] > before[0] + 0.1
    np.testing.assert_allclose(after, of_keras(net, dataset), rtol=1e-5)


def test_it_changes_nothing():
    net, dataset = network(LAYERS.BatchNormalization(), LAYERS.Dropout(0.5)), some(40)
    before, judge = net.get_weights(), make_judge(net)
    assert judge(dataset) == judge(dataset)
    for array, now in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(now, array)


def test_sure_and_right_costs_nothing_and_sure_and_wrong_much():
    net, dataset = network(), some(40)
    net.set_weights([np.zeros((30, 4), np.float32), np.float32([0, 0, 90, 0])])
    judge = make_judge(net)
    assert judge(replace(dataset, labels=np.full(40, 2))) == (pytest.approx(0, abs=1e-5), 1.0)
    loss, accuracy = judge(replace(dataset, labels=np.full(40, 1)))
    assert (loss > 10, accuracy) == (True, 0.0)


def test_what_is_no_number_stays_none():
    net = network()
    net.set_weights([array * np.nan for array in net.get_weights()])
    assert np.isnan(make_judge(net)(some(40))[0])


class Shelf:
    """The images of `some`, read as they are needed: at most so many bytes at a time."""

    def __init__(self, images, most_bytes):
        self.images, self.most_bytes, self.reads = images, most_bytes, 0
        self.shape, self.dtype, self.ndim = images.shape, images.dtype, images.ndim

    def __len__(self):
        return len(self.images)

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("all images were read at once")

    def __getitem__(self, key):
        self.reads += 1
        found = self.images[key]
        assert found.nbytes <= self.most_bytes
        return found


def test_images_that_are_not_in_memory_are_read_in_parts():
    net, dataset = network(), some(1100)
    shelf = Shelf(dataset.images, most_bytes=512 * 30)
    assert make_judge(net)(replace(dataset, images=shelf)) == make_judge(net)(dataset)
    assert shelf.reads == 3


def test_large_pictures_are_read_few_at_a_time():
    net = keras.Sequential([LAYERS.Input((1000, 1000, 3)), LAYERS.GlobalAveragePooling2D(), LAYERS.Softmax()])
    dataset = Dataset(np.zeros((12, 1000, 1000, 3), np.uint8), np.zeros(12, np.int64), tuple("abc"), "large")
    shelf = Shelf(dataset.images, most_bytes=16 << 20)
    loss, _ = make_judge(net)(replace(dataset, images=shelf))
    assert (loss, shelf.reads) == (pytest.approx(np.log(3)), 3)


def test_images_without_labels_judge_nothing():
    with pytest.raises(ContentError, match="some has no labels"):
        make_judge(network())(replace(some(4), labels=None))
