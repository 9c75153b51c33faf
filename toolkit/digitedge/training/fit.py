"""One network, fitted to one data set."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError
from digitedge.training.learning import Learning
from digitedge.training.progress import FIGURES, Progress
from digitedge.training.schedule import plateau_rate
from digitedge.training.stop import best, out_of_patience, out_of_time

if TYPE_CHECKING:
    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.training.device import Placement
    from digitedge.training.resume import Saver
    from digitedge.training.watch import Watch

# One call of the graph: long enough that Python costs nothing, short enough that Ctrl-C and the progress feel live.
_CALL_SECONDS, _CALL_STEPS = 0.15, 64
# Of several workers, which wait for each other in every step: a call must be as long for all, and their clocks differ.
_CALL_STEPS_TOGETHER = 8


@dataclass(frozen=True)
class Fit:
    """How the fitting went.

    Attributes:
        history: one list for each of FIGURES, one entry an epoch that was finished.
        seconds: wall time, validation included.
        interrupted: whether the user stopped it before the last epoch.
        stopped: why it ended before the last epoch by itself; None where it did not.
        kept: the epoch, from 0 on, whose averaged weights the network holds: the last, with `patience` the best.
        resumed: epochs that an earlier session had finished.
    """

    history: dict[str, list[float]]
    seconds: float
    interrupted: bool
    stopped: str | None
    kept: int
    resumed: int = 0

    @property
    def epochs(self) -> int:
        """Epochs that were finished."""
        return len(self.history["loss"])


def fit(
    network: Any,
    train: Dataset,
    validation: Dataset,
    config: TrainConfig,
    watch: Watch,
    *,
    placement: Placement,
    saver: Saver | None = None,
) -> Fit:
    """Fits `network` in place.

    Ctrl-C ends it early; the network then holds the averaged weights after the last whole epoch, with patience after
    the best.

    Args:
        network: a keras.Model that Keras can copy.
        train: the images to learn from.
        validation: the images to choose by.
        config: how.
        watch: who is told.
        placement: where.
        saver: what saves every epoch, and may know epochs of an earlier session; None to save nothing.

    Raises:
        ContentError: the loss is no longer a finite number; or the network cannot be trained as asked.
    """
    started = time.perf_counter()
    learning = Learning.of(network, train, config, placement)
    progress = Progress() if saver is None else saver.resume(learning)
    placement.require_same(progress.epochs)
    resumed, before, reason, interrupted = progress.epochs, progress.seconds, None, False
    try:
        watch.begin(config.epochs, learning.feed.steps, learning.feed.batch_size)
        reason = _ended(progress, resumed, 0.0, config)
        while progress.epochs < config.epochs and reason is None:
            figures = _epoch(learning, progress, validation, config, watch)
            for name in FIGURES:
                progress.history[name].append(figures[name])
            progress.seconds = before + time.perf_counter() - started
            if _kept(progress, config) == progress.epochs - 1:
                learning.keep()
            if saver is not None:
                saver.save(learning, progress)
            watch.end_epoch(progress.epochs, figures)
            reason = placement.agreed(_ended(progress, resumed, time.perf_counter() - started, config))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        watch.finish()
    if progress.epochs:
        learning.settle()
    # What would have ended the training after its last epoch did not end it early.
    stopped = None if progress.epochs == config.epochs else reason
    return Fit(progress.history, progress.seconds, interrupted, stopped, _kept(progress, config), resumed)


def _kept(progress: Progress, config: TrainConfig) -> int:
    """The epoch whose averaged weights are worth keeping so far: the last, with patience the best. -1 before any."""
    accuracies = progress.history["val_accuracy"]
    return best(accuracies) if accuracies and config.patience is not None else len(accuracies) - 1


def _ended(progress: Progress, resumed: int, elapsed: float, config: TrainConfig) -> str | None:
    """Why no further epoch is begun; None to go on."""
    if progress.epochs == 0:
        return None
    reason = out_of_patience(progress.history["val_accuracy"], config.patience)
    own = progress.history["seconds"][resumed:]
    return reason or (out_of_time(own, elapsed, config.time_limit_minutes) if own else None)


def _epoch(
    learning: Learning, progress: Progress, validation: Dataset, config: TrainConfig, watch: Watch
) -> dict[str, float]:
    """One pass over the images and its validation: FIGURES."""
    started, epoch = time.perf_counter(), progress.epochs
    if config.schedule == "plateau":
        learning.set_rate(plateau_rate(config.learning_rate, progress.history["val_accuracy"]))
    loss, accuracy = _pass(learning, epoch, watch)
    val_loss, val_accuracy = learning.judge(validation)
    _require_finite(val_loss)
    figures = loss, accuracy, val_loss, val_accuracy, learning.rate, time.perf_counter() - started
    return dict(zip(FIGURES, figures, strict=True))


def _pass(learning: Learning, epoch: int, watch: Watch) -> tuple[float, float]:
    """One pass over the images: mean loss and accuracy of its steps."""
    share, done, losses, rights = learning.feed.share, 0, 0.0, 0.0
    alone = learning.feed.workers == 1
    call = 1 if alone else _CALL_STEPS_TOGETHER
    for block in learning.feed.blocks(epoch):
        steps, at = len(block.labels) // share, 0
        while at < steps:
            number, began = min(call, steps - at), time.perf_counter()
            loss, right = learning.steps(block.part(at * share, (at + number) * share), number)
            _require_finite(loss)
            at, done, losses, rights = at + number, done + number, losses + loss, rights + right
            watch.step(epoch + 1, done, losses / done)
            if alone and time.perf_counter() - began < _CALL_SECONDS * number / call / 2:
                call = min(2 * call, _CALL_STEPS)
    return losses / done, rights / done


def _require_finite(loss: float) -> None:
    if not math.isfinite(loss):
        raise ContentError("the loss is no longer a finite number.", "Choose a smaller --learning-rate.")
