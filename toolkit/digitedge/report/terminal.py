"""What a person sees. Results go to standard output; progress, notes and errors to standard error.

| | standard output | standard error |
| --- | --- | --- |
| default | the heading, a table for each step | progress, notes, errors |
| `--quiet` | the last line of each step: the file it made, or the verdict | errors |
| `--json` | exactly one document, of an error too | progress, notes |
| `--json --quiet` | exactly one document, of an error too | nothing |

rich and numpy are loaded when the first line is printed, not before: `digitedge --help` does not wait for them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from digitedge import __version__
from digitedge.measure.machine import summary

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from digitedge.report.step import Step

# Wider than any table: a line longer than the window is folded by the window, and no path or figure is ever cut off.
UNBOUNDED = 10_000


@dataclass(frozen=True)
class Terminal:
    """The two streams of one command.

    Attributes:
        json: standard output is one JSON document.
        quiet: only results and errors.
        documents: where the document goes; None for standard output.
    """

    json: bool = False
    quiet: bool = False
    documents: TextIO | None = None

    @cached_property
    def out(self) -> Console:
        """Standard output. Colours only in a terminal, and not where NO_COLOR is set."""
        return _console(stderr=False, width=UNBOUNDED)

    @cached_property
    def notes(self) -> Console:
        """Standard error, as wide as the terminal is: progress is drawn there."""
        return _console(stderr=True, width=None)

    @property
    def draws(self) -> bool:
        """Whether a line can be redrawn: standard error is a terminal that moves its cursor."""
        return self.notes.is_terminal and not self.notes.is_dumb_terminal

    def heading(self, machine: dict[str, Any], *facts: str) -> None:
        """The first line: where this runs, because every figure below depends on it.

        Args:
            machine: from `digitedge.measure.machine.describe`.
            facts: what else matters, such as `no GPU` and `ONNX Runtime 1.31`.
        """
        if not (self.json or self.quiet):
            from rich.text import Text

            where = "".join(f" · {fact}" for fact in (summary(machine), *facts))
            self._print(Text.assemble((f"digitedge {__version__}", "bold"), where, "\n", no_wrap=True))

    def show(self, step: Step) -> None:
        """Prints a step that is done."""
        if self.json:
            return
        if self.quiet:
            self._print(step.brief)
        else:
            self._print(step.layout())
            self.out.file.write("\n")

    def note(self, sentence: str) -> None:
        """Something worth knowing that is not a result."""
        if not self.quiet:
            from digitedge.report.step import printable

            self.notes.print(printable(sentence), style="dim", soft_wrap=True)

    def document(self, document: dict[str, Any]) -> None:
        """The one JSON document of a command, under --json only."""
        if self.json:
            from digitedge.report.documents import to_text

            stream = self.documents or sys.stdout
            stream.write(to_text(document) + "\n")
            stream.flush()

    def fail(self, command: str, error: BaseException) -> None:
        """Says why a command ended: one line on standard error, or one document under --json."""
        from digitedge.report.documents import explain, failure

        if self.json:
            self.document(failure(command, error))
            return
        from rich.text import Text

        from digitedge.report.step import printable

        _, message, hint = explain(error)
        sentence = printable(f"{message} {hint}".strip())
        self.notes.print(Text.assemble(("error: ", "bold red"), sentence), soft_wrap=True)

    def _print(self, renderable: RenderableType) -> None:
        with self.out.capture() as captured:
            self.out.print(renderable)
        # rich pads every line to the width of the table; a log file is spared that.
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        self.out.file.flush()


def _console(*, stderr: bool, width: int | None) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if hasattr(stream, "reconfigure"):
        # Where the encoding of the terminal lacks a letter, its code is printed instead of a traceback.
        stream.reconfigure(errors="backslashreplace")
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)
