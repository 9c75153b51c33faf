"""Ratios of times with their intervals, as forest plots: new against old, and tuned against usual."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report import cell_marks
from digitedge.report.steps import compare, tune
from digitedge.runtime.session_settings import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

Entry = dict[str, Any]

_KINDS = {"faster": "good", "slower": "bad", "no difference": "faint", "not comparable": "faint"}


def compared(entries: Sequence[Entry]) -> dict[str, Any]:
    """The key `compare` of the `bench` document, for its table.

    Args:
        entries: one at least.

    Returns:
        `summary`, a sentence; `axis`, the scale as an `<svg>`, empty where nothing is comparable; and `rows`, each with
        file, entry, kind (a colour's name) and chart.
    """
    known = [entry for entry in entries if entry["ratio"] is not None]
    scale = cell_marks.ratio_scale([entry[end] for entry in known for end in ("ratio_low", "ratio_high")])
    return {
        "summary": compare.summary(entries),
        "axis": cell_marks.ratio_axis(scale) if known else "",
        "rows": [
            {
                "file": Path(entry["path"] or entry["old_path"]).name,
                "entry": entry,
                "kind": _KINDS[entry["result"]],
                "chart": _ratio(scale, entry) if known else "",
            }
            for entry in entries
        ],
    }


def tuned(entries: Sequence[Entry]) -> dict[str, Any]:
    """The key `tune` of the `bench` document, for its table.

    Ratios are drawn as those of times, below 1 where the settings are faster, so that left is faster in every picture;
    the gain in words is the other way round.

    Args:
        entries: one at least.

    Returns:
        `summary`, a sentence; `unsteady`, others; `axis` as above; and `rows`, each with file, entry, chart, verdict in
        words, and `tried`, the settings that were tried: words, p50_us, the ratio to the usual session, and a bar.
    """
    known = [entry for entry in entries if entry["gain"] is not None]
    scale = cell_marks.ratio_scale([entry[end] for entry in known for end in ("gain_low", "gain_high")])
    return {
        "summary": tune.summary(entries),
        "unsteady": tune.unsteady(entries),
        "axis": cell_marks.ratio_axis(scale) if known else "",
        "rows": [
            {
                "file": Path(entry["path"]).name,
                "entry": entry,
                "chart": _gain(scale, entry) if known else "",
                "interval": tune.interval(entry),
                "verdict": _tune_verdict(entry),
                "tried": _tried(entry),
            }
            for entry in entries
        ],
    }


def _ratio(scale: cell_marks.Scale, entry: Entry) -> str:
    if entry["ratio"] is None:
        return cell_marks.no_ratio(scale)
    return cell_marks.ratio(scale, entry["ratio"], entry["ratio_low"], entry["ratio_high"], _KINDS[entry["result"]])


def _gain(scale: cell_marks.Scale, entry: Entry) -> str:
    if entry["gain"] is None:
        return cell_marks.no_ratio(scale)
    gain, low, high = (1 / entry[key] for key in ("gain", "gain_low", "gain_high"))
    return cell_marks.ratio(scale, gain, min(low, high), max(low, high), "good" if entry["proved"] else "faint")


def _tune_verdict(entry: Entry) -> str:
    if entry["reason"]:
        return str(entry["reason"])
    return f"{tune.times(entry['gain'])} faster" if entry["proved"] else "no proved gain"


def _tried(entry: Entry) -> list[dict[str, Any]]:
    """The settings of the first, brief measurement, the fastest first and those that were lost last."""
    usual, known = SessionSettings(**entry["usual_options"]), [one for one in entry["screened"] if one["p50_us"]]
    lost = [one for one in entry["screened"] if not one["p50_us"]]
    if not entry["screened"]:
        return []
    scale = cell_marks.scale_of([one["p50_us"] for one in known], linear_ratio=float("inf")) if known else None
    tried = []
    for one in [*sorted(known, key=lambda one: float(one["p50_us"])), *lost]:
        settings = SessionSettings(**one["options"])
        tried.append(
            {
                "words": settings.words() + (" (usual)" if settings == usual else ""),
                "p50_us": one["p50_us"],
                "bar": cell_marks.bar(scale, one["p50_us"], None, None) if scale and one["p50_us"] else "",
            }
        )
    return tried
