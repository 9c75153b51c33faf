"""Warnings as errors, in several threads at once."""

from __future__ import annotations

import threading
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Threads:
    """How many threads are inside, and how the filters get back to what they were."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.undo = ExitStack()


_threads = _Threads()


@contextmanager
def warnings_are_errors() -> Iterator[None]:
    """While any thread is inside, a UserWarning or a RuntimeWarning is raised, in all of them.

    The filters belong to the process: were each thread to use `warnings.catch_warnings` alone, the one that leaves last
    would put back what another had set. https://docs.python.org/3/library/warnings.html#warnings.catch_warnings
    """
    with _threads.lock:
        if not _threads.inside:
            _threads.undo.enter_context(warnings.catch_warnings())
            for category in (UserWarning, RuntimeWarning):
                warnings.simplefilter("error", category)
        _threads.inside += 1
    try:
        yield
    finally:
        with _threads.lock:
            _threads.inside -= 1
            if not _threads.inside:
                _threads.undo.close()
