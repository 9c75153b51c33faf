"""What surrounds every command: the streams, and the way from an error to one line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer

from digitedge.errors import DigitedgeError, NotPresentError, StoppedError, package_missing
from digitedge.report.terminal import Terminal
from digitedge.streams import own_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

CHECK_FAILED = 1
BUG = 70
# Which extra brings a package that a command may find missing.
EXTRAS = {
    "tensorflow": "train",
    "tf_keras": "train",
    "onnx": "train",
    "tf2onnx": "train",
    "filelock": "train",
    "onnxruntime": "cpu",
    "ai_edge_litert": "tflite",
    "matplotlib": "report",
    "jinja2": "report",
}


@contextmanager
def session(command: str, *, json: bool, quiet: bool, debug: bool) -> Iterator[Terminal]:
    """Runs a command's body: whatever is raised becomes one line (or one document) and an exit code.

    SIGTERM, by which containers, service managers and clusters stop a process, is an interruption like Ctrl-C.

    Args:
        command: its name, for the document.
        json: standard output belongs to the document alone: whatever else is printed goes to standard error.
        quiet: only results and errors.
        debug: tracebacks, and nothing that libraries print is hidden.

    Raises:
        typer.Exit: with the code of the error.
    """
    with ExitStack() as stack:
        stack.enter_context(_interrupted_by_sigterm())
        documents = stack.enter_context(own_stdout()) if json else None
        os.environ["DIGITEDGE_DEBUG"] = "1" if debug else "0"
        terminal = Terminal(json=json, quiet=quiet, documents=documents)
        try:
            yield terminal
        except typer.Exit:
            raise
        except BrokenPipeError:
            # Whoever read our output has gone away: nobody is left to be told.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(CHECK_FAILED) from None
        except BaseException as error:  # noqa: BLE001 (the last door: a bug too ends in one line)
            raise typer.Exit(_fail(terminal, command, error, debug=debug)) from None


def verdict(*, passed: bool) -> None:
    """Ends a command whose checks may have failed.

    Raises:
        typer.Exit: with code 1 if they have.
    """
    if not passed:
        raise typer.Exit(CHECK_FAILED)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """The first SIGTERM raises KeyboardInterrupt; a further one does not disturb the saving that the first began.

    Nothing changes in a thread, which Python lets set no handler; nor where whoever started the process lets it ignore
    the signal, or a library in C handles it. A process that is started inside dies of SIGTERM as always: handlers are
    not inherited.
    """
    former = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or former in (signal.SIG_IGN, None):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (as signal calls it)
        signal.signal(signal.SIGTERM, lambda *_: None)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _fail(terminal: Terminal, command: str, error: BaseException, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    known = _known(error)
    terminal.fail(command, known)
    return known.exit_code if isinstance(known, DigitedgeError) else BUG


def _known(error: BaseException) -> BaseException:
    """The same in our own terms, where we know it."""
    if isinstance(error, KeyboardInterrupt):
        return StoppedError("interrupted.", "Every file that was finished is whole; start it again for the rest.")
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.split(".")[0] in EXTRAS:
        package = error.name.split(".")[0]
        return package_missing(package, EXTRAS[package], "this command")
    if isinstance(error, MemoryError):
        return NotPresentError("there is not enough memory for this.", "Use fewer or smaller images.")
    return error
