"""How fast each file is, and which one to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import count, duration_ms, duration_us, maybe, plural, size
from digitedge.report.step import Step, line, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

Row = dict[str, Any]


def step(document: dict[str, Any]) -> Step:
    """The `bench` document."""
    rows = document["results"]
    columns = table(["file", "provider"], ["p50", "p90", "p99", "load", "first", "memory"], [""])
    for row in rows:
        columns.add_row(
            name_of(row["path"]),
            printable(row["provider"]),
            maybe(row["p50_us"], duration_us),
            maybe(row["p90_us"], duration_us),
            maybe(row["p99_us"], duration_us),
            maybe(row["load_ms"], duration_ms),
            maybe(row["first_ms"], duration_ms),
            maybe(row["rss_bytes"], size),
            state(row),
            style="" if row["valid"] else "red",
        )
    reasons = [
        prose(
            f"{name_of(row['path'])} on {row['provider']}: {row['reason']}.", style="yellow" if row["valid"] else "red"
        )
        for row in rows
        if row["reason"]
    ]
    verdict = document["verdict"]
    body: list[RenderableType] = [line(*conditions(rows)), columns, *reasons]
    return Step("bench", body, prose(verdict), "verdict", quiet=Text(printable(verdict)))


def conditions(rows: Sequence[Row]) -> list[str]:
    """What all rows have in common: threads, batch, calls timed."""
    facts = []
    for key, spell in (("threads", _threads), ("batch", lambda batch: f"batch {batch:,}")):
        facts.append(" and ".join(spell(value) for value in sorted({row[key] for row in rows})))
    timed = sorted(row["n"] for row in rows if row["n"] is not None)
    if timed:
        calls = count(timed[0]) if timed[0] == timed[-1] else f"{count(timed[0])} to {count(timed[-1])}"
        facts.append(f"{calls} calls each")
    return [fact for fact in facts if fact]


def state(row: Row) -> str:
    """What stands beside the figures of a row that should not be trusted."""
    if not row["valid"]:
        return "invalid"
    return "" if row["stable"] else "unstable"


def _threads(threads: int) -> str:
    return plural(threads, "thread")
