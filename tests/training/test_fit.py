from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.errors import ContentError
from digitedge.report.progress import Silent
from digitedge.training.device import choose
from digitedge.training.fit import fit
from digitedge.training.progress import FIGURES

EPOCHS = 3
HERE = choose("cpu")
L = keras.layers


def network(*middle, **last):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [L.Input((28, 28, 1)), L.Flatten(), *middle, L.Dense(10, activation="softmax", name="scores", **last)]
    )


def config(**changes):
    return TrainConfig(**{"epochs": EPOCHS, "batch_size": 25, "augment": "none", **changes})


def judged(net, dataset):
    """(loss, accuracy), as Keras sees them."""
    net.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return net.evaluate(dataset.images.astype(np.float32) / 255, dataset.labels, verbose=0)


def test_the_history_has_one_finite_entry_an_epoch_for_every_figure(digits):
    done = fit(network(), *digits, config(), Silent(), placement=HERE)
    assert tuple(done.history) == FIGURES
    assert {len(values) for values in done.history.values()} == {EPOCHS} == {done.epochs}
    assert np.isfinite(list(done.history.values())).all()
    assert done.history["loss"][0] > done.history["loss"][-1]
    assert done.history["accuracy"][0] < done.history["accuracy"][-1] <= 1.0
    assert done.history["learning_rate"][-1] < 0.05 * config().learning_rate
    assert 0 < sum(done.history["seconds"]) <= done.seconds
    assert (done.interrupted, done.stopped, done.kept, done.resumed) == (False, None, EPOCHS - 1, 0)


def test_loss_and_accuracy_are_the_means_over_all_images(digits):
    still = config(epochs=1, learning_rate=1e-9, schedule="plateau")
    done = fit(network(), *digits, still, Silent(), placement=HERE)
    figures = done.history["loss"][0], done.history["accuracy"][0]
    np.testing.assert_allclose(figures, judged(network(), digits[0]), rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"schedule": "one-cycle"}, pytest.approx(0, abs=2e-4)),
        ({"schedule": "plateau", "learning_rate": 1e-3}, pytest.approx(1e-3)),
    ],
)
def test_every_schedule_ends_where_it_says(digits, changes, last):
    done = fit(network(), *digits, config(**changes), Silent(), placement=HERE)
    assert done.history["learning_rate"][-1] == last


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_plateau_lowers_the_rate_down_to_its_floor(digits, optimizer):
    """Nothing is learnt that validation sees: its one image is of another class than all the others."""
    train = replace(digits[0], labels=np.zeros(100, np.int64))
    plateau = config(schedule="plateau", learning_rate=1e-3, epochs=9, batch_size=100, optimizer=optimizer)
    done = fit(network(), train, replace(digits[1], labels=np.ones(50, np.int64)), plateau, Silent(), placement=HERE)
    accuracies = done.history["val_accuracy"]
    best = accuracies.index(max(accuracies))
    assert best <= 1, "the network soon says the class that it learns"
    expected = [1e-3] * (best + 4) + [3e-4] * 3 + [1e-4] * 3
    assert done.history["learning_rate"] == pytest.approx(expected[:9])


def test_the_rate_that_is_told_is_the_one_that_moves_the_weights(digits):
    """Of two trainings, one at a thousandth of the rate: its weights move a thousandth as far."""

    def moved(rate):
        net = network()
        before = net.get_weights()[0]
        slow = config(epochs=1, batch_size=100, schedule="plateau", optimizer="sgd", average_decay=0.0)
        done = fit(net, *digits, replace(slow, learning_rate=rate), Silent(), placement=HERE)
        assert done.history["learning_rate"] == pytest.approx([rate])
        return net.get_weights()[0] - before

    np.testing.assert_allclose(moved(1e-2), 10 * moved(1e-3), atol=1e-5)
    assert np.abs(moved(1e-2)).max() > 1e-4


def test_patience_ends_early_and_gives_back_the_best_weights(digits):
    built = network()
    impatient = config(epochs=30, patience=2, learning_rate=0.2, average_decay=0.0)
    done = fit(built, *digits, impatient, Silent(), placement=HERE)
    accuracies, losses = done.history["val_accuracy"], done.history["val_loss"]
    assert done.stopped.startswith("no better validation accuracy for 2 epochs")
    assert (done.epochs, done.kept) == (len(accuracies), accuracies.index(max(accuracies)))
    assert done.kept == done.epochs - 3
    np.testing.assert_allclose(judged(built, digits[1]), (losses[done.kept], accuracies[done.kept]), rtol=1e-5)
    assert losses[done.kept] != pytest.approx(losses[-1], rel=1e-3)


def test_patience_that_runs_out_after_the_last_epoch_ended_nothing(digits):
    train, validation = digits
    right_at_once = replace(validation, labels=network().predict(validation.images / 255, verbose=0).argmax(axis=1))
    done = fit(network(), train, right_at_once, config(patience=2), Silent(), placement=HERE)
    assert (done.epochs, done.stopped) == (EPOCHS, None)
    assert done.kept == done.history["val_accuracy"].index(max(done.history["val_accuracy"]))


def test_a_time_limit_ends_after_the_first_epoch_at_the_earliest(digits):
    done = fit(network(), *digits, config(epochs=30, time_limit_minutes=1e-6), Silent(), placement=HERE)
    assert done.epochs == 1
    assert "limit" in done.stopped


def test_the_figures_of_validation_are_those_of_the_averaged_network(digits):
    net = network()
    done = fit(net, *digits, config(average_decay=0.9), Silent(), placement=HERE)
    expected = done.history["val_loss"][-1], done.history["val_accuracy"][-1]
    np.testing.assert_allclose(judged(net, digits[1]), expected, rtol=1e-5)
    other = network()
    fit(other, *digits, config(average_decay=0.0), Silent(), placement=HERE)
    assert np.abs(net.get_weights()[0] - other.get_weights()[0]).max() > 1e-4, "the average is another network"


def trained(digits, seed=0, **changes):
    net = network(L.Dropout(0.3), L.Dense(8), L.BatchNormalization())
    keras.utils.set_random_seed(seed)
    done = fit(net, *digits, config(seed=seed, augment="digits", **changes), Silent(), placement=HERE)
    return net.get_weights(), done


def test_the_same_seed_gives_the_same_network(digits):
    first, again, other = (trained(digits, seed)[0] for seed in (1, 1, 2))
    for array, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(array, same)
    assert np.abs(first[0] - other[0]).max() > 1e-4


def test_the_network_stays_as_it_was_built(digits):
    net = network(L.Dropout(0.3), L.BatchNormalization())
    before = net.get_config()
    fit(net, *digits, config(precision="bfloat16"), Silent(), placement=HERE)
    assert net.get_config() == before
    assert net.optimizer is None


def test_a_constraint_of_the_weights_is_kept(digits):
    net = network(kernel_constraint="non_neg")
    fit(net, *digits, config(average_decay=0.0), Silent(), placement=HERE)
    assert net.get_layer("scores").kernel.numpy().min() == 0.0


def test_images_without_labels_cannot_teach(digits):
    with pytest.raises(ContentError, match="mnist has no labels"):
        fit(network(), replace(digits[0], labels=None), digits[1], config(), Silent(), placement=HERE)
