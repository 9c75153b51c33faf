"""Beyond the test set: whether an artefact loses more than its original where images get worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitedge.measure.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitedge.measure.parity import ParityReport

# The name of severity 0, as MNIST-C has it.
CLEAN = "identity"
# The chance that a file is said to hurt anywhere though it loses nothing but by chance.
FALSE_ALARM = 0.05


class Shifted(NamedTuple):
    """How an artefact compares to its original on one set of images: which corruption, how severe, and the figures."""

    corruption: str
    severity: int
    parity: ParityReport


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """An artefact and its original on the same corrupted images.

    Attributes:
        corruption: its name; `CLEAN` for the images as they are.
        severity: 1 to 5; 0 for the images as they are.
        n: images, at least 1.
        agreement: share of them with the same label, in [0, 1].
        flips: images with another label.
        accuracy: of the artefact, in [0, 1]; None without labels, as are the next two and the last two.
        accuracy_reference: of the original, on the same corrupted images.
        mcnemar_p: exact two-sided p-value that both are equally accurate, not corrected for the number of tests.
        confidence_drift: mean confidence of the artefact less that of the original; None where one gives labels alone,
            and where a score is not finite.
        hurts: the artefact loses more accuracy against its original than its precision may, and not by chance.
        both_fail: the original itself does no better here than guessing, so that nothing can be lost or proved.
    """

    corruption: str
    severity: int
    n: int
    agreement: float
    flips: int
    accuracy: float | None
    accuracy_reference: float | None
    mcnemar_p: float | None
    confidence_drift: float | None
    hurts: bool | None
    both_fail: bool | None

    @property
    def drop(self) -> float | None:
        """Accuracy of the original less that of the artefact; None without labels."""
        if self.accuracy is None or self.accuracy_reference is None:
            return None
        return self.accuracy_reference - self.accuracy


def guessing(labels: NDArray[np.int64]) -> float:
    """The accuracy of naming the commonest class of int64 (n,), n at least 1, always."""
    return float(np.bincount(labels).max() / len(labels))


def judged(shifts: Sequence[Shifted], guessed: float | None, max_drop: float | None) -> tuple[ShiftRow, ...]:
    """The rows of one artefact, in the order given.

    Each row is a test, and of 71 tests at 5 % three or four would cry wolf. The p-values are held against Holm's bounds
    (1979, https://www.jstor.org/stable/4615733): the chance of even one false alarm stays below 5 % however the tests
    depend on each other, which they do, being of the same images; and never fewer are found than with Bonferroni's.

    Args:
        shifts: every set of images that this artefact was tried on.
        guessed: the accuracy of `guessing` on those images; None where nobody has labelled them: then nobody knows
            what hurts and what fails.
        max_drop: accuracy that the precision may lose, in [0, 1] (`Limits.max_drop`); None where it may lose nothing.
    """
    if guessed is None:
        return tuple(_row(shift, hurts=None, both_fail=None) for shift in shifts)
    beyond_chance = holm([_p(shift.parity) for shift in shifts])
    rows = []
    for shift, not_chance in zip(shifts, beyond_chance, strict=True):
        fails = _fails(shift.parity, guessed)
        # A hair of slack: 0.991 - 0.990 is 0.00100000000000001 in binary.
        loses = (shift.parity.accuracy_drop or 0.0) > (max_drop or 0.0) + 1e-9
        rows.append(_row(shift, hurts=loses and not_chance and not fails, both_fail=fails))
    return tuple(rows)


def onset(rows: Sequence[ShiftRow]) -> dict[str, int | None]:
    """The severity from which each corruption hurts; None where it never does, or where that cannot be said.

    `CLEAN` is among them: 0 where the test set tells already.
    """
    first: dict[str, int | None] = {row.corruption: None for row in rows}
    for row in sorted(rows, key=lambda row: -row.severity):
        if row.hurts:
            first[row.corruption] = row.severity
    return first


def holm(p_values: Sequence[float], chance: float = FALSE_ALARM) -> list[bool]:
    """Which of several p-values are not chance, so that the chance of any false alarm among them stays below `chance`.

    The smallest is held against chance / m, the next against chance / (m - 1), and so on; the first that fails ends it.
    """
    rejected = [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values, kind="stable").tolist()):
        if not p_values[place] <= chance / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


def _row(shift: Shifted, *, hurts: bool | None, both_fail: bool | None) -> ShiftRow:
    parity, drift = shift.parity, shift.parity.confidence_drift
    return ShiftRow(
        corruption=shift.corruption,
        severity=shift.severity,
        n=parity.n,
        agreement=parity.agreement,
        flips=len(parity.flips),
        accuracy=parity.accuracy,
        accuracy_reference=parity.accuracy_reference,
        mcnemar_p=parity.mcnemar_p,
        confidence_drift=drift if drift is not None and np.isfinite(drift) else None,
        hurts=hurts,
        both_fail=both_fail,
    )


def _p(parity: ParityReport) -> float:
    assert parity.mcnemar_p is not None, "labelled images have a p-value"
    return parity.mcnemar_p


def _fails(parity: ParityReport, guessed: float) -> bool:
    """Whether the original cannot be told from one that always names the commonest class."""
    assert parity.accuracy_reference is not None, "labelled images have an accuracy"
    low, _ = wilson_interval(round(parity.accuracy_reference * parity.n), parity.n)
    return low <= guessed
