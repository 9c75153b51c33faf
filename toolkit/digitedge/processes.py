"""Child processes: what they find around them, and how they ended."""

from __future__ import annotations

import os
import signal
import sys


def environment(**more: str) -> dict[str, str]:
    """This environment and `more`, in which a child finds the modules that are found here, whatever its folder."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)  # noqa: PTH100 (no Path: text for text)
    return {**os.environ, "PYTHONPATH": path, **more}


def ending(code: int) -> str:
    """How a process ended, after the word for it.

    Args:
        code: as `subprocess` gives it: negative for the signal that ended it.
    """
    if code >= 0:
        return f"ended with {code}"
    name = signal.Signals(-code).name
    return f"was ended by {name}" + (", perhaps for lack of memory" if name == "SIGKILL" else "")
