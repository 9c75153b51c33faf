"""Training as it goes on: in a terminal one line that is redrawn, in a log file one line an epoch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitedge.report.quantities import clock, duration, percent, rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress, TaskID

    from digitedge.report.terminal import Terminal


class Silent:
    """Says nothing."""

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Nothing."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """Nothing."""

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


def training(terminal: Terminal, now: Callable[[], float] = time.monotonic) -> Silent | Line | Log:
    """Whoever looks on while a network is trained (`digitedge.training.watch.Watch`), as this terminal allows.

    Args:
        terminal: draws on its standard error; says nothing under --quiet.
        now: seconds from any origin.
    """
    if terminal.quiet:
        return Silent()
    return Line(terminal, now) if terminal.draws else Log(terminal, now)


@dataclass
class Pace:
    """How fast it goes. The first step is left out: it holds the compilation of the graph.

    Attributes:
        epochs: in all.
        steps: an epoch.
        batch_size: images a step.
        now: seconds from any origin.
    """

    epochs: int
    steps: int
    batch_size: int
    now: Callable[[], float]
    _first: tuple[int, float] | None = field(default=None, init=False)

    def at(self, epoch: int, step: int) -> tuple[float | None, float | None]:
        """(images a second, seconds left over all epochs) after a step; None before the second one."""
        done = (epoch - 1) * self.steps + step
        if self._first is None:
            self._first = done, self.now()
        elapsed, advanced = self.now() - self._first[1], done - self._first[0]
        if advanced <= 0 or elapsed <= 0:
            return None, None
        return advanced * self.batch_size / elapsed, elapsed / advanced * (self.epochs * self.steps - done)


class Log:
    """One line an epoch, without control characters."""

    def __init__(self, terminal: Terminal, now: Callable[[], float]) -> None:
        self._terminal, self._now = terminal, now

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Training starts."""
        self._pace = Pace(epochs, steps, batch_size, self._now)

    def step(self, epoch: int, step: int, loss: float) -> None:  # noqa: ARG002 (the protocol's)
        """A step is done."""
        self._pace.at(epoch, step)

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """An epoch is done: prints its line."""
        _, left = self._pace.at(epoch, self._pace.steps)
        parts = [
            f"epoch {epoch}/{self._pace.epochs}",
            f"loss {figures['loss']:.4f}",
            f"accuracy {percent(figures['accuracy'])}",
            f"val loss {figures['val_loss']:.4f}",
            f"val {percent(figures['val_accuracy'])}",
            duration(figures["seconds"]),
        ]
        if left:
            parts.append(f"{clock(left)} left")
        self._terminal.note(" · ".join(parts))

    def finish(self) -> None:
        """Training has ended; every line stands already."""


class Line:
    """One line that is redrawn, and wiped when training ends: the table of the step says what remains of it."""

    def __init__(self, terminal: Terminal, now: Callable[[], float]) -> None:
        self._terminal, self._now = terminal, now
        self._bar: Progress | None = None

    def begin(self, epochs: int, steps: int, batch_size: int) -> None:
        """Training starts: the line appears."""
        from rich.progress import BarColumn, Progress, TextColumn

        self._pace = Pace(epochs, steps, batch_size, self._now)
        self._validated = ""
        self._bar = Progress(
            TextColumn(" train    {task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self._terminal.notes,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task(f"epoch 1/{epochs}", total=epochs * steps, figures="")
        self._bar.start()

    def step(self, epoch: int, step: int, loss: float) -> None:
        """A step is done: the line moves on."""
        if self._bar is None:
            return
        speed, left = self._pace.at(epoch, step)
        parts = [
            f"loss {loss:.3f}",
            self._validated,
            rate(speed) if speed else "",
            clock(left) if left is not None else "",
        ]
        self._bar.update(
            self._task,
            completed=(epoch - 1) * self._pace.steps + step,
            description=f"epoch {epoch}/{self._pace.epochs}",
            figures=" · ".join(part for part in parts if part),
        )

    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None:  # noqa: ARG002 (the protocol's)
        """An epoch is done: its validation accuracy stands in the line from now on."""
        self._validated = f"val {percent(figures['val_accuracy'])}"

    def finish(self) -> None:
        """Training has ended, well or not: the cursor is given back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
