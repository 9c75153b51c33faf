"""How a network became integers: the recipe, the CPUs on which it is proved, and the layers that stayed in float."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.report.quantities import count, decibels, maybe, percent, share, size
from digitedge.report.step import line, name_of, printable, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

Artifact = dict[str, Any]
Fact = dict[str, Any]


def integers(artifacts: Iterable[Artifact]) -> list[RenderableType]:
    """For each file that a recipe was chosen for: the recipe, how much is in integers, and where that is proved."""
    shown: list[RenderableType] = []
    for artifact in artifacts:
        facts = artifact["facts"]
        if "recipe" in facts and artifact["format"] == "onnx":
            shown += [*_recipe(facts), _proof(artifact)]
            shown += [_sensitivity(facts["sensitivity"])] if "sensitivity" in facts else []
    return shown


def _recipe(facts: Fact) -> Sequence[RenderableType]:
    recipe, weights, macs = facts["recipe"], facts["int8_weights_share"], facts["int8_macs_share"]
    choice = f"the best of {len(recipe['candidates'])} on {count(recipe['chosen_on'])} images that are not for testing"
    shown = [
        line(f"int8 recipe {recipe['name']}, {choice}"),
        line(f"in int8: {percent(weights, 1)} of the weights, {percent(macs, 1)} of the arithmetic"),
    ]
    if facts["size_ratio"] >= 1.0:
        shown.append(line("larger than in float: so few weights take less room than the scales of the integers"))
    return shown


def _proof(artifact: Artifact) -> RenderableType:
    columns = table([f"{name_of(artifact['path'])} on a CPU with"], ["same label"], ["shown by"], note_width=24)
    for proof in artifact["facts"]["proved_on"].values():
        columns.add_row(printable(proof["cpu"]), share(proof["n"] - proof["flips"], proof["n"]), proof["by"])
    return columns


def _sensitivity(rows: Sequence[Fact]) -> RenderableType:
    columns = table(["layer, most sensitive first"], ["SQNR", "kept in", "accuracy", "size"])
    for row in rows:
        columns.add_row(
            printable(row["layer"]),
            maybe(row["sqnr_db"], decibels),
            "float" if row["kept_in_float"] else "int8",
            maybe(row["accuracy"], percent),
            maybe(row["size_bytes"], size),
        )
    return columns
