"""Against an older benchmark: faster, slower, no difference, or not comparable, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.report.quantities import duration_us, maybe, place, plural
from digitedge.report.step import Step, line, name_of, printable, prose, table
from digitedge.report.steps.bench import place_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import RenderableType

Entry = dict[str, Any]

RESULTS = ("slower", "faster", "no difference", "not comparable")
_STYLES = {"slower": "red", "faster": "green", "no difference": "", "not comparable": "yellow"}
# The old file of today against its recorded time: below this it is the machine's usual unrest.
_DRIFT = 1.10


def step(entries: Sequence[Entry], old: Path) -> Step:
    """The key `compare` of the `bench` document.

    Args:
        entries: one for each row of the older benchmark, one at least.
        old: its bench.json.
    """
    columns = table(["file", "provider"], ["old", "new", "ratio", "interval"], ["result"])
    for entry in entries:
        columns.add_row(
            name_of(entry["path"] or entry["old_path"]),
            printable(place_of(entry)),
            maybe(entry["old_p50_us"], duration_us),
            maybe(entry["p50_us"], duration_us),
            maybe(entry["ratio"], _ratio),
            "" if entry["ratio"] is None else f"{entry['ratio_low']:.2f} to {entry['ratio_high']:.2f}",
            entry["result"],
            style=_STYLES[entry["result"]],
        )
    heading = line("new p50 over old p50", f"old: {printable(place(old))}")
    body: list[RenderableType] = [heading, columns, *map(prose, notes(entries))]
    return Step("compare", body, prose(summary(entries)))


def summary(entries: Sequence[Entry]) -> str:
    """`1 slower (a.onnx 1.10x), 3 no difference.`, the worst first."""
    parts = []
    for result in RESULTS:
        found = [entry for entry in entries if entry["result"] == result]
        named = result in {"slower", "faster"}
        which = ", ".join(f"{_name(entry)} {_ratio(entry['ratio'])}" for entry in found) if named else ""
        if found:
            parts.append(f"{len(found)} {result}" + (f" ({which})" if which else ""))
    return ", ".join(parts) + "."


def notes(entries: Sequence[Entry]) -> list[str]:
    """Each reason once, with the files that it holds for; and whether the machine itself has changed."""
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        if entry["reason"]:
            reasons.setdefault(entry["reason"], []).append(_name(entry))
    everywhere = len(entries)
    notes = [
        f"{'all' if len(names) == everywhere > 1 else ', '.join(names)}: {reason}." for reason, names in reasons.items()
    ]
    moved = [entry for entry in entries if entry["drift"] and not 1 / _DRIFT <= entry["drift"] <= _DRIFT]
    if moved:
        drifts = ", ".join(f"{_name(entry)} {_ratio(entry['drift'])}" for entry in moved)
        notes.append(
            f"The time of {plural(len(moved), 'old file')} has changed since it was recorded ({drifts}): that is this "
            "machine or its libraries, not the new file."
        )
    return notes


def _name(entry: Entry) -> str:
    return name_of(entry["path"] or entry["old_path"])


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}x"
