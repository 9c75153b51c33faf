import errno
import os
from dataclasses import dataclass, replace
from shutil import copytree

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from digitedge.checkpoints import newest
from digitedge.config import TrainConfig
from digitedge.errors import ContentError, UsageError
from digitedge.report.progress import Silent
from digitedge.training.device import choose
from digitedge.training.fit import fit
from digitedge.training.progress import FIGURES
from digitedge.training.resume import STATE, Saver

EPOCHS = 4
HERE = choose("cpu")
L = keras.layers


@pytest.fixture(scope="module")
def digits(tiny_digits):
    return tiny_digits.train.take(slice(100)), tiny_digits.train.take(slice(100, 150))


def network(units=8):
    keras.utils.set_random_seed(0)
    hidden = [L.Flatten(), L.Dropout(0.3), L.Dense(units, name="hidden"), L.BatchNormalization(name="norm")]
    return keras.Sequential([L.Input((28, 28, 1)), *hidden, L.Dense(10, activation="softmax", name="scores")])


class InterruptedIn(Silent):
    """Ctrl-C after the first steps of an epoch, from 1 on."""

    def __init__(self, epoch):
        self.epoch = epoch

    def step(self, epoch, step, loss):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole(digits):
    """A training that was never interrupted."""
    return session(digits)


@pytest.fixture(scope="module")
def interrupted(digits, tmp_path_factory):
    """The folder of one that was, in its third epoch."""
    folder = tmp_path_factory.mktemp("interrupted")
    session(digits, saver(folder), InterruptedIn(3))
    return folder


@dataclass(frozen=True)
class Forgetful(Saver):
    """Leaves one variable as a new process has it."""

    forgets: str = ""

    def resume(self, learning):
        variables = [variable for name, variable in named(learning).items() if name.endswith(self.forgets)]
        ((variable, before),) = [(variable, variable.numpy()) for variable in variables]
        progress = super().resume(learning)
        assert not np.array_equal(variable.numpy(), before), "it must have been restored"
        variable.assign(before)
        return progress


def named(learning):
    """The variables of the state by names for people."""
    of_trainee = len(learning.network.weights)
    trainee = {f"learns: {one.name}": one for one in learning.state[:of_trainee]}
    average = {f"average: {one.name}": one for one in learning.state[of_trainee : 2 * of_trainee]}
    others = {one.name: one for one in learning.state[2 * of_trainee :]}
    kept = {f"kept: {weight.name}": one for weight, one in zip(learning.network.weights, learning.kept, strict=True)}
    return trainee | average | others | kept


def saver(folder, *, resumes=False, settings=None, said=None, **others):
    say = (lambda sentence: None) if said is None else said.append
    return Saver(folder / "checkpoint", settings or {"epochs": EPOCHS}, resumes, say, **others)


def session(digits, saver=None, watch=None, net=None, **changes):
    """One process's part of a training: the network, and how the fitting went."""
    net = net or network()
    config = TrainConfig(**{"epochs": EPOCHS, "batch_size": 25, "augment": "digits", "average_decay": 0.9, **changes})
    return net, fit(net, *digits, config, watch or Silent(), placement=HERE, saver=saver)


def assert_same(found, expected):
    """The same weights to the bit, the same figures."""
    for array, its in zip(found[0].get_weights(), expected[0].get_weights(), strict=True):
        np.testing.assert_array_equal(array, its)
    for name in FIGURES[:-1]:
        assert found[1].history[name] == expected[1].history[name]
    assert found[1].kept == expected[1].kept
    assert found[1].stopped == expected[1].stopped


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam", "schedule": "plateau"},
        {"optimizer": "adamw", "schedule": "cosine"},
        {"optimizer": "rmsprop", "schedule": "cosine"},
        {"optimizer": "sgd", "schedule": "plateau", "learning_rate": 0.05},
        {"optimizer": "adam", "schedule": "one-cycle", "precision": "float16", "average_decay": 0.0},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_resumed_in_the_second_epoch_it_is_the_training_that_was_never_interrupted(digits, tmp_path, changes):
    whole = session(digits, **changes)
    _, first = session(digits, saver(tmp_path), InterruptedIn(2), **changes)
    assert (first.interrupted, first.epochs, first.resumed) == (True, 1, 0)
    found = session(digits, saver(tmp_path, resumes=True), **changes)
    assert_same(found, whole)
    assert (found[1].epochs, found[1].resumed, found[1].interrupted) == (EPOCHS, 1, False)
    assert found[1].seconds >= first.seconds


def test_the_plateau_of_an_earlier_session_lowers_the_rate_of_the_later_one(digits, tmp_path):
    """Nothing is learnt that validation sees: its one class is not among those of the training."""
    zeros, ones = np.zeros(100, np.int64), np.ones(50, np.int64)
    hopeless = replace(digits[0], labels=zeros), replace(digits[1], labels=ones)
    plateau = {"schedule": "plateau", "learning_rate": 1e-3, "epochs": 9}
    whole = session(hopeless, **plateau)
    rates = whole[1].history["learning_rate"]
    lowered = next(epoch for epoch in range(1, 10) if rates[epoch] < rates[0])
    _, first = session(hopeless, saver(tmp_path), InterruptedIn(lowered), **plateau)
    assert set(first.history["learning_rate"]) == {rates[0]}
    assert_same(session(hopeless, saver(tmp_path, resumes=True), **plateau), whole)


def test_the_best_weights_of_an_earlier_session_survive(digits, tmp_path):
    """With so high a rate the first epochs are the best, and patience ends the training in the later session."""
    impatient = {"epochs": 30, "patience": 5, "learning_rate": 0.2, "average_decay": 0.0, "schedule": "plateau"}
    whole = session(digits, **impatient)
    assert whole[1].kept + 1 < whole[1].epochs - 1, "the best epoch must lie before the interruption"
    _, first = session(digits, saver(tmp_path), InterruptedIn(whole[1].epochs), **impatient)
    assert first.interrupted
    found = session(digits, saver(tmp_path, resumes=True), **impatient)
    assert_same(found, whole)
    assert found[1].stopped.startswith("no better validation accuracy for 5 epochs")


@pytest.mark.parametrize(
    "forgotten",
    [
        "/StateVar:0",
        "Adam/iter:0",
        "Adam/hidden/kernel/m:0",
        "learns: norm/moving_mean:0",
        "average: scores/bias:0",
    ],
)
def test_every_variable_counts(digits, whole, interrupted, tmp_path, forgotten):
    """The negative control of the tests above: with one variable that is not restored, other weights come out."""
    copytree(interrupted, tmp_path, dirs_exist_ok=True)
    forgetful = Forgetful(**vars(saver(tmp_path, resumes=True)), forgets=forgotten)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_same(session(digits, forgetful), whole)


def test_the_weights_that_were_kept_count(digits, tmp_path):
    """They are all that is left where patience has ended the training, and the process was killed after that."""
    impatient = {"epochs": 30, "patience": 3, "learning_rate": 0.2, "average_decay": 0.0, "schedule": "plateau"}
    whole = session(digits, saver(tmp_path), **impatient)
    assert_same(session(digits, saver(tmp_path, resumes=True), **impatient), whole)
    forgetful = Forgetful(**vars(saver(tmp_path, resumes=True)), forgets="kept: hidden/kernel:0")
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_same(session(digits, forgetful, **impatient), whole)


class Noise(L.Layer):
    """A layer with random numbers of its own, whose state has the name that all of them have."""

    def __init__(self, **others):
        super().__init__(**others)
        self.random = tf.random.Generator.from_seed(3)

    def call(self, inputs, training=False):
        return inputs + self.random.normal(tf.shape(inputs), stddev=0.1) if training else inputs


def with_two(first, second):
    """A network with these layers at two places."""
    keras.utils.set_random_seed(0)
    layers = [L.Flatten(), first, L.Dense(8, name="hidden"), second, L.Dense(10, activation="softmax", name="scores")]
    return keras.Sequential([L.Input((28, 28, 1)), *layers])


def branches():
    keras.utils.set_random_seed(0)
    image = L.Input((28, 28, 1))
    halves = [keras.Sequential([L.Flatten(), L.Dense(4, name="own")], name=name) for name in ("left", "right")]
    return keras.Model(image, L.Dense(10, activation="softmax")(L.Concatenate()([half(image) for half in halves])))


@pytest.mark.parametrize(
    ("before", "after", "precision"),
    [
        # Keras numbers the layers of a process: what is `dropout_9` and `dropout_10` in one is lower in another.
        (
            lambda: with_two(L.Dropout(0.3, name="dropout"), L.Dropout(0.3, name="dropout_1")),
            lambda: with_two(L.Dropout(0.3, name="dropout_9"), L.Dropout(0.3, name="dropout_10")),
            "float32",
        ),
        (lambda: with_two(Noise(), Noise()), lambda: with_two(Noise(), Noise()), "float32"),
        # In 16 bits Keras wraps the variables.
        (branches, branches, "bfloat16"),
    ],
    ids=["numbered", "generators", "branches"],
)
def test_variables_of_like_names_are_told_apart(digits, tmp_path, before, after, precision):
    expected = session(digits, net=before(), precision=precision)
    session(digits, saver(tmp_path), InterruptedIn(2), net=before(), precision=precision)
    assert_same(session(digits, saver(tmp_path, resumes=True), net=after(), precision=precision), expected)


def test_no_checkpoint_is_said_and_training_starts_at_the_first_epoch(digits, whole, tmp_path):
    said = []
    assert_same(session(digits, saver(tmp_path, resumes=True, said=said)), whole)
    assert said == [f"there is no checkpoint in {tmp_path / 'checkpoint'}: training starts at the first epoch"]


def test_who_does_not_write_goes_on_and_leaves_the_folder_as_it_was(digits, interrupted):
    said, before = [], {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()}
    _, done = session(digits, saver(interrupted, resumes=True, said=said, writes=False))
    assert (done.resumed, done.epochs) == (2, EPOCHS)
    assert said == [f"going on after epoch 2, from {interrupted / 'checkpoint' / 'epoch-0002'}"]
    assert {path: path.read_bytes() for path in interrupted.rglob("*") if path.is_file()} == before


def test_the_record_is_the_progress_and_the_settings(whole, interrupted):
    found, passed_over = newest(interrupted / "checkpoint")
    assert (found.epoch, passed_over, found.record["settings"]) == (2, (), {"epochs": EPOCHS})
    for name in FIGURES[:-1]:
        assert found.record["history"][name] == whole[1].history[name][:2]
    assert 0 < sum(found.record["history"]["seconds"]) <= found.record["seconds"]


@pytest.mark.parametrize(("units", "precision"), [(9, "float32"), (8, "float16")])
def test_the_state_of_another_network_is_refused(digits, interrupted, units, precision):
    with pytest.raises(ContentError) as caught:
        session(digits, saver(interrupted, resumes=True), net=network(units), precision=precision)
    path = interrupted / "checkpoint" / "epoch-0002" / STATE
    assert str(caught.value) == (
        f"{path} holds other variables than this network. It was written by another version; --overwrite starts anew."
    )


def test_an_interruption_while_a_checkpoint_is_written_costs_that_checkpoint_alone(
    digits, whole, tmp_path, monkeypatch
):
    savez = np.savez

    def interrupted(path, *arrays):
        savez(path, *arrays)
        if ".epoch-0002." in str(path):
            raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    _, first = session(digits, saver(tmp_path))
    assert (first.interrupted, first.epochs) == (True, 2)
    assert newest(tmp_path / "checkpoint")[0].epoch == 1
    monkeypatch.undo()
    assert_same(session(digits, saver(tmp_path, resumes=True)), whole)


def test_a_disk_that_is_full_costs_no_earlier_checkpoint(digits, whole, tmp_path, monkeypatch):
    savez = np.savez

    def full(path, *arrays):
        savez(path, *arrays[: len(arrays) // 2])
        if ".epoch-0003." in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        savez(path, *arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UsageError) as caught:
        session(digits, saver(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'checkpoint' / 'epoch-0003'} cannot be written: No space left on device. "
        "Free some space, or choose a folder on another disk."
    )
    assert {path.name for path in (tmp_path / "checkpoint").iterdir()} == {"epoch-0001", "epoch-0002"}
    monkeypatch.undo()
    found = session(digits, saver(tmp_path, resumes=True))
    assert found[1].resumed == 2
    assert_same(found, whole)
