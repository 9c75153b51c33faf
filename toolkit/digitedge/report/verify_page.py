"""What the page says of a verification, prepared for its template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.measure.limits import table
from digitedge.report import layer_chart, pictures, shift_chart
from digitedge.report.flips import said
from digitedge.report.quantities import decibels, maybe
from digitedge.report.steps import layers, self_test, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from digitedge.artifact import Golden

Document = dict[str, Any]
Row = dict[str, Any]

# A network may have a thousand classes.
CLASSES_LISTED = 20


def layer_sqnr(layer: Row, key: str) -> str:
    """Decibels; `exact` where no number differs, a dash where there is none to compare."""
    if layer["not_finite"]:
        return "not finite"
    if layer[key] is None and layer["max_abs"] is not None:
        return "exact"
    return maybe(layer[key], decibels)


FILTERS: dict[str, Callable[..., Any]] = {
    "row_name": verify.row_name,
    "engine": verify.engine_of,
    "same": verify.same,
    "between": verify.between,
    "said": said,
    "layers_verdict": layers.verdict,
    "layer_sqnr": layer_sqnr,
}


def prepared(document: Document, golden: Golden | None) -> dict[str, Any]:
    """The parts of the `verify` document that a template cannot make of it alone.

    Args:
        document: verify.json.
        golden: the images; None where they are not recorded.
    """
    results = document["results"]
    return {
        "files": len({row["path"] for row in results}),
        "failed_files": len({row["path"] for row in results if not row["passed"]}),
        "flips": [_flipped(rows, results, golden) for rows in _by_flips(results)],
        "elsewhere": list(verify.elsewhere(results)),
        "notes": list(verify.notes(document)),
        "limits": table(),
        "charts": _charts(document),
        "controls": _controls(document["self_test"]),
    }


def worst_classes(per_class: Sequence[Row]) -> Sequence[Row]:
    """The classes that a page lists: all of a few; of many those with changed labels, most first."""
    if len(per_class) <= CLASSES_LISTED:
        return per_class
    changed = [one for one in per_class if one["flips"]]
    return sorted(changed, key=lambda one: -one["flips"])[:CLASSES_LISTED]


def _by_flips(results: Iterable[Row]) -> Iterable[list[Row]]:
    """The rows with flips, those with the very same ones together: they share their pictures."""
    sets: dict[tuple[Any, ...], list[Row]] = {}
    for row in results:
        if row["flip_details"]:
            same = tuple((flip["place"], flip["label_candidate"]) for flip in row["flip_details"])
            sets.setdefault(same, []).append(row)
    return sets.values()


def _flipped(rows: Sequence[Row], results: Sequence[Row], golden: Golden | None) -> dict[str, Any]:
    return {
        "names": [verify.row_name(row, results) for row in rows],
        "row": rows[0],
        "shown": pictures.flips(golden, rows[0]) if golden else [],
        "classes": worst_classes(rows[0]["per_class"]),
    }


def _charts(document: Document) -> dict[str, str]:
    drawn = {
        "layers": layer_chart.layers(document["layers"]) if document["layers"] else None,
        "shift": shift_chart.shift(document["shift"]) if document["shift"] else None,
    }
    return {name: chart for name, chart in drawn.items() if chart is not None}


def _controls(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """The verdict on the negative controls, and their rows, one mutation after the other."""
    if found is None:
        return None
    mutations: dict[str, list[Row]] = {}
    for row in found["results"]:
        mutations.setdefault(row["mutation"], []).append(row)
    return {"verdict": self_test.verdict(found).plain, "mutations": list(mutations.values())}
