"""One benchmark at a time on a machine: two at once would time each other."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.report.terminal import Terminal

_LOCK = "digitedge-bench.lock"


@contextmanager
def alone(terminal: Terminal) -> Iterator[None]:
    """Waits until no other digitedge measures on this machine, and says so; then keeps others waiting.

    The lock ends with its process, however that ends. It is a file in the folder for temporary files that nobody
    writes into, so that every user of the machine shares it. Where the system has no such locks, as Windows, or the
    folder takes no file, nobody waits.

    Args:
        terminal: where it is said.
    """
    descriptor = _opened(Path(tempfile.gettempdir()) / _LOCK)
    if descriptor is None:
        yield
        return
    try:
        _lock(descriptor, terminal)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int | None:
    # The file of another user: in a folder such as /tmp it may be opened, but not with O_CREAT.
    # https://docs.kernel.org/admin-guide/sysctl/fs.html#protected-regular
    for flags in (os.O_RDONLY, os.O_RDONLY | os.O_CREAT):
        with suppress(OSError):
            return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o444)
    return None


def _lock(descriptor: int, terminal: Terminal) -> None:
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        terminal.note("another digitedge is measuring on this machine: waiting, since two would time each other.")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        return
