"""The rows of a benchmark as a page shows them: those that can be compared together, the fastest first."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report import cell_marks
from digitedge.report.quantities import MISSING, count, plural
from digitedge.report.steps.bench import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]
# Beyond this ratio the bars of the fast files could not be told apart.
LINEAR_RATIO = 25
FOOTNOTES = 4
PERCENTILES = {"p90_us": "p90", "p99_us": "p99", "p999_us": "p99.9"}
TIMES = ("p50_us", "p50_low_us", "p50_high_us", *PERCENTILES, "floor_p50_us", "images_per_s", "load_ms", "first_ms")
# Keys that rows have had only since some version.
LATER = ("disagreement", "energy_uj", "engine", "timed_by", "processes", "departure", "same_image_ratio")


def condition(row: Row) -> tuple[int, int, bool]:
    """Threads, batch, and whether from pixels to labels: only rows that agree in these can be compared."""
    return row["threads"], row["batch"], bool(row.get("end_to_end"))


def groups(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows by their conditions, the smallest batch first.

    Returns:
        For each group `heading`, in words; `logarithmic`, the scale of its bars; `condition`; and `rows`, the fastest
        first and those that are not valid last, each with
        row: the entry of the document;
        on: the provider, and how it is called where that is not with copies;
        bar: the median and its interval as an `<svg>`; empty without a time;
        interval: the same in words;
        missing: why a percentile is not known, by its key.
    """
    found: dict[tuple[int, int, bool], list[Row]] = {}
    for row in rows:
        found.setdefault(condition(row), []).append(row)
    return [_group(key, found[key]) for key in sorted(found)]


def heading(key: tuple[int, int, bool]) -> str:
    """`1 thread, batch 8, from pixels to labels`."""
    threads, batch, end_to_end = key
    words = f"{plural(threads, 'thread')}, batch {count(batch)}"
    return f"{words}, from pixels to labels" if end_to_end else words


def name(row: Row, rows: Iterable[Row]) -> str:
    """The file's name, with its place where the benchmark had several."""
    file = Path(row["path"]).name
    return file if len({place_of(other) for other in rows}) == 1 else f"{file} on {place_of(row)}"


def completed(row: Row) -> Row:
    """A row with every key that a page asks for; None for what an older version of digitedge did not measure.

    One that is not valid has no time, even where its document has one: it must not be read as a result.
    """
    void = {} if row["valid"] else dict.fromkeys((*TIMES, "rss_bytes", "energy_uj"))
    return {**dict.fromkeys((*TIMES, *LATER)), **row, **void}


def footnotes(rows: Sequence[Row]) -> list[str]:
    """Why percentiles are missing: of few rows with the file and the reason, of many by how many calls are needed."""
    missing = [
        (PERCENTILES[key], why, name(row, rows))
        for row in rows
        if row["valid"]
        for key, why in (row.get("percentiles_missing") or {}).items()
    ]
    if len(missing) <= FOOTNOTES:
        return [f"{percentile} of {file}: {why}." for percentile, why, file in missing]
    counted = Counter((percentile, why.split(";")[0]) for percentile, why, _ in missing)
    where = "how many there were stands below, in how it was measured"
    return [f"{percentile} of {plural(n, 'row')}: {needed}; {where}." for (percentile, needed), n in counted.items()]


def between(low_us: float | None, high_us: float | None) -> str:
    """An interval of a latency in three digits: `25.2 to 25.8 µs`."""
    if low_us is None or high_us is None:
        return MISSING
    divisor, unit = (1e6, "s") if high_us >= 1e6 else (1e3, "ms") if high_us >= 1e3 else (1.0, "µs")  # noqa: PLR2004
    low, high = (_three_digits(value / divisor) for value in (low_us, high_us))
    return f"{low} to {high} {unit}" if low != high else f"{low} {unit}"


def _three_digits(value: float) -> str:
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"  # noqa: PLR2004 (as rounded)


def _group(key: tuple[int, int, bool], rows: Sequence[Row]) -> dict[str, Any]:
    shown = sorted((completed(row) for row in rows), key=_speed)
    timed = [row for row in shown if row["p50_us"] is not None]
    scale = None
    if timed:
        ends = [row.get("p50_high_us") or row["p50_us"] for row in timed]
        scale = cell_marks.scale_of([*(row["p50_us"] for row in timed), *ends], linear_ratio=LINEAR_RATIO)
    return {
        "heading": heading(key),
        "condition": key,
        "logarithmic": bool(scale and scale.logarithmic),
        "rows": [_shown(row, scale) for row in shown],
    }


def _shown(row: Row, scale: cell_marks.Scale | None) -> dict[str, Any]:
    low, high, p50_us = row.get("p50_low_us"), row.get("p50_high_us"), row["p50_us"]
    return {
        "row": row,
        "on": place_of(row),
        "bar": "" if scale is None or p50_us is None else cell_marks.bar(scale, p50_us, low, high),
        "interval": between(low, high),
        "missing": row.get("percentiles_missing") or {},
    }


def _speed(row: Row) -> tuple[bool, float]:
    return row["p50_us"] is None, row["p50_us"] or 0.0
