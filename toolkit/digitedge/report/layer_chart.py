"""Signal to noise, layer by layer: what each layer adds of its own, what has come together, and where it departs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report import svg
from digitedge.report.quantities import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digitedge.report.svg import Palette

Entry = dict[str, Any]
Layer = dict[str, Any]

WIDTH_INCHES = 9.6
ROW_INCHES = 0.21
HEAD_INCHES = 0.62
LEGEND_INCHES = 0.4
COLUMNS = 2
# A name of merged layers is cut here: bars need the room.
WIDEST = 26


def layers(entries: Sequence[Entry]) -> str | None:
    """An inline SVG of these entries of `layers` of the `verify` document; None where none has layers."""
    shown = _shown(entries)
    if not shown:
        return None
    departing = sum(entry["first_departing"] is not None for entry in shown)
    label = f"Signal to noise of every layer of {plural(len(shown), 'file')}, of which {departing} depart in a layer"
    return svg.inline(_drawn(shown), _inches(shown), name="layers", label=label)


def layers_png(entries: Sequence[Entry]) -> bytes | None:
    """The same as a PNG file."""
    shown = _shown(entries)
    return svg.png(_drawn(shown), _inches(shown)) if shown else None


def _shown(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry["layers"]]


def _rows(entries: Sequence[Entry]) -> list[list[Entry]]:
    return [list(entries[start : start + COLUMNS]) for start in range(0, len(entries), COLUMNS)]


def _heights(entries: Sequence[Entry]) -> list[float]:
    """Inches of each row of panels."""
    return [HEAD_INCHES + ROW_INCHES * max(len(entry["layers"]) for entry in row) for row in _rows(entries)]


def _inches(entries: Sequence[Entry]) -> tuple[float, float]:
    return WIDTH_INCHES, sum(_heights(entries)) + LEGEND_INCHES


def _drawn(entries: Sequence[Entry]) -> Callable[[Figure, Palette], None]:
    def draw(figure: Figure, palette: Palette) -> None:
        heights = _heights(entries)
        panels = figure.subplots(len(heights), COLUMNS, squeeze=False, height_ratios=heights)
        for axes, entry in zip(panels.flat, entries, strict=False):
            _panel(axes, palette, entry)
        for axes in panels.flat[len(entries) :]:
            axes.set_visible(False)
        _legend(figure, palette)

    return draw


def _legend(figure: Figure, palette: Palette) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    signs = [
        Patch(color=palette.first, alpha=0.75, linewidth=0, label="this layer alone, on the file's own inputs"),
        Line2D(
            [], [], color=palette.ink, linewidth=1.6, marker="|", linestyle="", markersize=9, label="at least expected"
        ),
        Line2D([], [], color=palette.second, marker="o", markersize=3.5, label="all layers so far"),
    ]
    figure.legend(handles=signs, loc="outside upper left", ncols=3, frameon=False, fontsize=8.5)


def _panel(axes: Axes, palette: Palette, entry: Entry) -> None:
    rows = entry["layers"]
    most = 10 * math.ceil(max([20.0, *_known(rows)]) / 10)
    for place, row in enumerate(rows):
        colour = palette.bad if row["departs"] else palette.first
        # Where no number differs the bar is as long as the axis, and says so.
        length, strength = (most, 0.18) if row["own_sqnr_db"] is None else (max(row["own_sqnr_db"], 0.0), 0.75)
        if row["max_abs"] is not None:
            axes.barh(place, length, 0.68, color=colour, alpha=strength, linewidth=0)
        axes.text(most * 0.012, place, _said(row), va="center", fontsize=7.5, color=palette.ink)
        least = row["least_sqnr_db"]
        if least is not None and 0 < least <= most:
            axes.plot([least, least], [place - 0.42, place + 0.42], color=palette.ink, linewidth=1.6)
    so_far = [(row["sqnr_db"], place) for place, row in enumerate(rows) if row["sqnr_db"] is not None]
    axes.plot([db for db, _ in so_far], [place for _, place in so_far], "o-", color=palette.second, markersize=3.5)
    axes.set_yticks(range(len(rows)), [_shorter(row["layer"]) for row in rows], fontsize=8)
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(palette.bad if row["departs"] else palette.ink)
    axes.set(xlim=(0, most), ylim=(len(rows) - 0.45, -0.55))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} dB")
    axes.set_title(Path(entry["path"]).name)


def _known(rows: Sequence[Layer]) -> list[float]:
    return [row[key] for row in rows for key in ("own_sqnr_db", "sqnr_db") if row[key] is not None]


def _said(row: Layer) -> str:
    if row["not_finite"]:
        return "not finite"
    return "exact" if row["own_sqnr_db"] is None and row["max_abs"] is not None else ""


def _shorter(name: str) -> str:
    return name if len(name) <= WIDEST else f"{name[: WIDEST // 2 - 1]}...{name[-(WIDEST // 2) + 2 :]}"
