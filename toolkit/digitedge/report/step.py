"""One step of the work as it is printed: its name in the margin, its table, and last of all the file it made."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from digitedge.report.quantities import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

MARGIN = 10
PROSE = 100 - MARGIN


@dataclass(frozen=True)
class Step:
    """What a command did.

    Attributes:
        name: stands in the margin beside the first line.
        body: tables and lines, top to bottom.
        last: the file that was made, or the verdict; None where the body says it all.
        last_name: stands in the margin beside `last`.
        quiet: what `--quiet` prints instead of everything; None for `last`.
    """

    name: str
    body: Sequence[RenderableType]
    last: Text | None
    last_name: str = ""
    quiet: Text | None = None

    @property
    def brief(self) -> Text:
        """The result in as few words as a script needs."""
        brief = self.quiet or self.last
        if brief is None:
            raise ValueError(f"the step {self.name} has nothing to say with --quiet")
        return brief

    def layout(self) -> Table:
        """Body and last line with their names in the margin."""
        grid = Table.grid()
        grid.add_column(width=MARGIN, no_wrap=True)
        grid.add_column()
        name = self.name
        for renderable in self.body:
            grid.add_row(Text(f" {name}", style="bold"), renderable)
            name = ""
        if self.last is not None:
            if self.last_name:
                grid.add_row()
            grid.add_row(Text(f" {self.last_name or name}", style="bold"), self.last)
        return grid


def table(texts: Sequence[str], figures: Sequence[str], notes: Sequence[str] = (), *, note_width: int = 60) -> Table:
    """A table without rules: texts to the left, figures right-aligned, notes (wrapped to their width) at the end."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in texts:
        made.add_column(name, no_wrap=True)
    for name in figures:
        made.add_column(name, no_wrap=True, justify="right")
    for name in notes:
        made.add_column(name, max_width=note_width)
    return made


def line(*parts: str, style: str = "") -> Text:
    """Facts in one line, with a middle dot between them."""
    return Text(" · ".join(parts), style=style, no_wrap=True)


def prose(sentence: str, style: str = "") -> Text:
    """A sentence for people, wrapped to the page and indented as it begins; words, and so paths, are never broken."""
    indent = " " * (len(sentence) - len(sentence.lstrip(" ")))
    wrapped = textwrap.fill(
        printable(sentence), PROSE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return Text(wrapped, style=style, no_wrap=True)


def made(path: str | Path) -> Text:
    """The file that a step made, as short as it can be typed."""
    return Text(printable(place(path)), style="cyan", no_wrap=True)


def name_of(path: str) -> str:
    """The file name alone: tables say the folder once, below."""
    return printable(Path(path).name)


def printable(text: str) -> str:
    r"""Text from file names and class names, made harmless: an escape sequence is shown as `\x1b`, never obeyed."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
