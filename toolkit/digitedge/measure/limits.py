"""What an artefact must reach to be called right, per precision, each with its reason. Judging only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitedge.measure.parity import ParityReport


@dataclass(frozen=True)
class Limits:
    """The bounds of one precision; None means not bounded.

    Attributes:
        min_agreement: of the top-1 labels, in [0, 1].
        max_drop: of the accuracy, in [0, 1]; 0.001 is 0.10 percentage points.
        max_abs: of any probability.
    """

    min_agreement: float
    max_drop: float | None
    max_abs: float | None


LIMITS = {
    # The same arithmetic in another order. Float32 rounding moves a probability by about 1e-6; a difference of 1e-4
    # is a different computation. No label may change.
    "fp32": Limits(min_agreement=1.0, max_drop=None, max_abs=1e-4),
    # 8-bit integers round every tensor to 1 part in 256. Scores move visibly, decisions must not: two labels in a
    # thousand is what a careful recipe loses at most, and 0.10 points is about one standard deviation of an accuracy
    # that is measured on 10,000 images (0.07 at 99.5 %).
    "int8": Limits(min_agreement=0.998, max_drop=0.001, max_abs=None),
}


def reason(report: ParityReport, limits: Limits) -> str | None:
    """Why the report does not pass, as a sentence with the figures; None when it passes."""
    if report.not_finite:
        return f"{report.not_finite:,} of {report.n:,} images give a score that is not a finite number"
    if not report.agreement >= limits.min_agreement:
        need = f"at most {(1 - limits.min_agreement) * 100:.1f} % may" if limits.min_agreement < 1 else "none may"
        return f"{len(report.flips):,} of {report.n:,} images get another label than the reference gives; {need}"
    # A hair of slack: 0.991 - 0.990 is 0.00100000000000001 in binary. "Not within" holds for a NaN, "above" does not.
    drop = report.accuracy_drop
    if limits.max_drop is not None and drop is not None and not drop <= limits.max_drop + 1e-9:
        return f"accuracy falls by {drop * 100:.3g} points; {limits.max_drop * 100:.2f} are allowed"
    if limits.max_abs is not None and not report.max_abs <= limits.max_abs:
        return f"a score differs by {report.max_abs:.1e}; {limits.max_abs:.0e} is allowed"
    return None
