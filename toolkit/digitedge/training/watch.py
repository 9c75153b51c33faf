"""Who looks on while a network is trained. Training computes; whoever implements this prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Watch(Protocol):
    """Told of the steps, some at a time, and of every epoch."""

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Training starts: so many epochs of so many steps."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Some steps are done, this one the last; both counts start at 1, `loss` is the mean of the epoch so far."""

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """An epoch is done: loss, accuracy, val_loss, val_accuracy, learning_rate, seconds."""

    def finish(self) -> None:
        """Training has ended, well or not."""


@dataclass(frozen=True)
class Several:
    """Passes everything on to several."""

    watches: tuple[Watch, ...]

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Training starts."""
        for watch in self.watches:
            watch.begin(epochs, steps, batch_size)

    def step(self, epoch: int, step: int, loss: float) -> None:
        """A step is done."""
        for watch in self.watches:
            watch.step(epoch, step, loss)

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """An epoch is done."""
        for watch in self.watches:
            watch.end_epoch(epoch, figures)

    def finish(self) -> None:
        """Training has ended."""
        for watch in self.watches:
            watch.finish()
