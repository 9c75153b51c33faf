"""How fast each file is, and which one to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from digitedge.report.confidence import confidence
from digitedge.report.quantities import count, duration_ms, duration_us, energy_uj, maybe, percent, plural, size
from digitedge.report.step import Step, line, name_of, printable, prose, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

Row = dict[str, Any]


def step(document: dict[str, Any]) -> Step:
    """The `bench` document."""
    rows = document["results"]
    placed, varying, last = _places(rows), _varying(rows), _last(rows)
    columns = table(["file", *placed], [*varying, "p50", "p99", *last], [""])
    for row in rows:
        columns.add_row(
            name_of(row["path"]),
            *(spell(row) for spell in placed.values()),
            *(count(row[key]) for key in varying),
            maybe(row["p50_us"], duration_us),
            maybe(row["p99_us"], duration_us),
            *(spell(row) for spell in last.values()),
            state(row),
            style="" if row["valid"] else "red",
        )
    reasons = [
        prose(f"{name_of(row['path'])} on {place_of(row)}: {row['reason']}.", style="yellow" if row["valid"] else "red")
        for row in rows
        if row["reason"]
    ]
    verdict = document["verdict"]
    body: list[RenderableType] = [line(*conditions(rows)), columns, *reasons, *_energy(rows), *_crossings(document)]
    body += [prose(sentence) for sentence in [confidence(document)] if sentence]
    return Step("bench", body, prose(verdict), "verdict", quiet=Text(printable(verdict)))


def _energy(rows: Sequence[Row]) -> list[RenderableType]:
    """A sentence where the counters of the processor could be read; nothing elsewhere."""
    known = [(name_of(row["path"]), row["energy_uj"]) for row in rows if row.get("energy_uj") is not None]
    if not known:
        return []
    each = ", ".join(f"{name} {energy_uj(spent)}" for name, spent in known)
    return [prose(f"Energy of one call, of the whole processor and with what it takes while idle: {each}.")]


def conditions(rows: Sequence[Row]) -> list[str]:
    """What all rows have in common: provider, threads, batch, calls timed, and whether from pixels to labels."""
    facts, varying = [], _varying(rows)
    if rows and not _places(rows):
        facts.append("on the CPU" if rows[0]["provider"] == "cpu" else f"on {printable(place_of(rows[0]))}")
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


def place_of(row: Row) -> str:
    """The provider of a row, or an entry of `crossover`; how it is called where that is not with copies."""
    way = {"copies": "", "device": ", no copies", "graph": ", graph"}[row.get("io", "copies")]
    return f"{row['provider']}{way}"


def _crossings(document: dict[str, Any]) -> list[RenderableType]:
    """A sentence for each accelerator and file: from which batch on it beats the CPU."""
    return [prose(crossing(entry)) for entry in document.get("crossover") or ()]


def crossing(entry: dict[str, Any]) -> str:
    """The sentence for one entry of `crossover`."""
    who, largest = f"{name_of(entry['path'])} on {place_of(entry)}", entry["batches"][-1]
    if entry["batch"] is None:
        return f"{who} does not beat the CPU at any batch up to {largest:,}."
    faster = 1 / entry["ratio"]
    ratio = f"{faster:.2f}x" if faster < 2 else f"{faster:.1f}x"  # noqa: PLR2004 (as in the verdict)
    return f"{who} beats the CPU from a batch of {entry['batch']:,} on: {ratio} at {entry['batch']:,}."


def state(row: Row) -> str:
    """What stands beside the figures of a row that should not be trusted."""
    if not row["valid"]:
        return "invalid"
    return "" if row["stable"] else "unstable"


def _varying(rows: Sequence[Row]) -> list[str]:
    """What is not the same in all rows, and so needs a column."""
    return [key for key in ("threads", "batch") if len({row[key] for row in rows}) > 1]


def _places(rows: Sequence[Row]) -> dict[str, Callable[[Row], str]]:
    """The column of the provider, where there is more than one place."""
    return {"provider": lambda row: printable(place_of(row))} if len({place_of(row) for row in rows}) > 1 else {}


def _last(rows: Sequence[Row]) -> dict[str, Callable[[Row], str]]:
    """What stands behind the times, as far as 100 columns hold it."""
    judged = {key: _JUDGED[key] for key in _JUDGED if any(row[key] is not None for row in rows)}
    judged = dict(list(judged.items())[:1])  # where labels are known, accuracy says more
    # `cuda, no copies` leaves no room for the usual ones, nor does another column.
    if _varying(rows) or any(row.get("io", "copies") != "copies" for row in rows):
        return {"images/s": lambda row: maybe(row["images_per_s"], lambda value: count(round(value)))} | judged
    return (_USUAL if _places(rows) else _USUAL | {"size": lambda row: size(_stored_bytes(row))}) | judged


def _stored_bytes(row: Row) -> int:
    """What the file takes in a device."""
    flash_bytes: int | None = row.get("flash_bytes")
    return row["size_bytes"] if flash_bytes is None else flash_bytes


_USUAL: dict[str, Callable[[Row], str]] = {
    "first": lambda row: maybe(row["first_ms"], duration_ms),
    "memory": lambda row: maybe(row["rss_bytes"], size),
}
_JUDGED: dict[str, Callable[[Row], str]] = {
    "accuracy": lambda row: maybe(row["accuracy"], percent),
    "agreement": lambda row: maybe(row["agreement"], percent),
}


def _threads(threads: int) -> str:
    return plural(threads, "thread")
