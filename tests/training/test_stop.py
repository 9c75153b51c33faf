from types import SimpleNamespace

import pytest

from digitedge.training.stop import Patience, TimeLimit


def model():
    return SimpleNamespace(stop_training=False)


class Kept:
    """Counts how often the weights were kept."""

    def __init__(self):
        self.times = 0

    def keep(self):
        self.times += 1


def after(accuracies, patience):
    """The callback, and the epochs it let pass."""
    kept = Kept()
    callback = Patience(patience, kept)
    callback.set_model(model())
    for epoch, accuracy in enumerate(accuracies):
        callback.on_epoch_end(epoch, {"val_accuracy": accuracy})
        if callback.model.stop_training:
            return callback, kept, epoch + 1
    return callback, kept, len(accuracies)


def test_patience_ends_after_so_many_epochs_without_a_better_one():
    callback, kept, epochs = after([0.5, 0.7, 0.7, 0.6, 0.9], patience=2)
    assert (epochs, kept.times) == (4, 2)
    assert callback.reason.startswith("no better validation accuracy for 2 epochs")


def test_patience_starts_anew_with_every_better_epoch():
    callback, kept, epochs = after([0.5, 0.4, 0.6, 0.5, 0.7], patience=2)
    assert (epochs, kept.times, callback.reason) == (5, 3, None)


@pytest.mark.parametrize(("minutes", "epochs"), [(0.1, 1), (1.9, 1), (2.0, 2), (2.9, 2), (3.0, 3)])
def test_no_epoch_is_begun_that_would_end_too_late(minutes, epochs):
    seconds = [0.0]
    callback = TimeLimit(minutes, now=lambda: seconds[0])
    callback.set_model(model())
    callback.on_train_begin()
    done = 0
    while not callback.model.stop_training:
        callback.on_epoch_begin(done)
        seconds[0] += 60
        callback.on_epoch_end(done)
        done += 1
    assert done == epochs
    assert f"the limit of {minutes:g} minutes" in callback.reason
