import numpy as np
import pytest
import tf_keras

from digitedge.analysis.keras_layers import IMAGE, network_of
from digitedge.errors import ContentError

layers = tf_keras.layers
IMAGES = np.random.default_rng(0).uniform(size=(3, 4, 4, 1)).astype(np.float32)


@pytest.fixture
def branched():
    image = layers.Input((4, 4, 1))
    x = layers.Conv2D(2, 3, padding="same", name="conv")(image)
    y = layers.ReLU(name="relu")(layers.Dropout(0.5, name="drop")(x))
    x = layers.Add(name="add")([x, y])
    return tf_keras.Model(image, layers.Dense(3, name="dense")(layers.Flatten(name="flat")(x)))


def test_layers_come_in_order_with_what_feeds_them(branched):
    network = network_of(branched, name="net")
    assert [layer.name for layer in network.layers] == ["image", "conv", "drop", "relu", "add", "flat", "dense"]
    assert [layer.feeds_on for layer in network.layers] == [(), (0,), (1,), (2,), (1, 3), (4,), (5,)]
    assert [layer.name for layer in network.layers if layer.moves] == ["drop", "flat"]
    assert [layer.name for layer in network.layers if layer.weighs] == ["conv", "dense"]
    assert (network.last, network.layers[4].shape, network.layers[4].kind) == (6, (4, 4, 2), "Add")


def test_between_a_layer_and_what_is_given_lies_what_must_be_computed(branched):
    network = network_of(branched, name="net")
    assert network.between(4, {IMAGE, 1}) == ((1,), (2, 3, 4))
    assert network.between(4, {IMAGE}) == ((0,), (1, 2, 3, 4))
    assert network.between(4, {IMAGE, 1, 3, 4}) == ((1, 3), (4,))


def test_a_part_computes_what_the_whole_does(branched):
    network = network_of(branched, name="net")
    conv, add = network.compute((1, 4), {IMAGE: IMAGES})
    np.testing.assert_allclose(add, conv + np.maximum(conv, 0), rtol=1e-6)
    (scores,) = network.compute((6,), {4: add})
    np.testing.assert_allclose(scores, branched(IMAGES).numpy(), atol=1e-6)
    (zeros,) = network.compute((4,), {1: 0 * conv})
    assert not zeros.any(), "of what is given, not of the image"


def test_a_sequential_model_and_a_network_in_a_network_are_cut_alike():
    inner = tf_keras.Sequential([layers.Input((4, 4, 2)), layers.ReLU()], name="inner")
    model = tf_keras.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, 1, name="conv"), inner])
    network = network_of(model, name="net", last="scores")
    assert [layer.name for layer in network.layers] == ["image", "conv", "scores"]
    conv, whole = network.compute((1, 2), {IMAGE: IMAGES})
    np.testing.assert_allclose(whole, np.maximum(conv, 0), rtol=1e-6)


def test_a_block_holds_fewer_images_of_a_larger_network(branched):
    image = layers.Input((600, 600, 3))
    large = tf_keras.Model(image, layers.Conv2D(8, 1)(image))
    assert network_of(branched, name="net").block == 100
    assert network_of(large, name="net").block == 1


class Subclassed(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


def test_what_cannot_be_cut_says_why():
    image, twice = layers.Input((4,)), layers.Dense(4, name="twice")
    shared = tf_keras.Model(image, twice(twice(image)))
    subclassed = Subclassed()
    subclassed(np.zeros((1, 4), np.float32))
    whys = {
        "it is a SavedModel, whose layers are no longer there": object(),
        "it is a subclassed model, whose layers are called by code of its own": subclassed,
        "its layer twice is called 2 times": shared,
    }
    for why, model in whys.items():
        with pytest.raises(ContentError, match=f"the layers of m.keras cannot be looked at: {why}"):
            network_of(model, name="m.keras")
