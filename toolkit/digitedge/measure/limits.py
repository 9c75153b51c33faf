"""What an artefact must reach to be called right, per precision, each with its reason. Judging only."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitedge.measure.parity import ParityReport


@dataclass(frozen=True)
class Limits:
    """The bounds of one precision; None means not bounded.

    Attributes:
        max_flips: share of the images whose top-1 label may change, in [0, 1].
        max_flips_of_errors: the same as a share of what the reference itself gets wrong; the larger bound counts.
        max_drop: of the accuracy, in [0, 1]; 0.001 is 0.10 percentage points.
        max_abs: of any probability; not judged where a model gives labels alone.
    """

    max_flips: float
    max_flips_of_errors: float
    max_drop: float | None
    max_abs: float | None

    def flips_allowed(self, report: ParityReport) -> int:
        """How many labels may change. Where any may, one always may: a single image of a hundred proves nothing."""
        if self.max_flips == 0.0:
            return 0
        errors = 0.0 if report.accuracy_reference is None else 1.0 - report.accuracy_reference
        share = max(self.max_flips, self.max_flips_of_errors * errors)
        return max(1, math.floor(report.n * share + 1e-9))


# Below this probability a loss of accuracy is not chance (McNemar's exact test).
CHANCE = 0.05

LIMITS = {
    # The same arithmetic in another order. Float32 rounding moves a probability by about 1e-6; a difference of 1e-4
    # is a different computation. No label may change.
    "fp32": Limits(max_flips=0.0, max_flips_of_errors=0.0, max_drop=None, max_abs=1e-4),
    # 11 significant bits instead of 24: a logit of 10 moves by about 5e-3 with each layer, a probability by a quarter
    # of that at most (1e-3 in 10,000 digits, and no label, with `classic`). Where two classes are that close the label
    # can change, once in some thousand images. Twenty times that is a different computation.
    "fp16": Limits(max_flips=0.001, max_flips_of_errors=0.05, max_drop=0.001, max_abs=2e-2),
    # The weights are rounded to 1 part in 254 of the largest of their output; so are the inputs of each layer in a
    # .tflite file, while it runs. No label of 10,000 digits changes with `classic`, and a probability by 0.02: half of
    # what int8 costs, but a weak network has as little room.
    "int8-weights": Limits(max_flips=0.002, max_flips_of_errors=0.1, max_drop=0.001, max_abs=None),
    # 8-bit integers round every tensor to 1 part in 256. Scores move visibly, decisions must not: two labels in a
    # thousand is what a careful recipe loses at most on a good model. A weak one is undecided more often, in proportion
    # to its errors: a tenth of them. 0.10 points is about one standard deviation of an accuracy that is measured on
    # 10,000 images (0.07 at 99.5 %); on fewer images, where such a loss can be chance, McNemar's test decides.
    "int8": Limits(max_flips=0.002, max_flips_of_errors=0.1, max_drop=0.001, max_abs=None),
}


def limits_of(precision: str, max_drop_points: float | None = None) -> Limits:
    """The bounds of a precision, or the wider ones that whoever exported the file has asked for.

    Args:
        precision: a key of `LIMITS`.
        max_drop_points: the accuracy that may be lost (`--max-drop`), in percentage points; None for the usual bounds.
            Each answer that becomes wrong is a changed label, and about as many change from wrong to right, or from one
            wrong answer to another: twice the share may change.
    """
    limits = LIMITS[precision]
    if max_drop_points is None:
        return limits
    drop = max_drop_points / 100
    return replace(limits, max_drop=max(drop, limits.max_drop or 0.0), max_flips=max(2 * drop, limits.max_flips))


def reason(report: ParityReport, limits: Limits) -> str | None:
    """Why the report does not pass, as a sentence with the figures; None when it passes."""
    if report.not_finite:
        return f"{report.not_finite:,} of {report.n:,} images give a score that is not a finite number"
    allowed = limits.flips_allowed(report)
    if not len(report.flips) <= allowed:
        need = f"at most {allowed:,} may" if allowed else "none may"
        return f"{len(report.flips):,} of {report.n:,} images get another label than the reference gives; {need}"
    if limits.max_drop is not None and _is_worse(report, limits.max_drop):
        drop = (report.accuracy_drop or 0.0) * 100
        return f"accuracy falls by {drop:.3g} points; {limits.max_drop * 100:.2f} are allowed"
    # "Not within" holds for a NaN, "above" does not.
    if limits.max_abs is not None and report.max_abs is not None and not report.max_abs <= limits.max_abs:
        return f"a score differs by {report.max_abs:.1e}; {limits.max_abs:.0e} is allowed"
    return None


def _is_worse(report: ParityReport, max_drop: float) -> bool:
    """Whether accuracy falls by more than is allowed, and not by chance."""
    if report.accuracy_drop is None:
        return False
    # A hair of slack: 0.991 - 0.990 is 0.00100000000000001 in binary. A NaN is neither within a bound nor chance.
    within = report.accuracy_drop <= max_drop + 1e-9
    chance = report.mcnemar_p is not None and report.mcnemar_p >= CHANCE
    return not (within or chance)
