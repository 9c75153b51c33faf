"""The child process: it is asked, it answers in time, or it is killed and its end is told."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from digitedge.processes import ending, environment

# -P: the current folder is not searched for modules, so a numpy.py that lies there is not run.
COMMAND = (sys.executable, "-P", "-m", "digitedge.verify.worker")
# Importing numpy takes half a second; a busy machine may take a hundred times as long.
START_SECONDS = 120.0


class Gone(Exception):  # noqa: N818 (what it is, not an error: a finding)
    """The child crashed, or did not answer in time. It is no more.

    Attributes:
        reason: what happened, as a sentence without its full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Child:
    """One process, from its start to its end, and a folder for what goes to it and comes back."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        """Starts it, and waits until it is ready.

        Raises:
            RuntimeError: it does not start, by a mistake of ours; holds its last words.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="digitedge-verify-")
        self.folder = Path(self._folder.name)
        self._heard = b""
        self._process = _start(command, self.folder)
        try:
            self._answer(START_SECONDS)
        except Gone as gone:
            words = _last_words(self.folder)
            self.close()
            raise RuntimeError(f"the worker did not start: {gone.reason}: {words}") from gone
        except BaseException:
            self.close()
            raise

    def ask(self, job: dict[str, Any], limit_seconds: float) -> dict[str, Any]:
        """What it answers.

        Any exception ends it, Ctrl-C too: it must not go on computing.

        Raises:
            Gone: it gives no answer.
        """
        try:
            with suppress(BrokenPipeError):  # it is dead already: that is heard next
                self._stream("stdin").write(json.dumps(job).encode() + b"\n")
            return self._answer(limit_seconds)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends it, and whatever it has started, such as a compiler. Removes the folder."""
        if self._process.poll() is None:  # afterwards its number may be another's
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for name in ("stdin", "stdout"):
            self._stream(name).close()
        self._folder.cleanup()

    def _answer(self, limit_seconds: float) -> dict[str, Any]:
        end, gives = time.monotonic() + limit_seconds, self._stream("stdout")
        with selectors.DefaultSelector() as selector:
            selector.register(gives, selectors.EVENT_READ)
            while b"\n" not in self._heard:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise Gone(f"it did not return within {limit_seconds:g} s")
                heard = os.read(gives.fileno(), 2**16)
                if not heard:
                    raise Gone(_ending(self._process))
                self._heard += heard
        line, _, self._heard = self._heard.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stream(self, name: str) -> Any:
        return getattr(self._process, name)


def _start(command: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / _WORDS).open("wb") as words:
        return subprocess.Popen(  # noqa: S603 (our own worker)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("DIGITEDGE_DEBUG") == "1" else words,
            env=environment(TMPDIR=str(folder)),  # what it leaves behind when it is killed goes with our folder
            bufsize=0,
            process_group=0,  # Ctrl-C reaches us alone, and what it starts can be ended with it
        )


_WORDS = "stderr"


def _ending(process: subprocess.Popen[bytes]) -> str:
    """How a process that has closed its output has ended."""
    try:
        return f"its process {ending(process.wait(timeout=10))}"
    except subprocess.TimeoutExpired:
        return "its process closed its output"


def _last_words(folder: Path) -> str:
    return (folder / _WORDS).read_text(encoding="utf-8", errors="replace").strip()[-2000:]
