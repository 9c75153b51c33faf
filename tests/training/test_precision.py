from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.errors import ContentError
from digitedge.report.progress import Silent
from digitedge.runtime.keras import load
from digitedge.training.augment import DRAWS
from digitedge.training.device import choose
from digitedge.training.fit import fit
from digitedge.training.optimizer import make_optimizer
from digitedge.training.precision import trainee_of
from digitedge.training.run import save
from digitedge.training.step import make_steps

L = keras.layers
PRECISIONS = ["float32", "bfloat16", "float16"]


def network(*middle):
    keras.utils.set_random_seed(0)
    convolution = L.Conv2D(3, 3, activation="relu", name="convolution")
    last = L.Dense(4, activation="softmax", name="probabilities")
    return keras.Sequential([L.Input((8, 8, 1)), convolution, *middle, L.Flatten(name="flat"), last])


def images(n=20, side=8):
    return np.random.default_rng(0).random((n, side, side, 1), np.float32)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_and_output_stay_float32_and_the_rest_computes_as_asked(precision):
    trainee = trainee_of(network(L.BatchNormalization(name="norm"), L.Dropout(0.5, name="drop")), precision)
    assert {weight.dtype for weight in trainee.weights} == {tf.float32}
    assert trainee(images()).dtype == tf.float32
    found = {layer.name: layer.compute_dtype for layer in trainee.layers}
    inner = dict.fromkeys(["convolution", "norm", "drop", "flat"], precision)
    assert found == inner | {"probabilities": "float32"}


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0), ("bfloat16", 2e-2), ("float16", 2e-3)])
def test_the_copy_gives_what_the_network_gives(precision, tolerance):
    net = network(L.BatchNormalization())
    found, expected = trainee_of(net, precision)(images()), net(images())
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert (precision == "float32") == np.array_equal(found, expected), "16 bits are seen"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_neither_changes_the_other(precision):
    net = network(L.BatchNormalization())
    trainee, before = trainee_of(net, precision), net.get_weights()
    trainee.set_weights([array + 1 for array in before])
    for array, now, changed in zip(before, net.get_weights(), trainee.get_weights(), strict=True):
        np.testing.assert_array_equal(now, array)
        np.testing.assert_array_equal(changed, array + 1)
    assert {layer.compute_dtype for layer in net.layers} == {"float32"}


def test_what_is_frozen_stays_frozen():
    net = network()
    net.get_layer("convolution").trainable = False
    trainee = trainee_of(net, "bfloat16")
    assert [weight.name.split("/")[0] for weight in trainee.trainable_weights] == ["probabilities"] * 2


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_network_of_branches_and_one_in_another_are_copied(precision):
    keras.utils.set_random_seed(0)
    image = L.Input((8, 8, 1))
    inner = keras.Sequential([L.Input((8, 8, 1)), L.Conv2D(2, 3, padding="same"), L.Dropout(0.5)], name="inner")
    both = L.Concatenate()([inner(image), L.Conv2D(2, 5, padding="same")(image) * 0.5])
    net = keras.Model(image, L.Dense(4, activation="softmax", name="probabilities")(L.Flatten()(both)))
    trainee = trainee_of(net, precision)
    np.testing.assert_allclose(trainee(images()), net(images()), atol=2e-2)
    assert trainee(images()).dtype == tf.float32
    assert {weight.dtype for weight in trainee.weights} == {tf.float32}
    assert not {id(weight) for weight in trainee.weights} & {id(weight) for weight in net.weights}


class Whole(L.Layer):
    """A layer with a get_config, as Keras wants it."""

    def __init__(self, factor, **others):
        super().__init__(**others)
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


class Bare(Whole):
    """The same without."""

    def get_config(self):
        return L.Layer.get_config(self)


class Holding(L.Layer):
    """One that Keras cannot write down: what it was made of is no plain value."""

    def __init__(self, thing, **others):
        super().__init__(**others)
        self.thing = thing

    def call(self, inputs):
        return inputs


class Narrow(L.Layer):
    """One that takes no dtype."""

    def __init__(self):
        super().__init__()

    def call(self, inputs):
        return inputs


def test_a_layer_of_the_users_own_is_copied():
    net = network(Whole(3.0))
    np.testing.assert_array_equal(trainee_of(net, "float32")(images()), net(images()))


@pytest.mark.parametrize(
    ("layer", "precision"),
    [
        (lambda: Bare(3.0), "float32"),
        (lambda: Bare(3.0), "bfloat16"),
        (lambda: Holding(object()), "float32"),
        (Narrow, "float16"),
    ],
)
def test_a_layer_that_cannot_be_copied_is_named_with_what_it_lacks(layer, precision):
    made = layer()
    with pytest.raises(ContentError, match=rf"the network cannot be copied: .*{type(made).__name__}") as caught:
        trainee_of(network(made), precision)
    assert str(caught.value).endswith("Give every layer of your own a get_config(), and **kwargs in its __init__.")
    assert "\n" not in str(caught.value)


@pytest.fixture
def digits(tiny_digits):
    return tiny_digits.train.take(slice(200)), tiny_digits.train.take(slice(200, 260))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_training_learns_and_leaves_a_standard_float32_network(digits, precision, tmp_path):
    keras.utils.set_random_seed(0)
    first = [L.Conv2D(4, 5, strides=2), L.BatchNormalization(), L.ReLU(), L.Dropout(0.1)]
    net = keras.Sequential([L.Input((28, 28, 1)), *first, L.Flatten(), L.Dense(10, activation="softmax")])
    config = TrainConfig(epochs=6, batch_size=20, learning_rate=1e-2, average_decay=0.9, precision=precision)
    done = fit(net, *digits, replace(config, augment="none"), Silent(), placement=choose("cpu"))
    assert done.history["loss"][-1] < 0.5 * done.history["loss"][0]
    assert done.history["val_accuracy"][-1] > 0.8
    save(net, tmp_path / "x.keras")
    saved = load(tmp_path / "x.keras").network
    assert saved.get_config() == net.get_config()
    assert {layer.dtype_policy.name for layer in saved.layers} == {"float32"}
    for array, now in zip(saved.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(array, now)


def moved(precision, optimizer):
    """How far one step moves weights whose gradients are about 1e-8: less than the least float16."""
    net = keras.Sequential([L.Input((2, 2, 1)), L.Flatten(), L.Dense(3), L.Dense(2, activation="softmax")])
    rng = np.random.default_rng(0)
    start = [np.zeros((4, 3)), np.ones(3), 1e-7 * rng.uniform(-1, 1, (3, 2)), np.zeros(2)]
    net.set_weights([array.astype(np.float32) for array in start])
    trainee = trainee_of(net, precision)
    config = TrainConfig(augment="none", average_decay=0.0)
    steps = make_steps(trainee, net, optimizer, config, choose("cpu"))
    pixels, labels = rng.integers(0, 256, (8, 2, 2, 1), np.uint8), np.arange(8) % 2
    steps(tf.constant(pixels), tf.constant(labels), tf.zeros((8, DRAWS)), tf.constant(1))
    return trainee.get_weights()[0]


def test_small_gradients_do_not_vanish_in_float16():
    expected = moved("float32", make_optimizer("sgd", 0.9, "float32"))
    assert 0 < np.abs(expected).max() < 6e-8, "the least float16"
    found = moved("float16", make_optimizer("sgd", 0.9, "float16"))
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
    assert not moved("float16", make_optimizer("sgd", 0.9, "float32")).any(), "without scaling they do"
