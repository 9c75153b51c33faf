"""What each file costs: latency against bytes in the device, and against accuracy where the files differ in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report import svg
from digitedge.report.labels import label_points
from digitedge.report.quantities import duration_us, percent, size
from digitedge.report.steps.bench import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from digitedge.report.svg import Palette

Row = dict[str, Any]

TWO_PANELS_INCHES, ONE_PANEL_INCHES = (9.6, 3.8), (9.6, 4.4)
# Beyond this ratio a linear axis squeezes the smaller values into one spot.
LINEAR_RATIO = 20
# Accuracies that are so close would lie in one line, each name upon the next: they stand in words instead.
SAME_ACCURACY = 0.0025


def tradeoff(rows: Sequence[Row]) -> str:
    """One point for each of these rows of the `bench` document, as an inline SVG.

    Points of files that another one beats in all three (`pareto` is false) are hollow. Where accuracy is the same
    within `SAME_ACCURACY`, there is one panel, and it stands beside the names where it is not the same to the digit.

    Args:
        rows: valid ones, of the same conditions; at least one.
    """
    two = _two_panels(rows)
    label = "Median latency of each file against its size" + (" and its accuracy" if two else "")
    front = [name for row, name in zip(rows, names(rows), strict=True) if row.get("pareto")]
    label += f". Beaten by no other file: {', '.join(front)}" if front else ""
    return svg.inline(
        lambda figure, palette: draw(figure, palette, rows),
        TWO_PANELS_INCHES if two else ONE_PANEL_INCHES,
        name="tradeoff",
        label=label,
    )


def sides(rows: Sequence[Row]) -> str:
    """Which side of the picture is better, and the accuracy where it has no panel of its own."""
    if _two_panels(rows):
        return "Lower left is better in size, upper left in accuracy."
    known = {percent(row["accuracy"]) for row in rows if row["accuracy"] is not None}
    if len(known) == 1:
        return f"Lower left is better. Accuracy of all: {known.pop()}."
    return "Lower left is better." + (" Accuracy stands beside the names." if known else "")


def names(rows: Sequence[Row]) -> list[str]:
    """`onnx int8`, with the provider where it is not the CPU; file names where that does not tell them apart."""
    where = [f" {place_of(row)}" if place_of(row) != "cpu" else "" for row in rows]
    short = [f"{row['format']} {row['precision']}{on}" for row, on in zip(rows, where, strict=True)]
    if len(set(short)) == len(short):
        return short
    return [f"{Path(row['path']).name}{on}" for row, on in zip(rows, where, strict=True)]


def _two_panels(rows: Sequence[Row]) -> bool:
    known = [row["accuracy"] for row in rows if row["accuracy"] is not None]
    return bool(known) and max(known) - min(known) > SAME_ACCURACY


def draw(figure: Figure, palette: Palette, rows: Sequence[Row]) -> None:
    """Draws the picture of these rows on an empty figure."""
    # Of a C source its flash counts: the text is for the compiler.
    rows = [{**row, "size_bytes": row["flash_bytes"] or row["size_bytes"]} for row in rows]
    judged = [row for row in rows if row["accuracy"] is not None]
    two = _two_panels(rows)
    panels: list[Axes] = list(figure.subplots(1, 2 if two else 1, squeeze=False)[0])
    _scatter(panels[0], palette, rows, "size_bytes", size)
    panels[0].set_title("Size in the device")
    _from_zero(panels[0].set_ylim, panels[0].set_yscale, [row["size_bytes"] for row in rows])
    if two:
        _scatter(panels[1], palette, judged, "accuracy", percent)
        panels[1].set_title("Accuracy")
        # At least one percentage point: a hundredth of a point is chance, and must not look like a cliff.
        low, high = min(row["accuracy"] for row in judged), max(row["accuracy"] for row in judged)
        slack = max(0.2 * (high - low), (0.01 - (high - low)) / 2)
        panels[1].set_ylim(low - slack, high + slack)
    for axes, key, shown in zip(panels, ("size_bytes", "accuracy"), (rows, judged), strict=False):
        label_points(axes, [(row["p50_us"], row[key]) for row in shown], _labels(shown, accuracy=not two))


def _labels(rows: Sequence[Row], *, accuracy: bool) -> list[str]:
    """The names, with the accuracy where it has no panel and is not the same of all."""
    said = [None if row["accuracy"] is None else percent(row["accuracy"]) for row in rows]
    if not accuracy or len(set(said)) == 1:
        return names(rows)
    return [name if part is None else f"{name}, {part}" for name, part in zip(names(rows), said, strict=True)]


def _scatter(axes: Axes, palette: Palette, rows: Sequence[Row], key: str, spell: Callable[[Any], str]) -> None:
    for row in rows:
        colour = palette.first if row["precision"] == "fp32" else palette.second
        inside = "none" if row.get("pareto") is False else colour
        axes.plot(row["p50_us"], row[key], "o", color=colour, markerfacecolor=inside, markersize=7, clip_on=False)
    _from_zero(axes.set_xlim, axes.set_xscale, [row["p50_us"] for row in rows])
    axes.xaxis.set_major_formatter(lambda value, _: duration_us(value) if value else "0")
    axes.yaxis.set_major_formatter(lambda value, _: spell(value) if value else "0")
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.yaxis.set_minor_formatter(lambda *_: "")
    axes.set_xlabel("median of one call")


def _from_zero(limit: Callable[..., object], scale: Callable[[str], object], values: Sequence[float]) -> None:
    """A linear axis from zero, so that lengths compare; a logarithmic one where the values lie too far apart."""
    if max(values) > LINEAR_RATIO * min(values):
        scale("log")
        limit(min(values) / 1.6, max(values) * 1.6)
    else:
        limit(0, max(values) * 1.2)
