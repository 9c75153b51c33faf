"""One network, fitted to one data set."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tf_keras as keras

from digitedge.errors import ContentError
from digitedge.training.average import WeightAverage
from digitedge.training.optimizer import make_optimizer
from digitedge.training.pipeline import training_batches, validation_batches
from digitedge.training.schedule import learning_rate, plateau_callbacks
from digitedge.training.stop import Patience, TimeLimit

if TYPE_CHECKING:
    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.training.watch import Watch

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


@dataclass(frozen=True)
class Fit:
    """How the fitting went.

    Attributes:
        history: one list for each of FIGURES, one entry an epoch that was finished.
        seconds: wall time, validation included.
        interrupted: whether the user stopped it before the last epoch.
        stopped: why it ended before the last epoch by itself; None where it did not.
        kept: the epoch, from 0 on, whose averaged weights the network holds: the last, with `patience` the best.
    """

    history: dict[str, list[float]]
    seconds: float
    interrupted: bool
    stopped: str | None
    kept: int

    @property
    def epochs(self) -> int:
        """Epochs that were finished."""
        return len(self.history["loss"])


def fit(network: Any, train: Dataset, validation: Dataset, config: TrainConfig, watch: Watch) -> Fit:
    """Fits `network` in place; afterwards it holds the averaged weights.

    Ctrl-C ends it early and keeps what has been learnt.

    Raises:
        ContentError: the loss is no longer a finite number.
    """
    steps = -(-len(train) // config.batch_size)
    rate = learning_rate(config.schedule, config.learning_rate, steps * config.epochs)
    network.compile(
        optimizer=make_optimizer(config.optimizer, rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    average = WeightAverage(config.average_decay)
    report = _Report(watch, config.epochs, steps, config.batch_size)
    stops = _stops(config, average)
    started, interrupted = time.perf_counter(), False
    try:
        network.fit(
            training_batches(train, config),
            epochs=config.epochs,
            steps_per_epoch=steps,
            validation_data=validation_batches(validation),
            callbacks=[average, report, *plateau_callbacks(config.schedule), *stops],
            verbose=0,
        )
    except KeyboardInterrupt:
        interrupted = True
    finally:
        watch.finish()
    if report.diverged:
        raise ContentError("the loss is no longer a finite number.", "Choose a smaller --learning-rate.")
    average.settle()
    accuracies = report.history["val_accuracy"]
    kept = accuracies.index(max(accuracies)) if config.patience and accuracies else len(accuracies) - 1
    return Fit(
        report.history, time.perf_counter() - started, interrupted, _why_stopped(stops, accuracies, config), kept
    )


def _stops(config: TrainConfig, average: WeightAverage) -> list[Any]:
    stops: list[Any] = []
    if config.patience is not None:
        stops.append(Patience(config.patience, average))
    if config.time_limit_minutes is not None:
        stops.append(TimeLimit(config.time_limit_minutes))
    return stops


def _why_stopped(stops: list[Any], accuracies: list[float], config: TrainConfig) -> str | None:
    """What ended the training; None where every epoch was done, though one of them would have ended it now."""
    return None if len(accuracies) == config.epochs else next((stop.reason for stop in stops if stop.reason), None)


class _Report(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Passes Keras's figures on to the watch, and keeps them."""

    def __init__(self, watch: Watch, epochs: int, steps: int, batch_size: int) -> None:
        super().__init__()
        self._watch = watch
        self._plan = epochs, steps, batch_size
        self.history: dict[str, list[float]] = {name: [] for name in FIGURES}
        self.diverged = False

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 (Keras's signature)
        self._watch.begin(*self._plan)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self._epoch, self._started = epoch + 1, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self._judge(logs)
        self._watch.step(self._epoch, batch + 1, logs["loss"])

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._judge(logs)
        if self.diverged:
            return
        seconds = time.perf_counter() - self._started
        figures = {**logs, "learning_rate": float(self.model.optimizer.learning_rate), "seconds": seconds}
        for name in FIGURES:
            self.history[name].append(float(figures[name]))
        self._watch.end_epoch(epoch + 1, figures)

    def _judge(self, logs: dict[str, float]) -> None:
        """Stops at the first figure that is not finite, and without a word: keras.callbacks.TerminateOnNaN prints."""
        if not all(math.isfinite(figure) for figure in logs.values()):
            self.diverged = self.model.stop_training = True
