"""The negative controls: what was done to the right files, and whether the check that is meant to catch it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import MISSING, plural, share
from digitedge.report.step import Step, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

_NOTE = 40

Row = dict[str, Any]


def step(document: dict[str, Any]) -> Step:
    """`self_test` of the `verify` document."""
    found = document["self_test"]
    columns = table(["made wrong", "caught by"], ["files"], ["what is wrong"], note_width=_NOTE)
    for rows in _by_mutation(found["results"]).values():
        applicable = [row for row in rows if row["applicable"]]
        caught = sum(row["caught"] for row in applicable)
        files = share(caught, len(applicable)) if applicable else MISSING
        style = "" if caught == len(applicable) else "bold red"
        columns.add_row(rows[0]["mutation"], rows[0]["expects"], Text(files, style), rows[0]["says"])
    return Step("controls", [columns, *_absent(found["results"]), *_missed(found["results"])], verdict(found))


def verdict(found: dict[str, Any]) -> Text:
    """How many wrong files were rejected as they must be."""
    caught, applicable = found["caught"], found["applicable"]
    if caught < applicable:
        return Text(f"{share(applicable - caught, applicable)} wrong files were not caught.", "bold red")
    if not found["passed"]:
        return Text(f"{plural(applicable, 'wrong file')} could be made: too few to prove the checks.", "bold red")
    words = f"{share(caught, applicable)} wrong files were rejected, each by the check that is meant to catch it."
    return Text(words, "green")


def _by_mutation(results: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in results:
        groups.setdefault(row["mutation"], []).append(row)
    return groups


def _absent(results: Sequence[Row]) -> list[RenderableType]:
    """What the dash in the table means, where there is one."""
    groups = _by_mutation(results).values()
    absent = any(not any(row["applicable"] for row in rows) for rows in groups)
    return [prose(f"{MISSING}  these files have no place for that.", "dim")] if absent else []


def _missed(results: Sequence[Row]) -> list[RenderableType]:
    """Each wrong file that went through the check that should have caught it."""
    lines: list[RenderableType] = []
    for row in results:
        if row["applicable"] and not row["caught"]:
            instead = f"it fails {', '.join(row['failed'])} instead" if row["failed"] else "it passes every check"
            name = name_of(row["path"])
            words = f"{name}, {row['mutation']}: {row['expects']} does not catch it; {instead}."
            lines.append(prose(printable(words), style="red"))
    return lines
