"""Accuracy over severity, corruption by corruption: where the files part from the original."""

from __future__ import annotations

import math
from itertools import count as counted
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.data.corruption.corrupting import SEVERITIES
from digitedge.measure.shift import CLEAN
from digitedge.report import svg
from digitedge.report.steps.shift import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digitedge.report.svg import Palette

Entry = dict[str, Any]

COLUMNS = 5
WIDTH_INCHES = 9.6
ROW_INCHES = 1.75
# Files of one kind share a colour; the first is drawn through, the next dashed.
STYLES = ("-", "--", ":", "-.")


def shift(entries: Sequence[Entry]) -> str | None:
    """An inline SVG of these entries of `shift` of the `verify` document; None where no accuracy is known."""
    known = _known(entries)
    if not known:
        return None
    label = "Accuracy of the original and of each file on images that get worse, by corruption and severity"
    return svg.inline(_drawn(known), _inches(known), name="shift", label=label)


def shift_png(entries: Sequence[Entry]) -> bytes | None:
    """The same as a PNG file."""
    known = _known(entries)
    return svg.png(_drawn(known), _inches(known)) if known else None


def _known(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry["labelled"] and entry["rows"]]


def _drawn(entries: Sequence[Entry]) -> Callable[[Figure, Palette], None]:
    return lambda figure, palette: _shift(figure, palette, entries)


def _inches(entries: Sequence[Entry]) -> tuple[float, float]:
    return WIDTH_INCHES, ROW_INCHES * math.ceil((len(grouped(entries[0])) + 1) / COLUMNS)


def _shift(figure: Figure, palette: Palette, entries: Sequence[Entry]) -> None:
    names = list(grouped(entries[0]))
    rows = math.ceil((len(names) + 1) / COLUMNS)
    panels: list[Axes] = list(figure.subplots(rows, COLUMNS, sharex=True, sharey=True).flat)
    styles = _styles(palette, entries)
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, palette, name, entries, styles)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    legend = {"frameon": False, "fontsize": 9, "borderaxespad": 0, "handlelength": 1.6, "handletextpad": 0.5}
    panels[len(names)].legend(handles, labels, loc="upper left", **legend)
    for position, axes in enumerate(panels[: len(names)]):
        # Beneath the last row there may be an empty place, where the severities must still be told.
        axes.tick_params(labelbottom=position + COLUMNS >= len(names))
        axes.set_xlabel("severity" if position >= (rows - 1) * COLUMNS else "")


def _panel(
    axes: Axes, palette: Palette, name: str, entries: Sequence[Entry], styles: Sequence[tuple[str, str]]
) -> None:
    original = [row["accuracy_reference"] for row in _line(entries[0], name)]
    # Beneath the others, and wide: files that agree with it lie in its middle.
    axes.plot((0, *SEVERITIES), original, color=palette.ink, linewidth=5, alpha=0.2, label="the original")
    for entry, (colour, style) in zip(entries, styles, strict=True):
        rows = _line(entry, name)
        accuracy = [row["accuracy"] for row in rows]
        axes.plot((0, *SEVERITIES), accuracy, style, color=colour, linewidth=1.4, label=Path(entry["path"]).name)
        begins = entry["onset"][name]
        if begins is not None:
            marked = accuracy[begins]
            axes.plot(begins, marked, "o", color=palette.bad, fillstyle="none", markersize=9, markeredgewidth=1.8)
    axes.set_title(name.replace("_", " "))
    axes.set(ylim=(0, 1.03), xlim=(-0.2, 5.2))
    axes.set_xticks((0, *SEVERITIES))
    axes.set_yticks((0, 0.5, 1), ("0", "50 %", "100 %"))


def _line(entry: Entry, name: str) -> list[dict[str, Any]]:
    """The clean images and then the severities of one corruption."""
    return [row for row in entry["rows"] if row["corruption"] in {CLEAN, name}]


def _styles(palette: Palette, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Float files in one colour and integers in the other, told apart by their dashes."""
    floats, integers = counted(), counted()
    styles = []
    for entry in entries:
        quantized = entry["precision"].startswith("int8")
        place = next(integers if quantized else floats)
        styles.append((palette.second if quantized else palette.first, STYLES[place % len(STYLES)]))
    return styles
