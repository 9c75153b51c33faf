"""What more seconds of timing have bought: MLPerf's number of calls behind a percentile."""

from __future__ import annotations

import math
from typing import Any

from digitedge.config import BenchConfig
from digitedge.measure.statistics import CONFIDENT_SAMPLES

_NEEDED = CONFIDENT_SAMPLES[99.0]
_HOUR = 3600
# What a call takes drifts by a few percent from one benchmark to the next.
_RESERVE = 1.1


def confidence(document: dict[str, Any]) -> str:
    """Which percentiles have MLPerf's 99 % confidence, or what would buy it; "" with the usual number of seconds.

    Args:
        document: of `bench`.
    """
    seconds = document.get("seconds")
    rows = [row for row in document["results"] if row["valid"] and row.get("confident") is not None]
    if not rows or seconds is None or seconds <= BenchConfig().seconds:
        return ""
    sure = sum("p99_us" in row["confident"] for row in rows)
    if sure == len(rows):
        return f"Every p99 has 99 % confidence, as MLPerf counts it: {_NEEDED:,} calls or more."
    asked = f"the {_NEEDED:,} calls that MLPerf asks for a p99 with 99 % confidence"
    return f"Rows with {asked}: {sure} of {len(rows)}. {_cure(rows)}."


def _cure(rows: list[dict[str, Any]]) -> str:
    """How many seconds would be enough for the slowest."""
    needed = math.ceil(max(row["mean_us"] for row in rows) / 1e6 * _NEEDED * _RESERVE)
    if needed > _HOUR:
        return f"The slowest would take {needed / _HOUR:.0f} hours, and --seconds ends at {_HOUR}"
    return f"With --seconds {needed} all have them"
