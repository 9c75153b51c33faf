"""From which batch on an accelerator is worth its way: the images that a call must hold for it to beat the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.bench.verdict import faster_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from digitedge.bench.row import Row


def crossover(rows: Sequence[Row]) -> list[dict[str, Any]] | None:
    """The key `crossover` of the `bench` document.

    A provider beats the CPU from a batch on if, at that and at every larger batch that was measured on both, a call of
    it takes less time than the CPU's with the best number of threads: proved as in the verdict (`verdict.faster_by`),
    by intervals that do not touch and 3 % at least. Nothing is subtracted, and nothing is said of batches in between.

    Args:
        rows: of one benchmark, or of several that were merged.

    Returns:
        One entry for each file, provider and `io`, with the keys
        path, provider, io: as of its rows.
        batch: the smallest such batch; null where the CPU is not beaten at the largest.
        ratio, ratio_low, ratio_high: the provider's median over the CPU's at that batch, below 1 where it is faster,
            and its interval; at the largest batch where `batch` is null.
        batches: that were measured on both.
        None where no file has valid times for two batches, both on the CPU and on another provider.
    """
    timed = [row for row in rows if row.valid and row.format == "onnx" and None not in _figures(row)]
    places = dict.fromkeys((_file(row), row.provider, row.io) for row in timed if row.provider != "cpu")
    entries = []
    for file, provider, io in places:
        theirs = _fastest(row for row in timed if (_file(row), row.provider, row.io) == (file, provider, io))
        ours = _fastest(row for row in timed if (_file(row), row.provider, row.io) == (file, "cpu", "copies"))
        pairs = {batch: (theirs[batch], ours[batch]) for batch in sorted(theirs.keys() & ours.keys())}
        if len(pairs) > 1:
            entries.append(_entry(pairs))
    return entries or None


def _file(row: Row) -> tuple[str, bool]:
    """Which file it is, wherever it lies, and from where to where it is timed."""
    return row.sha256 or str(row.path), row.end_to_end


def _fastest(rows: Iterable[Row]) -> dict[int, Row]:
    """For each batch that row of several numbers of threads whose median is the smallest."""
    found: dict[int, Row] = {}
    for row in sorted(rows, key=lambda row: row.p50_us or 0.0):
        found.setdefault(row.batch, row)
    return found


def _entry(pairs: dict[int, tuple[Row, Row]]) -> dict[str, Any]:
    first = None
    for batch in sorted(pairs, reverse=True):
        if faster_by(*pairs[batch]) is None:
            break
        first = batch
    theirs, ours = pairs[max(pairs) if first is None else first]
    (low, p50, high), (low_cpu, p50_cpu, high_cpu) = _figures(theirs), _figures(ours)
    return {
        "path": str(theirs.path),
        "provider": theirs.provider,
        "io": theirs.io,
        "batch": first,
        "ratio": p50 / p50_cpu,
        "ratio_low": low / high_cpu,
        "ratio_high": high / low_cpu,
        "batches": list(pairs),
    }


def _figures(row: Row) -> tuple[Any, Any, Any]:
    return row.p50_low_us, row.p50_us, row.p50_high_us
