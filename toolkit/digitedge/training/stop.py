"""When training ends before its last epoch: nothing is gained any more, or the time is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import tf_keras as keras

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.training.average import WeightAverage


class Patience(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Ends training after so many epochs without better validation accuracy, and goes back to the best weights."""

    def __init__(self, epochs: int, average: WeightAverage) -> None:
        super().__init__()
        self._epochs, self._average = epochs, average
        self._best, self._since = -1.0, 0
        self.reason: str | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:  # noqa: ARG002 (Keras's signature)
        """Keeps the averaged weights, which were validated, if they are the best so far."""
        if logs["val_accuracy"] > self._best:
            self._best, self._since = logs["val_accuracy"], 0
            self._average.keep()
            return
        self._since += 1
        if self._since >= self._epochs:
            self.reason = f"no better validation accuracy for {self._since} epochs: these are the weights before that"
            self.model.stop_training = True


class TimeLimit(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Ends training before an epoch that would end too late, by the longest so far. The first is always finished."""

    def __init__(self, minutes: float, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._now = minutes * 60, now
        self.reason: str | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 (Keras's signature)
        """The clock starts."""
        self._start, self._longest = self._now(), 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """An epoch starts."""
        self._begun = self._now()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Looks whether another one fits."""
        now = self._now()
        self._longest = max(self._longest, now - self._begun)
        if now + self._longest > self._start + self._seconds:
            self.reason = f"another epoch would end after the limit of {self._seconds / 60:g} minutes"
            self.model.stop_training = True
