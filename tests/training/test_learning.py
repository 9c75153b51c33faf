import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.dataset import Dataset
from digitedge.errors import ContentError, UsageError
from digitedge.training.device import Placement, choose
from digitedge.training.learning import Learning

L = keras.layers
HERE = choose("cpu")


def network(*middle):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [L.Input((6, 5, 1)), L.Conv2D(3, 3), *middle, L.Flatten(), L.Dense(4, activation="softmax")]
    )


def some(n=40, dtype=np.int64):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, n).astype(dtype)
    return Dataset(rng.integers(0, 256, (n, 6, 5, 1), np.uint8), labels, tuple("abcd"), "some")


def config(**changes):
    return TrainConfig(**{"epochs": 3, "batch_size": 8, "augment": "photo", "average_decay": 0.9, **changes})


def epoch(learning, number):
    """The sums over the five steps of an epoch, all in one call."""
    (block,) = learning.feed.blocks(number)
    return learning.steps(block, 5)


@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [("adam", "float32"), ("adamw", "float32"), ("sgd", "float32"), ("rmsprop", "float16")],
)
def test_its_state_is_all_that_the_next_steps_depend_on(optimizer, precision):
    net = network(L.BatchNormalization(), L.Dropout(0.5), L.GaussianNoise(0.1))
    learning = Learning.of(net, some(), config(optimizer=optimizer, precision=precision), HERE)
    epoch(learning, 0)
    saved = [variable.numpy() for variable in learning.state]
    rate, judged = learning.rate, learning.judge(some())
    expected = epoch(learning, 1)
    after = [variable.numpy() for variable in learning.state]
    assert any((one != other).any() for one, other in zip(saved, after, strict=True))
    for variable, array in zip(learning.state, saved, strict=True):
        variable.assign(array)
    assert (learning.rate, learning.judge(some())) == (rate, judged)
    assert epoch(learning, 1) == expected
    for variable, array in zip(learning.state, after, strict=True):
        np.testing.assert_array_equal(variable.numpy(), array)


def test_the_state_is_in_the_same_order_each_time():
    def order():
        keras.backend.clear_session()
        learning = Learning.of(network(L.Dropout(0.5), L.Dense(3), L.Dropout(0.1)), some(), config(), HERE)
        return [(variable.name, variable.shape, variable.dtype) for variable in learning.state]

    assert order() == order()


SEEN = tf.Variable(0, trainable=False, dtype=tf.int64, name="seen")


class Counts(L.Layer):
    """Counts images in a variable that is no weight of a network."""

    def call(self, inputs):
        SEEN.assign_add(tf.shape(inputs, tf.int64)[0])
        return inputs


def test_the_state_holds_a_counter_of_the_users_own():
    learning = Learning.of(network(Counts()), some(), config(), HERE)
    before = int(SEEN)
    epoch(learning, 0)
    (counter,) = [one for one in learning.state if one.name == SEEN.name]
    assert int(counter) == int(SEEN) == before + 40


def test_the_network_goes_back_to_the_weights_that_were_kept():
    net = network(L.BatchNormalization())
    learning = Learning.of(net, some(), config(), HERE)
    epoch(learning, 0)
    learning.keep()
    kept, judged = net.get_weights(), learning.judge(some())
    epoch(learning, 1)
    assert any((one != other).any() for one, other in zip(kept, net.get_weights(), strict=True))
    learning.settle()
    for array, now in zip(kept, net.get_weights(), strict=True):
        np.testing.assert_array_equal(now, array)
    assert learning.judge(some()) == judged


def test_a_schedule_counts_the_steps_of_all_epochs():
    learning = Learning.of(network(), some(), config(schedule="cosine", learning_rate=0.01), HERE)
    found = []
    for number in range(3):
        epoch(learning, number)
        found.append(learning.rate)
    assert 0.01 > found[0] > found[1] > found[2] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_rate_that_is_set_is_that_of_the_next_steps(optimizer, precision):
    still = config(schedule="plateau", optimizer=optimizer, precision=precision, average_decay=0.0)
    net = network()
    learning = Learning.of(net, some(), still, HERE)
    learning.set_rate(0.0)
    before = net.get_weights()
    epoch(learning, 0)
    assert learning.rate == 0.0
    for array, now in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(now, array)
    learning.set_rate(0.01)
    epoch(learning, 1)
    assert learning.rate == pytest.approx(0.01)
    assert np.abs(net.get_weights()[0] - before[0]).max() > 1e-3


def test_labels_may_be_whole_numbers_of_any_size():
    small, large = (Learning.of(network(), some(dtype=one), config(), HERE) for one in (np.uint8, np.int64))
    assert epoch(small, 0) == epoch(large, 0)
    assert small.judge(some(dtype=np.uint8)) == large.judge(some())


class Two:
    """A strategy of two devices, as far as a refusal looks at it."""

    num_replicas_in_sync = 2


def test_a_batch_that_devices_cannot_share_evenly_is_refused():
    two = Placement("2 x GPU", Two(), None, jit=True)
    with pytest.raises(
        UsageError, match=r"--batch-size 25 cannot be shared evenly by 2 devices\. Choose a multiple of 2"
    ):
        Learning.of(network(), some(), config(batch_size=25), two)


class Noisy(L.Layer):
    """Draws random numbers whose state dies with the process."""

    def call(self, inputs):
        return inputs + 0.01 * tf.random.uniform(tf.shape(inputs))


def test_hidden_random_numbers_are_refused_where_the_same_bits_are_asked_for():
    Learning.of(network(Noisy()), some(), config(), HERE)
    with pytest.raises(ContentError, match=r"--deterministic: the network draws random numbers by RandomUniform"):
        Learning.of(network(Noisy()), some(), config(deterministic=True), HERE)


def test_random_numbers_of_keras_are_not():
    layers = [L.Dropout(0.5), L.GaussianNoise(0.1), L.SpatialDropout2D(0.1), L.RandomFlip(), L.RandomRotation(0.1)]
    learning = Learning.of(network(*layers), some(), config(deterministic=True), HERE)
    assert np.isfinite(epoch(learning, 0)).all()


class NoisyInFloat32(L.Layer):
    """Fits 32 bits alone, and that shows in training only."""

    def call(self, inputs, training=False):
        return inputs * tf.constant(1.5, tf.float32) if training else inputs


def test_a_network_that_cannot_compute_in_16_bits_is_told_in_one_line():
    Learning.of(network(NoisyInFloat32()), some(), config(), HERE)
    with pytest.raises(ContentError, match=r"the network cannot compute in bfloat16: .* Take --precision float32\."):
        Learning.of(network(NoisyInFloat32()), some(), config(precision="bfloat16"), HERE)
