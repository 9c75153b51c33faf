"""Where a file differs from its original, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.report.quantities import count, decibels, difference, maybe
from digitedge.report.step import Step, name_of, printable, table

if TYPE_CHECKING:
    from rich.console import RenderableType


def step(document: dict[str, Any]) -> Step:
    """The `explain` part of the `export` document."""
    return Step("layers", [_layers(entry) for entry in document["explain"]], None)


def _layers(entry: dict[str, Any]) -> RenderableType:
    columns = table([name_of(entry["path"]), "operator"], ["SQNR", "off by", "values", "bits", "MACs"], [""])
    for row in entry["layers"]:
        columns.add_row(
            printable(row["layer"]),
            row["operator"],
            "exact" if row["sqnr_db"] is None else decibels(row["sqnr_db"]),
            difference(row["max_abs"]),
            f"{row['low']:.3g} to {row['high']:.3g}",
            maybe(row["weight_bits"], str),
            count(row["macs"]) if row["macs"] else "",
            "saturates" if row["saturates"] else "",
        )
    return columns
