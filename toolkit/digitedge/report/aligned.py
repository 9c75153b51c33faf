"""Lines in columns, between which a text may stand that needs more room than its column has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2


@dataclass(frozen=True, slots=True)
class Across:
    """A line of its own, which widens no column."""

    text: str


def aligned(rows: Sequence[Across | Sequence[str | Text]], *, texts: int) -> Text:
    """Lays rows out, the first of which is the header.

    Args:
        rows: cells, the same number in each row but in those that go across.
        texts: this many columns, from the left, begin at their left edge, and so does the last; the others are figures
            and end at their right edge.
    """
    cells = [row for row in rows if not isinstance(row, Across)]
    widths = [max(cell_len(str(cell)) for cell in column) for column in zip(*cells, strict=True)]
    lines = [Text(row.text) if isinstance(row, Across) else _line(row, widths, texts) for row in rows]
    lines[0].stylize("dim")
    return Text("\n", no_wrap=True).join(lines)


def _line(row: Sequence[str | Text], widths: Sequence[int], texts: int) -> Text:
    shown = []
    for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
        padding = " " * (width - cell_len(str(cell)))
        to_the_left = position < texts or position == len(row) - 1
        shown.append(Text.assemble(cell, padding) if to_the_left else Text.assemble(padding, cell))
    return Text(" " * GAP).join(shown)
