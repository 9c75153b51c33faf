from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.dataset import Dataset
from digitedge.errors import ContentError
from digitedge.training.device import choose
from digitedge.training.fit import fit
from digitedge.training.progress import FIGURES, Progress

EPOCHS, STEPS = 3, 4
HERE = choose("cpu")
L = keras.layers


@pytest.fixture
def digits(tiny_digits):
    return tiny_digits.train.take(slice(100)), tiny_digits.train.take(slice(100, 150))


def network(*middle, **last):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [L.Input((28, 28, 1)), L.Flatten(), *middle, L.Dense(10, activation="softmax", name="scores", **last)]
    )


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

    def steps(self, epoch):
        return [step for what, of, step, _ in (told for told in self.told if told[0] == "step") if of == epoch]


def config(**changes):
    return TrainConfig(**{"epochs": EPOCHS, "batch_size": 25, "augment": "none", **changes})


def interrupt():
    raise KeyboardInterrupt


def judged(net, dataset):
    """(loss, accuracy), as Keras sees them."""
    net.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return net.evaluate(dataset.images.astype(np.float32) / 255, dataset.labels, verbose=0)


def test_the_history_has_one_finite_entry_an_epoch_for_every_figure(digits):
    done = fit(network(), *digits, config(), Seen(), placement=HERE)
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
    done = fit(network(), *digits, still, Seen(), placement=HERE)
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
    done = fit(network(), *digits, config(**changes), Seen(), placement=HERE)
    assert done.history["learning_rate"][-1] == last


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_plateau_lowers_the_rate_down_to_its_floor(digits, optimizer):
    """Nothing is learnt that validation sees: its one image is of another class than all the others."""
    train = replace(digits[0], labels=np.zeros(100, np.int64))
    plateau = config(schedule="plateau", learning_rate=1e-3, epochs=9, batch_size=100, optimizer=optimizer)
    done = fit(network(), train, replace(digits[1], labels=np.ones(50, np.int64)), plateau, Seen(), placement=HERE)
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
        done = fit(net, *digits, replace(slow, learning_rate=rate), Seen(), placement=HERE)
        assert done.history["learning_rate"] == pytest.approx([rate])
        return net.get_weights()[0] - before

    np.testing.assert_allclose(moved(1e-2), 10 * moved(1e-3), atol=1e-5)
    assert np.abs(moved(1e-2)).max() > 1e-4


def test_patience_ends_early_and_gives_back_the_best_weights(digits):
    built = network()
    impatient = config(epochs=30, patience=2, learning_rate=0.2, average_decay=0.0)
    done = fit(built, *digits, impatient, Seen(), placement=HERE)
    accuracies, losses = done.history["val_accuracy"], done.history["val_loss"]
    assert done.stopped.startswith("no better validation accuracy for 2 epochs")
    assert (done.epochs, done.kept) == (len(accuracies), accuracies.index(max(accuracies)))
    assert done.kept == done.epochs - 3
    np.testing.assert_allclose(judged(built, digits[1]), (losses[done.kept], accuracies[done.kept]), rtol=1e-5)
    assert losses[done.kept] != pytest.approx(losses[-1], rel=1e-3)


def test_patience_that_runs_out_after_the_last_epoch_ended_nothing(digits):
    train, validation = digits
    right_at_once = replace(validation, labels=network().predict(validation.images / 255, verbose=0).argmax(axis=1))
    done = fit(network(), train, right_at_once, config(patience=2), Seen(), placement=HERE)
    assert (done.epochs, done.stopped) == (EPOCHS, None)
    assert done.kept == done.history["val_accuracy"].index(max(done.history["val_accuracy"]))


def test_a_time_limit_ends_after_the_first_epoch_at_the_earliest(digits):
    done = fit(network(), *digits, config(epochs=30, time_limit_minutes=1e-6), Seen(), placement=HERE)
    assert done.epochs == 1
    assert "limit" in done.stopped


def test_whoever_looks_on_is_told_of_every_epoch_and_of_its_steps_so_far(digits):
    seen = Seen()
    done = fit(network(), *digits, config(), seen, placement=HERE)
    assert seen.told[0] == ("begin", EPOCHS, STEPS, 25)
    assert seen.told[-1] == ("finish",)
    assert [told for told in seen.told if told == ("finish",)] == [("finish",)]
    for epoch in range(1, EPOCHS + 1):
        steps = seen.steps(epoch)
        assert steps == sorted(set(steps))
        assert 1 <= steps[0] <= steps[-1] == STEPS
    ends = [told for told in seen.told if told[0] == "end_epoch"]
    assert [number for _, number, _ in ends] == [1, 2, 3]
    for _, number, figures in ends:
        assert set(figures) == set(FIGURES)
        assert figures == {name: values[number - 1] for name, values in done.history.items()}
        last = [told[3] for told in seen.told if told[:3] == ("step", number, STEPS)]
        assert last == [figures["loss"]], "the mean over the whole epoch"


def test_many_small_steps_are_told_many_at_a_time_and_the_last_one_always():
    dull = Dataset(np.zeros((1200, 2, 2, 1), np.uint8), np.zeros(1200, np.int64), ("a", "b"), "dull")
    net = keras.Sequential([L.Input((2, 2, 1)), L.Flatten(), L.Dense(2, activation="softmax")])
    seen = Seen()
    fit(net, dull, dull.take(slice(10)), config(batch_size=1), seen, placement=HERE)
    for epoch in (2, 3):
        assert len(seen.steps(epoch)) < 600
        assert seen.steps(epoch)[-1] == 1200


def test_the_figures_of_validation_are_those_of_the_averaged_network(digits):
    net = network()
    done = fit(net, *digits, config(average_decay=0.9), Seen(), placement=HERE)
    expected = done.history["val_loss"][-1], done.history["val_accuracy"][-1]
    np.testing.assert_allclose(judged(net, digits[1]), expected, rtol=1e-5)
    other = network()
    fit(other, *digits, config(average_decay=0.0), Seen(), placement=HERE)
    assert np.abs(net.get_weights()[0] - other.get_weights()[0]).max() > 1e-4, "the average is another network"


def trained(digits, seed=0, **changes):
    net = network(L.Dropout(0.3), L.Dense(8), L.BatchNormalization())
    keras.utils.set_random_seed(seed)
    done = fit(net, *digits, config(seed=seed, augment="digits", **changes), Seen(), placement=HERE)
    return net.get_weights(), done


def test_the_same_seed_gives_the_same_network(digits):
    first, again, other = (trained(digits, seed)[0] for seed in (1, 1, 2))
    for array, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(array, same)
    assert np.abs(first[0] - other[0]).max() > 1e-4


def test_the_network_stays_as_it_was_built(digits):
    net = network(L.Dropout(0.3), L.BatchNormalization())
    before = net.get_config()
    fit(net, *digits, config(precision="bfloat16"), Seen(), placement=HERE)
    assert net.get_config() == before
    assert net.optimizer is None


def test_a_constraint_of_the_weights_is_kept(digits):
    net = network(kernel_constraint="non_neg")
    fit(net, *digits, config(average_decay=0.0), Seen(), placement=HERE)
    assert net.get_layer("scores").kernel.numpy().min() == 0.0


def test_an_interruption_in_the_second_epoch_leaves_the_network_of_the_first(digits):
    net, seen = network(), Seen(("step", 2), interrupt)
    done = fit(net, *digits, config(), seen, placement=HERE)
    assert (done.interrupted, done.stopped, done.epochs, done.kept) == (True, None, 1, 0)
    assert {len(values) for values in done.history.values()} == {1}
    assert seen.told[-1] == ("finish",)
    expected = done.history["val_loss"][0], done.history["val_accuracy"][0]
    np.testing.assert_allclose(judged(net, digits[1]), expected, rtol=1e-5)
    assert judged(network(), digits[1])[0] != pytest.approx(expected[0], rel=1e-3)


def test_an_interruption_with_patience_leaves_the_best_network(digits):
    net = network()
    impatient = config(epochs=30, patience=9, learning_rate=0.2, average_decay=0.0)
    done = fit(net, *digits, impatient, Seen(("step", 9), interrupt), placement=HERE)
    assert done.interrupted
    accuracies = done.history["val_accuracy"]
    assert done.kept == accuracies.index(max(accuracies)) < 7
    np.testing.assert_allclose(
        judged(net, digits[1]), (done.history["val_loss"][done.kept], max(accuracies)), rtol=1e-5
    )


@pytest.mark.parametrize("at", [("begin",), ("step", 1)])
def test_an_interruption_before_the_first_epoch_is_done_leaves_no_history(digits, at):
    done = fit(network(), *digits, config(), Seen(at, interrupt), placement=HERE)
    assert (done.interrupted, done.epochs) == (True, 0)


def test_an_interruption_between_two_epochs_keeps_both_figures_and_weights(digits):
    net = network()
    done = fit(net, *digits, config(), Seen(("end_epoch", 2), interrupt), placement=HERE)
    assert (done.interrupted, done.epochs, done.kept) == (True, 2, 1)
    expected = done.history["val_loss"][1], done.history["val_accuracy"][1]
    np.testing.assert_allclose(judged(net, digits[1]), expected, rtol=1e-5)


@keras.saving.register_keras_serializable("digitedge tests")
class Explodes(keras.constraints.Constraint):
    """Leaves weights that are no numbers after the first step."""

    def __call__(self, w):
        return w * np.nan


def test_a_loss_that_is_not_a_number_stops_at_once_and_without_a_word(digits, capfd):
    seen = Seen()
    with pytest.raises(
        ContentError, match=r"the loss is no longer a finite number\. Choose a smaller --learning-rate\."
    ):
        fit(network(kernel_constraint=Explodes()), *digits, config(), seen, placement=HERE)
    assert seen.told[-1] == ("finish",)
    assert capfd.readouterr().out == ""
    assert seen.steps(1) == [1]


def test_weights_that_are_not_numbers_after_the_last_step_are_an_error(digits):
    """Only validation can see that."""
    seen = Seen()
    with pytest.raises(ContentError, match="the loss is no longer a finite number"):
        fit(network(kernel_constraint=Explodes()), *digits, config(batch_size=100), seen, placement=HERE)
    assert seen.steps(1) == [1]
    assert not [told for told in seen.told if told[0] == "end_epoch"]


def test_a_watch_that_fails_is_not_hidden_and_is_told_that_it_is_over(digits):
    def fail():
        raise RuntimeError("the terminal is gone")

    seen = Seen(("step", 1, 1), fail)
    with pytest.raises(RuntimeError, match="the terminal is gone"):
        fit(network(), *digits, config(), seen, placement=HERE)
    assert seen.told[-1] == ("finish",)


def test_images_without_labels_cannot_teach(digits):
    with pytest.raises(ContentError, match="mnist has no labels"):
        fit(network(), replace(digits[0], labels=None), digits[1], config(), Seen(), placement=HERE)


class Memory:
    """Saves in memory what a Saver saves on a disk, and gives it to the next session."""

    def __init__(self):
        self.arrays, self.progress = None, Progress()

    def resume(self, learning):
        for variable, array in zip(
            (*learning.state, *learning.kept), self.arrays or (), strict=self.arrays is not None
        ):
            variable.assign(array)
        return Progress({name: [*values] for name, values in self.progress.history.items()}, self.progress.seconds)

    def save(self, learning, progress):
        self.arrays = [variable.numpy() for variable in (*learning.state, *learning.kept)]
        self.progress = Progress({name: [*values] for name, values in progress.history.items()}, progress.seconds)


def test_a_training_that_goes_on_adds_to_what_was_done(digits):
    impatient = config(epochs=8, patience=3, learning_rate=0.2, schedule="plateau", average_decay=0.0)
    net, other, memory = network(), network(), Memory()
    whole = fit(net, *digits, impatient, Seen(), placement=HERE)
    first = fit(network(), *digits, impatient, Seen(("step", 3), interrupt), placement=HERE, saver=memory)
    second = fit(other, *digits, impatient, Seen(), placement=HERE, saver=memory)
    assert (first.epochs, first.interrupted, second.resumed) == (2, True, 2)
    assert (second.epochs, second.kept, second.stopped) == (whole.epochs, whole.kept, whole.stopped)
    for name in FIGURES[:-1]:
        assert second.history[name] == whole.history[name]
    assert second.history["seconds"][:2] == first.history["seconds"]
    assert second.seconds >= first.seconds + sum(second.history["seconds"][2:])
    for array, its in zip(other.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(array, its)


def test_a_time_limit_is_of_the_session_and_not_of_those_before(digits):
    memory, limited = Memory(), config(time_limit_minutes=1e-6)
    for epochs in (1, 2, 3):
        done = fit(network(), *digits, limited, Seen(), placement=HERE, saver=memory)
        assert done.epochs == epochs


def test_a_training_that_had_ended_is_not_begun_again(digits):
    memory, seen, net = Memory(), Seen(), network()
    fit(net, *digits, config(), Seen(), placement=HERE, saver=memory)
    again = network()
    done = fit(again, *digits, config(), seen, placement=HERE, saver=memory)
    assert (done.epochs, done.resumed, seen.told[1:]) == (EPOCHS, EPOCHS, [("finish",)])
    for array, its in zip(again.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(array, its)
