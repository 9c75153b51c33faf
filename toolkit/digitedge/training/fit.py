"""One network, fitted to one data set."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tf_keras as keras

from digitedge.errors import ContentError
from digitedge.training.average import WeightAverage
from digitedge.training.pipeline import training_batches, validation_batches
from digitedge.training.schedule import warm_cosine

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
    """

    history: dict[str, list[float]]
    seconds: float
    interrupted: bool

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
    rate = warm_cosine(config.learning_rate, steps * config.epochs)
    network.compile(
        optimizer=keras.optimizers.Adam(rate), loss=keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"]
    )
    average = WeightAverage(config.average_decay)
    report = _Report(watch, config.epochs, steps, config.batch_size, rate)
    started, interrupted = time.perf_counter(), False
    try:
        network.fit(
            training_batches(train, config),
            epochs=config.epochs,
            steps_per_epoch=steps,
            validation_data=validation_batches(validation),
            callbacks=[average, report],
            verbose=0,
        )
    except KeyboardInterrupt:
        interrupted = True
    finally:
        watch.finish()
    if report.diverged:
        raise ContentError("the loss is no longer a finite number.", "Choose a smaller --learning-rate.")
    average.settle()
    return Fit(report.history, time.perf_counter() - started, interrupted)


class _Report(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Passes Keras's figures on to the watch, and keeps them."""

    def __init__(self, watch: Watch, epochs: int, steps: int, batch_size: int, rate: Any) -> None:
        super().__init__()
        self._watch, self._rate = watch, rate
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
        learning_rate = float(self._rate(self.model.optimizer.iterations))
        figures = {**logs, "learning_rate": learning_rate, "seconds": time.perf_counter() - self._started}
        for name in FIGURES:
            self.history[name].append(float(figures[name]))
        self._watch.end_epoch(epoch + 1, figures)

    def _judge(self, logs: dict[str, float]) -> None:
        """Stops at the first figure that is not finite, and without a word: keras.callbacks.TerminateOnNaN prints."""
        if not all(math.isfinite(figure) for figure in logs.values()):
            self.diverged = self.model.stop_training = True
