"""Child processes: what they find around them, and how they ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


def run_to_end(
    command: Sequence[str],
    text: str,
    *,
    limit_seconds: float,
    temporary: str,
    slow: tuple[float, Callable[[], None]] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a process of ours until it ends. Neither it nor what it started, such as a compiler, outlives this call.

    It is in a process group of its own: the Ctrl-C of a terminal reaches this process alone, which ends it.

    Args:
        command: its words.
        text: its standard input.
        limit_seconds: after which it is killed.
        temporary: the folder for its temporary files, which a killed process leaves behind.
        slow: (seconds, what is called where it has not ended by then); None where nobody is told.

    Returns:
        Its exit code and what it wrote to standard error; its standard output is thrown away.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    with subprocess.Popen(  # noqa: S603 (our own worker)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": temporary},
        process_group=0,
    ) as process:
        try:
            _, words = _communicate(process, text, limit_seconds, slow)
        except BaseException:
            _kill_group(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stderr=words)


def _communicate(
    process: subprocess.Popen[str], text: str, limit_seconds: float, slow: tuple[float, Callable[[], None]] | None
) -> tuple[str, str]:
    if slow is None or slow[0] >= limit_seconds:
        return process.communicate(text, timeout=limit_seconds)
    patience, tell = slow
    try:
        return process.communicate(text, timeout=patience)
    except subprocess.TimeoutExpired:
        tell()
    return process.communicate(timeout=limit_seconds - patience)


def _kill_group(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:  # afterwards its number may be another's
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
