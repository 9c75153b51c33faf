import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.errors import ContentError
from digitedge.training.fit import FIGURES, fit
from digitedge.training.schedule import PLATEAU

EPOCHS, STEPS = 3, 4


@pytest.fixture
def digits(tiny_digits):
    return tiny_digits.train.take(slice(100)), tiny_digits.train.take(slice(100, 150))


def network():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")])


class Seen:
    """A watch that writes down what it is told, and does something at one place."""

    def __init__(self, at=None, do=None):
        self.told, self.at, self.do = [], at, do

    def _tell(self, *what):
        self.told.append(what)
        if what[: len(self.at or ())] == self.at:
            self.do()

    def begin(self, epochs, steps, batch_size):
        self._tell("begin", epochs, steps, batch_size)

    def step(self, epoch, step, loss):
        self._tell("step", epoch, step, loss)

    def end_epoch(self, epoch, figures):
        self._tell("end_epoch", epoch, figures)

    def finish(self):
        self._tell("finish")


def config(**changes):
    return TrainConfig(**{"epochs": EPOCHS, "batch_size": 25, "augment": "none", **changes})


def interrupt():
    raise KeyboardInterrupt


def test_the_history_has_one_finite_entry_an_epoch_for_every_figure(digits):
    done = fit(network(), *digits, config(), Seen())
    assert set(done.history) == set(FIGURES)
    assert {len(values) for values in done.history.values()} == {EPOCHS} == {done.epochs}
    assert np.isfinite(list(done.history.values())).all()
    assert done.history["loss"][0] > done.history["loss"][-1]
    assert done.history["learning_rate"][-1] < 0.05 * config().learning_rate
    assert 0 < sum(done.history["seconds"]) <= done.seconds
    assert (done.interrupted, done.stopped, done.kept) == (False, None, EPOCHS - 1)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"schedule": "one-cycle"}, pytest.approx(0, abs=2e-4)),
        ({"schedule": "plateau", "learning_rate": 1e-3}, pytest.approx(1e-3)),
    ],
)
def test_every_schedule_ends_where_it_says(digits, changes, last):
    done = fit(network(), *digits, config(**changes), Seen())
    assert done.history["learning_rate"][-1] == last


def test_a_plateau_lowers_the_rate_down_to_its_floor(digits, monkeypatch):
    monkeypatch.setitem(PLATEAU, "patience", 1)
    monkeypatch.setitem(PLATEAU, "min_delta", 2.0)  # no accuracy is ever better than the first by as much
    done = fit(network(), *digits, config(schedule="plateau", learning_rate=1e-3, epochs=5), Seen())
    assert done.history["learning_rate"] == pytest.approx([1e-3, 1e-3, 3e-4, 1e-4, 1e-4])


def test_patience_ends_early_and_gives_back_the_best_weights(digits):
    built = network()
    done = fit(built, *digits, config(epochs=30, patience=2, learning_rate=0.2, average_decay=0.0), Seen())
    accuracies = done.history["val_accuracy"]
    assert done.stopped.startswith("no better validation accuracy for 2 epochs")
    assert (done.epochs, done.kept) == (len(accuracies), accuracies.index(max(accuracies)))
    assert done.kept == done.epochs - 3
    validation = digits[1]
    scores = built(validation.images.astype(np.float32) / 255, training=False).numpy()
    assert (scores.argmax(axis=1) == validation.labels).mean() == pytest.approx(max(accuracies))


def test_a_time_limit_ends_after_the_first_epoch_at_the_earliest(digits):
    done = fit(network(), *digits, config(epochs=30, time_limit_minutes=1e-6), Seen())
    assert done.epochs == 1
    assert "limit" in done.stopped


def test_whoever_looks_on_is_told_of_every_step_and_epoch(digits):
    seen = Seen()
    done = fit(network(), *digits, config(), seen)
    assert seen.told[0] == ("begin", EPOCHS, STEPS, 25)
    assert seen.told[-1] == ("finish",)
    steps = [told[1:3] for told in seen.told if told[0] == "step"]
    assert steps == [(epoch, step) for epoch in range(1, EPOCHS + 1) for step in range(1, STEPS + 1)]
    ends = [told for told in seen.told if told[0] == "end_epoch"]
    assert [number for _, number, _ in ends] == [1, 2, 3]
    for _, number, figures in ends:
        assert set(figures) == set(FIGURES)
        assert figures["val_accuracy"] == done.history["val_accuracy"][number - 1]


def test_the_figures_of_validation_are_those_of_the_averaged_network(digits):
    net = network()
    done = fit(net, *digits, config(average_decay=0.9), Seen())
    found = net.evaluate(digits[1].images.astype(np.float32) / 255, digits[1].labels, verbose=0)
    np.testing.assert_allclose(found, (done.history["val_loss"][-1], done.history["val_accuracy"][-1]), rtol=1e-5)


def test_the_same_seed_gives_the_same_network(digits):
    def weights(seed):
        net = network()
        keras.utils.set_random_seed(seed)
        fit(net, *digits, config(seed=seed), Seen())
        return net.get_weights()[0]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert np.abs(weights(1) - weights(2)).max() > 1e-4


def test_an_interruption_in_the_second_epoch_keeps_the_first(digits):
    net, seen = network(), Seen(("step", 2, 2), interrupt)
    before = net.get_weights()[0]
    done = fit(net, *digits, config(), seen)
    assert done.interrupted
    assert done.epochs == 1
    assert {len(values) for values in done.history.values()} == {1}
    assert seen.told[-1] == ("finish",)
    assert np.abs(net.get_weights()[0] - before).max() > 1e-3


def test_an_interruption_before_the_first_epoch_is_done_leaves_no_history(digits):
    done = fit(network(), *digits, config(), Seen(("step", 1, 2), interrupt))
    assert (done.interrupted, done.epochs) == (True, 0)


def test_an_interruption_before_the_first_step_is_survived(digits):
    done = fit(network(), *digits, config(), Seen(("begin",), interrupt))
    assert (done.interrupted, done.epochs) == (True, 0)


def spoil(net):
    return lambda: net.set_weights([np.full_like(array, np.nan) for array in net.get_weights()])


def test_a_loss_that_is_not_a_number_stops_at_once_and_without_a_word(digits, capfd):
    net = network()
    seen = Seen(("step", 1, 2), spoil(net))
    with pytest.raises(
        ContentError, match=r"the loss is no longer a finite number\. Choose a smaller --learning-rate\."
    ):
        fit(net, *digits, config(average_decay=0.0), seen)
    assert seen.told[-1] == ("finish",)
    assert capfd.readouterr().out == ""
    assert [told[1:3] for told in seen.told if told[0] == "step"] == [(1, 1), (1, 2), (1, 3)]


class ExplodesAtTheEnd(keras.Sequential):
    """The last step leaves weights that are not numbers: only validation can see that."""

    def train_step(self, data):
        logs = super().train_step(data)
        for weight in self.trainable_weights:
            weight.assign(tf.where(self.optimizer.iterations == EPOCHS * STEPS, np.nan, weight))
        return logs


def test_weights_that_are_not_numbers_after_the_last_step_are_an_error(digits):
    net = ExplodesAtTheEnd(network().layers)
    with pytest.raises(ContentError, match="the loss is no longer a finite number"):
        fit(net, *digits, config(average_decay=0.0), Seen())


def test_a_watch_that_fails_is_not_hidden_and_is_told_that_it_is_over(digits):
    def fail():
        raise RuntimeError("the terminal is gone")

    seen = Seen(("step", 1, 1), fail)
    with pytest.raises(RuntimeError, match="the terminal is gone"):
        fit(network(), *digits, config(), seen)
    assert seen.told[-1] == ("finish",)
