"""The two streams of a process, kept clean of what native libraries print.

TensorFlow and ONNX Runtime write to file descriptors 1 and 2 from C++, which `contextlib.redirect_stdout` cannot see:
ONNX Runtime announces a fallback on standard output, and would break `--json`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def hushed() -> Iterator[None]:
    """Sends whatever is printed inside, by Python or by native code, to nowhere. Exceptions pass through.

    `DIGITEDGE_DEBUG=1` in the environment (`--debug`) lets everything through.
    """
    if os.environ.get("DIGITEDGE_DEBUG") == "1":
        yield
        return
    with open(os.devnull, "wb") as sink, _led_to(sink.fileno()):  # noqa: PTH123 (a device, not a path of ours)
        yield


@contextmanager
def overheard() -> Iterator[Callable[[], str]]:
    """Keeps whatever is printed inside, by Python or by native code. Yields what tells it, afterwards.

    For libraries that print why they fail, and raise that they failed.
    """
    heard = bytearray()

    def said() -> str:
        return heard.decode(errors="replace")

    with tempfile.TemporaryFile() as sink:
        try:
            with _led_to(sink.fileno()):
                yield said
        finally:
            sink.seek(0)
            heard += sink.read()
    if os.environ.get("DIGITEDGE_DEBUG") == "1":
        sys.stderr.write(said())


@contextmanager
def _led_to(sink: int) -> Iterator[None]:
    """Both streams of the process lead to another descriptor."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, target in zip(saved, (1, 2), strict=True):
            os.dup2(descriptor, target)
            os.close(descriptor)


@contextmanager
def own_stdout() -> Iterator[TextIO]:
    """Yields the only way to standard output: inside, what Python or native code prints there goes to standard error.

    Where `sys.stdout` is no file of the process, as in a notebook or a test, native code cannot be kept away from it.
    """
    before = sys.stdout
    sys.stdout = sys.stderr
    try:
        with _kept(before) as stream:
            yield stream
    finally:
        sys.stdout = before


@contextmanager
def _kept(stdout: TextIO) -> Iterator[TextIO]:
    """A stream of its own to where `stdout` goes, while the descriptor of `stdout` leads to standard error."""
    try:
        descriptor = stdout.fileno()
    except (AttributeError, OSError):
        yield stdout
        return
    stdout.flush()
    kept = os.dup(descriptor)
    os.dup2(2, descriptor)
    try:
        with os.fdopen(os.dup(kept), "w", encoding=stdout.encoding, errors="backslashreplace") as stream:
            yield stream
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
