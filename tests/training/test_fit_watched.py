"""What a watch sees of a training, what it can do to it, and what a saver adds."""

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
