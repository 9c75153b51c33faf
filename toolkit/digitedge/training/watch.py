"""Who looks on while a network is trained. Training computes; whoever implements this prints."""

from __future__ import annotations

from typing import Protocol


class Watch(Protocol):
    """Told of every step and every epoch."""

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Training starts: so many epochs of so many steps."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """A step is done; both counts start at 1, `loss` is the mean of the epoch so far."""

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """An epoch is done: loss, accuracy, val_loss, val_accuracy, learning_rate, seconds."""

    def finish(self) -> None:
        """Training has ended, well or not."""
