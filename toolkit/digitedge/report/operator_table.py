"""Where the time of a call goes, operator by operator: the key `profile` of the `bench` document, for its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.report import cell_marks
from digitedge.report.steps import profile

if TYPE_CHECKING:
    from collections.abc import Sequence

Entry = dict[str, Any]
# Of a file: a page has room for more than a terminal, not for a thousand.
SHOWN = 12


def profiled(entries: Sequence[Entry]) -> dict[str, Any]:
    """What the page shows of the profiles.

    Args:
        entries: one at least.

    Returns:
        `summary`, a sentence; `note`, that these times are not the latency; `files`, each with file, entry and its
        `operators` (operator, layer, share, mean_us, bar; the smallest ones in one line); and `unknown`, a sentence
        for each reason why nothing is known of files.
    """
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        if entry["operators"] is None and entry["reason"]:
            reasons.setdefault(entry["reason"], []).append(Path(entry["path"]).name)
    known = [entry for entry in entries if entry["operators"]]
    return {
        "summary": profile.summary(entries),
        "note": profile.NOTE,
        "files": [
            {"file": Path(entry["path"]).name, "entry": entry, "operators": _operators(entry)} for entry in known
        ],
        "unknown": [f"{', '.join(files)}: {reason}." for reason, files in reasons.items()],
    }


def _operators(entry: Entry) -> list[dict[str, Any]]:
    operators = entry["operators"]
    # One left over takes the line that "1 more" would take.
    shown = operators if len(operators) <= SHOWN + 1 else operators[:SHOWN]
    rest = operators[len(shown) :]
    lines = [{key: one[key] for key in ("operator", "layer", "share", "mean_us")} for one in shown]
    if rest:
        sums = {key: sum(one[key] for one in rest) for key in ("share", "mean_us")}
        lines.append({"operator": f"{len(rest)} more", "layer": None, **sums})
    return [{**one, "bar": cell_marks.share_bar(one["share"])} for one in lines]
