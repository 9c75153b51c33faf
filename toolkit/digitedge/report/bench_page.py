"""What the page says of a benchmark, prepared for its template. A part that the document does not have is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.report import bench_rows, operator_table, ratio_table, tradeoff_chart
from digitedge.report.circumstances import circumstances, merged
from digitedge.report.confidence import confidence
from digitedge.report.quantities import count, duration_us, energy_uj, maybe
from digitedge.report.steps import compare
from digitedge.report.steps.bench import conditions, crossing, place_of
from digitedge.report.throughput_table import throughput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Document = dict[str, Any]
Row = dict[str, Any]


def floor(row: Row) -> str:
    """What a call costs before any arithmetic: of C it is less than a tenth of a microsecond."""
    return maybe(row["floor_p50_us"], lambda floor_us: duration_us(floor_us) if floor_us >= 0.05 else "< 0.1 µs")  # noqa: PLR2004 (as rounded)


def departs(row: Row) -> str:
    """How far the timed calls' scores are from those of the same images untimed: `same bits`, `1.0e-07`."""
    return maybe(row["departure"], lambda value: "same bits" if value == 0 else f"{value:.1e}")


def same_image(row: Row) -> str:
    """The time of an image that came just before, against that of another: `99 %`."""
    return maybe(row["same_image_ratio"], lambda value: f"{value:.0%}".replace("%", " %"))


FILTERS: dict[str, Callable[..., Any]] = {
    "departs": departs,
    "floor": floor,
    "same_image": same_image,
    "energy": lambda value: maybe(value, energy_uj),
    "per_second": lambda value: maybe(value, lambda known: count(round(known))),
    "times": lambda value: maybe(value, lambda known: f"{known:.2f}x"),
    "whole_percent": lambda value: maybe(value, lambda known: f"{known * 100:.0f} %"),
    "place": place_of,
}


def prepared(document: Document) -> dict[str, Any]:
    """The parts of the `bench` document that a template cannot make of it alone.

    Args:
        document: bench.json, of this version or an older one, which lacks what came later.
    """
    rows = document["results"]
    valid = [row for row in rows if row["valid"]]
    groups = bench_rows.groups(rows)
    first = _charted(valid)
    compared, tuned, profiled = (document.get(key) for key in ("compare", "tune", "profile"))
    return {
        "conditions": _conditions(rows, groups),
        "groups": groups,
        "costs": _costs(groups),
        "batches": any(row["batch"] > 1 for row in rows),
        "footnotes": bench_rows.footnotes(rows),
        "has": {key: any(row.get(key) is not None for row in rows) for key in _OPTIONAL},
        "chart": tradeoff_chart.tradeoff(first) if first else None,
        "sides": tradeoff_chart.sides(first) if first else None,
        "charted": bench_rows.heading(bench_rows.condition(first[0])) if len(groups) > 1 and first else None,
        "front": any(row.get("pareto") is False for row in first),
        "throughput": throughput(rows),
        "crossover": [crossing(entry) for entry in document.get("crossover") or ()],
        "confidence": confidence(document),
        "compare": ratio_table.compared(compared) if compared else None,
        "compare_notes": compare.notes(compared) if compared else [],
        "tune": ratio_table.tuned(tuned) if tuned else None,
        "profile": operator_table.profiled(profiled) if profiled else None,
        "circumstances": circumstances(document),
        "merged": merged(document),
    }


_OPTIONAL = ("accuracy", "agreement", *bench_rows.LATER)


def _costs(groups: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each file once on each provider, under the first of its conditions: what it costs hardly depends on them."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for group in groups:
        for shown in group["rows"]:
            found.setdefault((shown["row"]["path"], shown["on"]), shown)
    return list(found.values())


def _charted(valid: Sequence[Row]) -> list[Row]:
    """Those of one condition, the smallest, with copies: each file once on each provider."""
    rows = [row for row in valid if row.get("io", "copies") == "copies"]
    least = min((bench_rows.condition(row) for row in rows), default=None)
    return [row for row in rows if bench_rows.condition(row) == least]


def _conditions(rows: Sequence[Row], groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """What all rows have in common; `the engine alone` where they begin and end with it."""
    alone = not any(row.get("end_to_end") for row in rows)
    return [*conditions(rows), *(["the engine alone"] if alone and rows else []), *_loop(rows)] if groups else []


def _loop(rows: Sequence[Row]) -> list[str]:
    by = list(dict.fromkeys(row["timed_by"] for row in rows if row.get("timed_by")))
    return [f"timed by a {by[0]}"] if len(by) == 1 else []
