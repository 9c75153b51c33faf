"""Work that is counted: files written, images scored, processes timed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.report.terminal import Terminal


class Count(Protocol):
    """Told how far the work is."""

    def __call__(self, done: int, total: int, name: str) -> None:
        """`done` of `total` are done, and `name` is what comes now (or is finished, with the last)."""


@contextmanager
def counting(terminal: Terminal, title: str) -> Iterator[Count]:
    """A bar in a terminal, wiped at the end; in a log file one line for each new `name`; nothing under --quiet.

    Args:
        terminal: draws on its standard error.
        title: the name of the step, for the margin.
    """
    if terminal.quiet:
        yield _nothing
    elif terminal.draws:
        with _bar(terminal, title) as count:
            yield count
    else:
        yield _lines(terminal, title)


def _nothing(done: int, total: int, name: str) -> None:
    """Under --quiet."""


def _lines(terminal: Terminal, title: str) -> Count:
    last = ""

    def count(done: int, total: int, name: str) -> None:
        nonlocal last
        if name != last:
            terminal.note(f"{title} · {name} · {done:,} of {total:,} done")
        last = name

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
