"""Whether a file is right: its evidence put to named checks. The bounds and their reasons are in measure/bounds.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.measure.bounds import LIMITS, Limits, table
from digitedge.measure.checks import CHANCE, CHECKS, Check, CpuLabels, Evidence
from digitedge.measure.overrides import limits_of, parse_limits

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CHANCE",
    "CHECKS",
    "LIMITS",
    "Check",
    "CpuLabels",
    "Evidence",
    "Limits",
    "judge",
    "limits_of",
    "parse_limits",
    "reason",
    "table",
]


def judge(evidence: Evidence, limits: Limits) -> tuple[Check, ...]:
    """The checks that apply to this evidence, in the order of `CHECKS`."""
    checks = (check(evidence, limits) for check in CHECKS.values())
    return tuple(check for check in checks if check is not None)


def reason(checks: Iterable[Check]) -> str | None:
    """Why a file does not pass: the sentence of the first check that failed; None where all passed."""
    return next((check.reason for check in checks if not check.passed), None)
