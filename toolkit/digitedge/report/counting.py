"""Work that is counted: files written, images scored, processes timed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from digitedge.report.terminal import Terminal


class Count(Protocol):
    """Told how far the work is."""

    def __call__(self, done: int, total: int, name: str) -> None:
        """`done` of `total` are done, and `name` is what comes now (or is finished, with the last)."""


# In a log file one line in so many seconds says that the work goes on; more would bury what matters.
QUIET_SECONDS = 5.0
# Work that is done by then needs no line at all.
SHORT_SECONDS = 2.0


@contextmanager
def counting(terminal: Terminal, title: str, now: Callable[[], float] = time.monotonic) -> Iterator[Count]:
    """A bar in a terminal, wiped at the end; in a log file a line now and then; nothing under --quiet.

    Args:
        terminal: draws on its standard error.
        title: the name of the step, for the margin.
        now: seconds from any origin.
    """
    if terminal.quiet:
        yield _nothing
    elif terminal.draws:
        with _bar(terminal, title) as count:
            yield count
    else:
        yield _lines(terminal, title, now)


def _nothing(done: int, total: int, name: str) -> None:
    """Under --quiet."""


def _lines(terminal: Terminal, title: str, now: Callable[[], float]) -> Count:
    last = now() - QUIET_SECONDS + SHORT_SECONDS

    def count(done: int, total: int, name: str) -> None:
        nonlocal last
        if now() - last >= QUIET_SECONDS and done < total:
            last = now()
            terminal.note(f"{title} · {name} · {done:,} of {total:,} done")

    return count


@contextmanager
def _bar(terminal: Terminal, title: str) -> Iterator[Count]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    progress = Progress(
        TextColumn(f" {title:8} " + "{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        console=terminal.notes,
        transient=True,
    )
    task = progress.add_task("", total=None)

    def count(done: int, total: int, name: str) -> None:
        progress.update(task, completed=done, total=total, description=name)

    with progress:
        yield count
