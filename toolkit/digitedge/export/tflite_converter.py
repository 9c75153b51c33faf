"""TensorFlow Lite's converter, kept at arm's length: it leaks memory, and may end the process that it runs in.

It leaks what it converts (https://github.com/tensorflow/tensorflow/issues/122598), prints from native code, and aborts
on some graphs. So it runs in a process of its own, which is started once, since importing TensorFlow costs seconds, and
is started anew after some files, or when it has died.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError
from digitedge.export.tflite_child import RESULT
from digitedge.processes import environment

if TYPE_CHECKING:
    from pathlib import Path

# -P: the current folder is not searched for modules, so a numpy.py that lies there is not run.
COMMAND = (sys.executable, "-P", "-m", "digitedge.export.tflite_child")
# After so many files the memory that has leaked is given back. 4 s for a new process are then a part of little weight.
FILES_A_PROCESS = 24


class Converter:
    """The process, while there is one."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._files = 0

    def convert(self, folder: Path, name: str) -> bytes:
        """The bytes of a .tflite file.

        Args:
            folder: holds the job, as tflite_child.py reads it.
            name: of the network, for messages.

        Raises:
            ContentError: the converter cannot convert it, or died of it.
        """
        try:
            answer = self._ask(folder)
        except BaseException:  # Ctrl-C too: it must not go on converting
            self.close()
            raise
        if answer is None:
            ending = self._ending()
            raise ContentError(f"TensorFlow Lite's converter {ending} while it converted {name}.", _CURE)
        if answer["error"] is not None:
            raise ContentError(f"TensorFlow Lite cannot hold {name}: {answer['error']}.", _CURE)
        return (folder / RESULT).read_bytes()

    def close(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _ask(self, folder: Path) -> dict[str, Any] | None:
        """The answer of the process; None where it died."""
        if self._process is None or self._files == FILES_A_PROCESS:
            self.close()
            self._process, self._files = _start(self._command), 0
        self._files += 1
        takes, gives = self._process.stdin, self._process.stdout
        if takes is None or gives is None:
            raise RuntimeError("the converter was started without pipes")
        try:
            takes.write(f"{folder}\n")
            takes.flush()
            line = gives.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line.endswith("\n") else None

    def _ending(self) -> str:
        process, self._process = self._process, None
        if process is None:
            raise RuntimeError("no converter was started")
        process.communicate()
        code = process.returncode
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


_CURE = "Export it without --to tflite; --debug shows what the converter says."


def _start(command: tuple[str, ...]) -> subprocess.Popen[str]:
    chatter = None if os.environ.get("DIGITEDGE_DEBUG") == "1" else subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 (our own worker)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=chatter,
        text=True,
        encoding="utf-8",
        env=environment(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3"),  # the graphics card is for training
    )


CONVERTER = Converter()
atexit.register(CONVERTER.close)
