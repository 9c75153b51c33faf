"""What a document of several benchmarks still says beside its rows, and how much may be concluded across them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from digitedge.bench.merging import BLOCKS, row_from
from digitedge.measure.latency import STABLE_SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitedge.bench.merging import Source
    from digitedge.bench.row import Row

_KEYS = ("path", "provider", "threads", "batch")


def blocks(sources: Sequence[Source]) -> dict[str, list[dict[str, Any]] | None]:
    """The keys `compare`, `tune` and `profile` of the document of all.

    Each entry is about one row, which it names by its path and whatever else it holds of provider, threads and batch.
    It is kept with its row: where a later document measured the same thing, that document's entry is taken, if any.

    Args:
        sources: the older ones first.

    Returns:
        For each key the entries of all documents; None where none of them has any.
    """
    return {key: _entries(sources, key) for key in BLOCKS}


def cautious(rows: Sequence[Mapping[str, Any]], first: Source) -> list[Row]:
    """The rows for a verdict: of those that another document brings, with intervals that are wider on both sides.

    Rows of one benchmark took turns. Those of another were measured at another time: they may differ by as much as the
    processes of one file that still counts as stable, which is what `bench/comparing.py` allows figures of two days.

    Args:
        rows: of `merging.merge`.
        first: the oldest document; what was merged into it before counts as brought by another.
    """
    strange = {
        (row["path"], row["provider"]) for origin in first.document.get("merged") or () for row in origin["rows"]
    }
    ours = [row for row in first.rows if (row["path"], row["provider"]) not in strange]
    return [row_from(row) if row in ours else _widened(row_from(row)) for row in rows]


def _widened(row: Row) -> Row:
    if row.p50_low_us is None or row.p50_high_us is None:
        return row
    by = 1 + STABLE_SPREAD
    return replace(row, p50_low_us=row.p50_low_us / by, p50_high_us=row.p50_high_us * by)


def _entries(sources: Sequence[Source], key: str) -> list[dict[str, Any]] | None:
    found = []
    for number, source in enumerate(sources):
        places = {old["path"]: row["path"] for old, row in zip(source.document["results"], source.rows, strict=True)}
        later = [row for other in sources[number + 1 :] for row in other.rows]
        for entry in source.document.get(key) or ():
            placed = entry | {"path": places.get(entry["path"], entry["path"])}
            if not any(_is_about(placed, row) for row in later):
                found.append(placed)
    return found or None


def _is_about(entry: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Settings are tuned on the CPU, whose name their entries do not hold."""
    if row.get("io", "copies") != entry.get("io", "copies"):
        return False
    return all(row[key] == entry.get(key, "cpu" if key == "provider" else row[key]) for key in _KEYS)
