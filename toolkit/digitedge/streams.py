"""The two streams of a process, kept clean of what native libraries print.

TensorFlow and ONNX Runtime write to file descriptors 1 and 2 from C++, which `contextlib.redirect_stdout` cannot see:
ONNX Runtime announces a fallback on standard output, and would break `--json`.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def hushed() -> Iterator[None]:
    """Sends whatever is printed inside, by Python or by native code, to nowhere. Exceptions pass through.

    `DIGITEDGE_DEBUG=1` in the environment (`--debug`) lets everything through.
    """
    if os.environ.get("DIGITEDGE_DEBUG") == "1":
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.devnull, "wb") as sink:  # noqa: PTH123 (a device, not a path of ours)
        saved = os.dup(1), os.dup(2)
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, target in zip(saved, (1, 2), strict=True):
                os.dup2(descriptor, target)
                os.close(descriptor)


@contextmanager
def own_stdout() -> Iterator[None]:
    """Inside, `sys.stdout` alone reaches standard output; what native code prints there goes to standard error.

    Does nothing where `sys.stdout` is no file of the process, as in a notebook or a test.
    """
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError):
        yield
        return
    before = sys.stdout
    before.flush()
    kept = os.dup(descriptor)
    os.dup2(2, descriptor)
    try:
        with os.fdopen(os.dup(kept), "w", encoding=before.encoding, errors="backslashreplace") as stream:
            sys.stdout = stream
            yield
    finally:
        sys.stdout = before
        os.dup2(kept, descriptor)
        os.close(kept)
