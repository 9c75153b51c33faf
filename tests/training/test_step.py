import math

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from digitedge.config import AUGMENTATIONS, TrainConfig
from digitedge.data.preprocess import to_unit
from digitedge.training.augment import augment, draws
from digitedge.training.device import Placement
from digitedge.training.optimizer import make_optimizer
from digitedge.training.precision import trainee_of
from digitedge.training.step import make_steps, scale

L = keras.layers
BATCH = 8


def network(*middle, **last):
    keras.utils.set_random_seed(0)
    first = L.Conv2D(3, 3, activation="relu", name="convolution")
    return keras.Sequential(
        [L.Input((6, 5, 1)), first, *middle, L.Flatten(), L.Dense(4, activation="softmax", name="scores", **last)]
    )


def batches(number, size=BATCH):
    """uint8 images, labels and draws of so many batches."""
    rng = np.random.default_rng(0)
    n = number * size
    return rng.integers(0, 256, (n, 6, 5, 1), np.uint8), rng.integers(0, 4, n), draws(n, 0, 0)


class Learner:
    """A network that learns, its average, and the steps it takes."""

    def __init__(self, average, optimizer="sgd", rate=0.1, *, towers=1, jit=False, **changes):
        keras.utils.set_random_seed(1)
        self.average, self.trainee = average, trainee_of(average, "float32")
        config = TrainConfig(**{"average_decay": 0.9, "augment": "none", "label_smoothing": 0.0, **changes})
        placement = Placement("CPU", tf.distribute.get_strategy(), "CPU", jit=jit, towers=towers)
        optimizer = make_optimizer(optimizer, rate, "float32") if isinstance(optimizer, str) else optimizer
        self._steps = make_steps(self.trainee, average, optimizer, config, placement)

    def steps(self, batches, number):
        """The sums over so many steps of (mean loss, share of right answers)."""
        return [float(one) for one in self._steps(*map(tf.constant, batches), tf.constant(number))]

    @property
    def weights(self):
        return [*self.trainee.get_weights(), *self.average.get_weights()]


def assert_equal(learner, other, **tolerances):
    for array, its in zip(learner.weights, other.weights, strict=True):
        np.testing.assert_allclose(array, its, **({"rtol": 0} | tolerances))


def part(arrays, step, size=BATCH):
    return [array[step * size : (step + 1) * size] for array in arrays]


def test_pixels_are_scaled_as_on_the_device():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(scale(every), to_unit(every))


@pytest.mark.parametrize(("optimizer", "calls"), [("adam", [1, 3, 1]), ("adamw", [5]), ("sgd", [5])])
def test_many_steps_in_one_call_are_as_many_calls_bit_for_bit(optimizer, calls):
    def learner():
        net = network(L.BatchNormalization(), L.Dropout(0.5), kernel_regularizer="l2")
        return Learner(net, optimizer, 0.01, augment="photo")

    one, many, found, at = learner(), learner(), np.zeros(2), 0
    expected = [one.steps(part(batches(5), step), 1) for step in range(5)]
    for number in calls:
        found += many.steps([array[at * BATCH : (at + number) * BATCH] for array in batches(5)], number)
        at += number
    assert_equal(many, one)
    np.testing.assert_allclose(found, np.sum(expected, axis=0), rtol=1e-6)


@pytest.mark.parametrize("towers", [2, 4])
def test_towers_change_nothing_that_is_learnt(towers):
    def learner(towers):
        return Learner(network(kernel_regularizer="l2"), "adam", 0.01, towers=towers, augment="photo")

    one, several = learner(1), learner(towers)
    for _ in range(3):
        np.testing.assert_allclose(several.steps(batches(4), 4), one.steps(batches(4), 4), rtol=1e-5)
    assert_equal(several, one, atol=1e-5)


def compiled(net, optimizer):
    net.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


@pytest.mark.parametrize(
    ("middle", "last"),
    [
        ((), {}),
        ((L.BatchNormalization(momentum=0.9),), {}),
        ((), {"kernel_regularizer": "l2", "bias_regularizer": "l1"}),
        ((L.ActivityRegularization(0.01),), {}),
        ((), {"kernel_constraint": "max_norm"}),
    ],
)
def test_every_step_is_that_of_keras(middle, last):
    theirs = compiled(network(*middle, **last), keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True))
    ours = Learner(network(*middle, **last), "sgd", 0.1)
    for step in range(3):
        images, labels, drawn = part(batches(3), step)
        expected = theirs.train_on_batch(to_unit(images), labels)
        np.testing.assert_allclose(ours.steps((images, labels, drawn), 1), expected, rtol=1e-5)
        for array, its in zip(ours.trainee.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(array, its, atol=1e-6)


def test_a_regularizer_adds_to_loss_and_gradient():
    plain, regular = (
        Learner(network(**last), keras.optimizers.legacy.SGD(0.1))
        for last in ({}, {"kernel_regularizer": keras.regularizers.L2(0.02)})
    )
    before = plain.trainee.get_layer("scores").kernel.numpy()
    losses = [one.steps(batches(1), 1)[0] for one in (plain, regular)]
    assert losses[1] - losses[0] == pytest.approx(0.02 * np.square(before).sum(), rel=1e-4)
    kernels = [one.trainee.get_layer("scores").kernel.numpy() for one in (plain, regular)]
    np.testing.assert_allclose(kernels[1] - kernels[0], -0.1 * 2 * 0.02 * before, atol=1e-6)


def losses_of_the_same_images(net, **options):
    """The losses of six steps that change no weight, one a call, then two a call."""
    still = Learner(net, keras.optimizers.legacy.SGD(0.0), **options)
    one = batches(1)
    pair = [np.concatenate([array, array]) for array in one]
    return [still.steps(one, 1)[0] for _ in range(4)], still.steps(pair, 2)[0]


def test_dropout_drops_others_in_every_step():
    single, pair = losses_of_the_same_images(network(L.Dropout(0.5)))
    assert len(set(single)) == 4
    assert all(abs(pair - 2 * loss) > 1e-4 for loss in single)


def test_without_dropout_the_same_images_have_the_same_loss():
    single, pair = losses_of_the_same_images(network())
    assert len(set(single)) == 1
    assert pair == pytest.approx(2 * single[0], rel=1e-6)


def test_dropout_is_the_same_for_the_same_seed():
    assert losses_of_the_same_images(network(L.Dropout(0.5))) == losses_of_the_same_images(network(L.Dropout(0.5)))


@pytest.mark.parametrize(
    ("middle", "tolerance"), [((), 1e-5), ((L.BatchNormalization(),), 1e-4)], ids=["plain", "normalised"]
)
def test_compiled_by_xla_it_learns_the_same(middle, tolerance):
    def learner(jit):
        return Learner(network(*middle, kernel_regularizer="l2"), "sgd", 0.1, jit=jit, augment="photo")

    without, compiled_ = learner(jit=False), learner(jit=True)
    np.testing.assert_allclose(compiled_.steps(batches(4), 4), without.steps(batches(4), 4), rtol=1e-4)
    assert_equal(compiled_, without, atol=tolerance)


def test_compiled_by_xla_dropout_drops_others_in_every_step():
    single, pair = losses_of_the_same_images(network(L.Dropout(0.5)), jit=True)
    assert len(set(single)) == 4
    assert all(abs(pair - 2 * loss) > 1e-4 for loss in single)


@pytest.mark.parametrize("jit", [False, True])
def test_each_image_is_changed_as_its_own_draws_say(jit):
    net = network()
    images, labels, drawn = batches(1)
    changed = augment(scale(images), drawn, AUGMENTATIONS["photo"])
    expected = compiled(network(), "sgd").evaluate(changed.numpy(), labels, verbose=0)
    plain = compiled(network(), "sgd").evaluate(to_unit(images), labels, verbose=0)
    found = Learner(net, augment="photo", jit=jit).steps((images, labels, drawn), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert abs(found[0] - plain[0]) > 1e-3


def test_the_average_follows_after_every_step():
    net = network()
    learner = Learner(net, keras.optimizers.legacy.SGD(0.0), average_decay=0.25)
    learner.trainee.set_weights([np.full_like(array, 11.0) for array in net.get_weights()])
    net.set_weights([np.zeros_like(array) for array in net.get_weights()])
    # What is left of the way: 2/11 after a first step, a quarter of the rest after each further one.
    for number, left in [(1, 2 / 11), (1, 2 / 11 / 4), (2, 2 / 11 / 4**3)]:
        learner.steps(batches(number), number)
        for array in net.get_weights():
            np.testing.assert_allclose(array, 11.0 * (1 - left), rtol=1e-5)


def test_without_decay_the_average_is_what_learns():
    net = network(L.BatchNormalization())
    learner = Learner(net, "adam", 0.01, average_decay=0.0)
    before = net.get_weights()
    learner.steps(batches(3), 3)
    for array, its, old in zip(net.get_weights(), learner.trainee.get_weights(), before, strict=True):
        np.testing.assert_allclose(array, its, atol=1e-6)
        assert np.abs(array - old).max() > 1e-4


def test_it_counts_right_answers():
    net = network()
    net.set_weights([*net.get_weights()[:2], np.zeros((36, 4), np.float32), np.float32([0, 0, 90, 0])])
    images, _, drawn = batches(2)
    labels = np.array([[2, 2, 2, 1, 2, 2, 2, 2], [1, 2, 1, 1, 1, 1, 1, 1]]).ravel()
    still = Learner(net, keras.optimizers.legacy.SGD(0.0))
    assert still.steps((images, labels, drawn), 2)[1] == pytest.approx(7 / 8 + 1 / 8)


def test_a_loss_that_is_no_number_stays_none():
    net = network()
    net.set_weights([array * np.nan for array in net.get_weights()])
    assert math.isnan(Learner(net).steps(batches(2), 2)[0])


def test_weights_that_nothing_depends_on_stay_as_they_are():
    learner = Learner(network(L.Lambda(tf.stop_gradient)))
    before = learner.trainee.get_weights()
    learner.steps(batches(2), 2)
    after = learner.trainee.get_weights()
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[2] - before[2]).max() > 1e-4


@pytest.mark.parametrize("size", [1, 5, 8])
def test_a_batch_may_be_of_any_size(size):
    theirs, ours = compiled(network(), keras.optimizers.SGD(0.1)), Learner(network(), keras.optimizers.SGD(0.1))
    images, labels, drawn = batches(1, size)
    np.testing.assert_allclose(
        ours.steps((images, labels, drawn), 1)[0], theirs.train_on_batch(to_unit(images), labels)[0], rtol=1e-5
    )


def test_label_smoothing_is_that_of_keras_and_is_not_in_the_loss_that_is_told():
    smoothed, plain, keras_own = network(), network(), network()
    learner, control = Learner(smoothed, label_smoothing=0.2), Learner(plain)
    images, labels, drawn = batches(1)
    loss, _ = learner.steps((images, labels, drawn), 1)
    assert loss == control.steps((images, labels, drawn), 1)[0]
    keras_own.compile(
        keras.optimizers.SGD(0.1, 0.9, nesterov=True), keras.losses.CategoricalCrossentropy(label_smoothing=0.2)
    )
    keras_own.train_on_batch(to_unit(images), np.eye(4, dtype=np.float32)[labels])
    for array, its, other in zip(
        learner.trainee.get_weights(), keras_own.get_weights(), control.trainee.get_weights(), strict=True
    ):
        np.testing.assert_allclose(array, its, atol=1e-6)
        assert np.abs(array - other).max() > 1e-4
