"""Images per second by batch, for each file on each provider that was measured with several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report import cell_marks
from digitedge.report.steps.bench import place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]


def throughput(rows: Sequence[Row]) -> dict[str, Any] | None:
    """What the page shows of several batches; None where no file was measured with two at least.

    Returns:
        `batches`, every size that occurs; `threads` and `ends`, whether the files differ in their threads and in
        where a call begins and ends; and `lines`, one for each file and way to run it, with
        file, on, threads, end_to_end: what it is;
        rates: images per second for each of `batches`; None where not measured;
        best: the largest of them;
        chart: their course as an `<svg>`.
    """
    found: dict[tuple[str, str, int, bool], dict[int, float]] = {}
    for row in rows:
        if row["valid"] and row.get("images_per_s") is not None:
            key = row["path"], place_of(row), row["threads"], bool(row.get("end_to_end"))
            found.setdefault(key, {})[row["batch"]] = row["images_per_s"]
    several = {key: rates for key, rates in found.items() if len(rates) > 1}
    if not several:
        return None
    batches = sorted({batch for rates in several.values() for batch in rates})
    lines = [_line(key, rates, batches) for key, rates in several.items()]
    return {
        "batches": batches,
        "threads": len({line["threads"] for line in lines}) > 1,
        "ends": len({line["end_to_end"] for line in lines}) > 1,
        "lines": sorted(lines, key=lambda line: -float(line["best"])),
    }


def _line(key: tuple[str, str, int, bool], rates: dict[int, float], batches: Sequence[int]) -> dict[str, Any]:
    path, on, threads, end_to_end = key
    return {
        "file": Path(path).name,
        "on": on,
        "threads": threads,
        "end_to_end": end_to_end,
        "rates": [rates.get(batch) for batch in batches],
        "best": max(rates.values()),
        "chart": cell_marks.line([rates[batch] for batch in sorted(rates)]),
    }
