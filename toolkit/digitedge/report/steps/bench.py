"""How fast each file is, and which one to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.quantities import count, duration_ms, duration_us, energy_uj, maybe, plural, size
from digitedge.report.step import Step, line, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

Row = dict[str, Any]


def step(document: dict[str, Any]) -> Step:
    """The `bench` document."""
    rows = document["results"]
    varying = _varying(rows)
    last = {"images/s": _images_per_s} if varying else _USUAL
    columns = table(["file", "provider"], [*varying, "p50", "p90", "p99", *last], [""])
    for row in rows:
        columns.add_row(
            name_of(row["path"]),
            printable(row["provider"]),
            *(count(row[key]) for key in varying),
            maybe(row["p50_us"], duration_us),
            maybe(row["p90_us"], duration_us),
            maybe(row["p99_us"], duration_us),
            *(spell(row) for spell in last.values()),
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
    body: list[RenderableType] = [line(*conditions(rows)), columns, *reasons, *_energy(rows)]
    return Step("bench", body, prose(verdict), "verdict", quiet=Text(printable(verdict)))


def _energy(rows: Sequence[Row]) -> list[RenderableType]:
    """A sentence where the counters of the processor could be read; nothing elsewhere."""
    known = [(name_of(row["path"]), row["energy_uj"]) for row in rows if row.get("energy_uj") is not None]
    if not known:
        return []
    each = ", ".join(f"{name} {energy_uj(spent)}" for name, spent in known)
    return [prose(f"Energy of one call, of the whole processor and with what it takes while idle: {each}.")]


def conditions(rows: Sequence[Row]) -> list[str]:
    """What all rows have in common: threads, batch, calls timed, and whether from pixels to labels."""
    facts, varying = [], _varying(rows)
    for key, spell in (("threads", _threads), ("batch", lambda batch: f"batch {batch:,}")):
        facts += [spell(rows[0][key])] if rows and key not in varying else []
    if any(row.get("end_to_end") for row in rows):
        facts.append("from pixels to labels")
    made = sorted({row["processes"] for row in rows if row.get("processes")})
    if len(made) > 1:  # Keras has fewer
        facts.append(f"{made[0]} to {made[-1]} processes")
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


def _varying(rows: Sequence[Row]) -> list[str]:
    """What is not the same in all rows, and so needs a column."""
    return [key for key in ("threads", "batch") if len({row[key] for row in rows}) > 1]


def _images_per_s(row: Row) -> str:
    return maybe(row["images_per_s"], lambda value: count(round(value)))


_USUAL: dict[str, Callable[[Row], str]] = {
    "load": lambda row: maybe(row["load_ms"], duration_ms),
    "first": lambda row: maybe(row["first_ms"], duration_ms),
    "memory": lambda row: maybe(row["rss_bytes"], size),
}


def _threads(threads: int) -> str:
    return plural(threads, "thread")
