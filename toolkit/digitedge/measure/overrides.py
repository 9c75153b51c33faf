"""The limits of a run: those of the precision, or the others that somebody asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from digitedge.errors import UnknownNameError, UsageError
from digitedge.measure.bounds import LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# What `--limit NAME=NUMBER` does to the limits.
_OVERRIDES: dict[str, Callable[[Limits, float], Limits]] = {
    "probabilities": lambda limits, value: replace(limits, max_sum_abs=value, max_sum_abs_per_class=0.0),
    "batch": lambda limits, value: replace(limits, max_batch_abs=value),
    "labels": lambda limits, value: replace(limits, flips_count=int(value)),
    "accuracy": lambda limits, value: replace(limits, max_drop=value / 100, chance_excuses=False),
    "scores": lambda limits, value: replace(limits, max_abs=value),
    "confidence": lambda limits, value: replace(limits, max_drift=value),
    "cpus": lambda limits, value: replace(limits, max_cpu_labels=int(value)),
}


def limits_of(
    precision: str, max_drop_points: float | None = None, overrides: Mapping[str, float] | None = None
) -> Limits:
    """The bounds of a precision, or the others that whoever exported or verifies the file has asked for.

    Args:
        precision: a key of `LIMITS`.
        max_drop_points: the accuracy that may be lost (`--max-drop`), in percentage points; None for the usual bounds.
            Each answer that becomes wrong is a changed label, and about as many change from wrong to right, or from one
            wrong answer to another: twice the share may change.
        overrides: bounds by the name of their check (`--limit NAME=NUMBER`), in the units of `parse_limits`.

    Raises:
        UsageError: an override of no check, of one that nothing loosens, or of a number that is none.
    """
    limits = LIMITS[precision]
    if max_drop_points is not None:
        drop = max_drop_points / 100
        limits = replace(limits, max_drop=max(drop, limits.max_drop or 0.0), max_flips=max(2 * drop, limits.max_flips))
    for name, value in (overrides or {}).items():
        _check_override(name, value)
        limits = _OVERRIDES[name](limits, value)
    return limits


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """Overrides for `limits_of` of texts such as `labels=5`.

    `labels` and `cpus` are numbers of images, `accuracy` is percentage points, the others are differences of scores.

    Raises:
        UsageError: no such check, no number, or a check named twice.
    """
    overrides: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"{text} is no limit.", "Write NAME=NUMBER, such as labels=5.")
        if name in overrides:
            raise UsageError(f"the limit {name} is given twice.", "Give it once.")
        try:
            value = float(number)
        except ValueError as error:
            raise UsageError(f"{text} is no limit: {number} is not a number.", "Write it as labels=5.") from error
        _check_override(name, value)
        overrides[name] = value
    return overrides


def _check_override(name: str, value: float) -> None:
    if name == "finite":
        raise UsageError("finite has no limit to set: a NaN or an infinity always fails.", "Leave it out.")
    if name not in _OVERRIDES:
        raise UnknownNameError("limit", name, _OVERRIDES)
    if not (math.isfinite(value) and value >= 0):
        raise UsageError(f"the limit {name} cannot be {value:g}.", "It is a finite number, 0 or more.")
    if name in ("labels", "cpus") and value != int(value):
        raise UsageError(f"the limit {name} cannot be {value:g}.", "It is a whole number of images.")
