"""Where each file departs from its original, layer by layer.

`own dB` is the signal over the noise that a layer adds to the file's own inputs, `least` what the precision of the file
explains, `so far` that of everything up to there. `labels` counts the images whose label changes by that layer, and
`moves` is how far it moves the scores, as a share of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import count, maybe, percent, plural
from digitedge.report.step import Step, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

# Of a name and of a kind: the figures take the other columns of the page.
_WIDEST, _KIND = 27, 12
_LEAST_SHARE = 5e-5  # what two digits of a percentage show


def step(document: dict[str, Any]) -> Step:
    """The `layers` part of the `verify` document."""
    entries = document["layers"]
    body: list[RenderableType] = []
    for entry in entries:
        body += [_layers(entry)] if entry["layers"] else []
        body += [prose(verdict(entry), style="red" if entry["first_departing"] else "")]
    return Step("layers", body, _summary(entries))


def verdict(entry: dict[str, Any]) -> str:
    """A sentence about one file: which layer departs first, and which contributes most."""
    name = name_of(entry["path"])
    if entry["note"]:
        return f"{name}: {entry['note'].rstrip('.')}."
    most = entry["contributes_most"]
    if entry["first_departing"] is None:
        contributes = f"; {printable(most)} contributes most" if most else ""
        return f"{name}: no layer departs by more than its precision explains{contributes}."
    row = next(row for row in entry["layers"] if row["departs"])
    first = f"{name} departs first at {printable(row['layer'])} ({row['departs']})"
    if most is None:
        return f"{first}."
    return (
        f"{first}, which contributes most." if most == row["layer"] else f"{first}; {printable(most)} contributes most."
    )


def _summary(entries: Sequence[dict[str, Any]]) -> Text:
    looked = [entry for entry in entries if entry["layers"]]
    departing = [entry for entry in looked if entry["first_departing"]]
    if departing:
        verb = "departs" if len(departing) == 1 else "depart"
        return Text(f"{count(len(departing))} of {plural(len(looked), 'file')} {verb} in a layer.", "bold red")
    if not looked:
        return Text("No file has layers that can be looked at.", "yellow")
    return Text(f"No layer of {plural(len(looked), 'file')} departs by more than its precision explains.", "green")


def _layers(entry: dict[str, Any]) -> RenderableType:
    name = shorter(name_of(entry["path"]))
    columns = table([name, "kind"], ["own dB", "least", "so far", "labels", "moves"])
    for row in entry["layers"]:
        columns.add_row(
            shorter(printable(row["layer"])),
            row["kind"].replace("2D", "")[:_KIND],
            own(row),
            maybe(row["least_sqnr_db"], _one_digit),
            figure(row, row["sqnr_db"]),
            maybe(row["labels"], count),
            maybe(row["moves"], _moves),
            style="red" if row["departs"] else "",
        )
    return columns


def _moves(part: float) -> str:
    """A share of the scores; what is next to nothing is not spelled out."""
    return percent(part) if part >= _LEAST_SHARE else "" if part == 0 else "< 0.01 %"


def _one_digit(value: float) -> str:
    return f"{value:.1f}"


def own(row: dict[str, Any]) -> str:
    """What a layer adds of its own, in decibels."""
    return "NaN" if row["not_finite"] else figure(row, row["own_sqnr_db"])


def figure(row: dict[str, Any], sqnr_db: float | None) -> str:
    """Decibels; `exact` where no number differs, a dash where there is none to compare."""
    if sqnr_db is None and row["max_abs"] is not None:
        return "exact"
    return maybe(sqnr_db, _one_digit)


def shorter(name: str) -> str:
    """A name of many merged layers, by its first and last letters."""
    half = (_WIDEST - 3) // 2
    return name if len(name) <= _WIDEST else f"{name[:half]}...{name[-half:]}"
