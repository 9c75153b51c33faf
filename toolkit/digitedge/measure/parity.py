"""Does a candidate decide as the reference does? The figures only; measure/limits.py judges them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError
from digitedge.measure.decisions import ClassParity, Flip, by_class, decide, flips
from digitedge.measure.scores import no_figures, score_figures
from digitedge.measure.statistics import mcnemar_p, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ClassParity", "Flip", "ParityReport", "compare", "softmax"]


@dataclass(frozen=True)
class ParityReport:
    """Two models on the same images.

    The figures of scores (from `max_abs` on) are NaN where a score is not finite, and None where decisions alone can be
    compared.

    Attributes:
        n: images compared, at least 1.
        classes: that the models tell apart, at least 2.
        flips: the images whose top-1 label differs, ascending by index.
        agreement_low: the lower end of the 95 % interval of `agreement` (Wilson).
        agreement_high: the upper end.
        accuracy: of the candidate, in [0, 1]; None without labels. An image with a score that is not finite is wrong.
        accuracy_reference: of the reference; None without labels.
        mcnemar_p: exact two-sided p-value that both are equally accurate; None without labels.
        per_class: of each class that has images, ascending by label.
        not_finite: images for which the candidate or the reference gave a NaN or an infinity.
        max_abs: largest difference of any score.
        mean_abs: mean difference of the scores.
        sqnr_db: signal-to-quantization-noise ratio of the scores, decibels; also None where no score differs.
        confidence_drift: mean of the candidate's confidence less that of the reference, with its sign.
        calibration_error: expected calibration error of the candidate, in [0, 1]; also None without labels, or where
            its scores are no probabilities.
        calibration_error_reference: of the reference, likewise.
    """

    n: int
    classes: int
    flips: tuple[Flip, ...]
    agreement_low: float
    agreement_high: float
    accuracy: float | None
    accuracy_reference: float | None
    mcnemar_p: float | None
    per_class: tuple[ClassParity, ...]
    not_finite: int
    max_abs: float | None
    mean_abs: float | None
    sqnr_db: float | None
    confidence_drift: float | None
    calibration_error: float | None
    calibration_error_reference: float | None

    @property
    def agreement(self) -> float:
        """The share of images with the same top-1 label, in [0, 1]."""
        return (self.n - len(self.flips)) / self.n

    @property
    def accuracy_drop(self) -> float | None:
        """Accuracy of the reference less that of the candidate; None without labels."""
        if self.accuracy is None or self.accuracy_reference is None:
            return None
        return self.accuracy_reference - self.accuracy


def compare(
    reference: NDArray[np.float32],
    candidate: NDArray[np.float32],
    labels: NDArray[np.int64] | None,
    *,
    decisions_only: bool = False,
) -> ParityReport:
    """Compares two arrays of scores (n, classes), row by row.

    A row that is not finite counts as a flip, and as a wrong answer: a NaN is never a decision.

    Args:
        reference: (n, classes), n >= 1, classes >= 2.
        candidate: (n, classes), of the same images.
        labels: int64 (n,), or None where nobody has labelled them.
        decisions_only: one of the models gives labels, as scores of 0 and 1 (`runtime.model.one_hot`), so that how far
            its scores are from the other's means nothing.

    Raises:
        ContentError: the shapes differ, or there is nothing to compare.
    """
    _check(reference, candidate, labels)
    first, second = decide(reference, labels), decide(candidate, labels)
    changed, n = flips(first, second, labels, decisions_only=decisions_only), len(reference)
    low, high = wilson_interval(n - len(changed), n)
    return ParityReport(
        n=n,
        classes=reference.shape[1],
        flips=changed,
        agreement_low=low,
        agreement_high=high,
        accuracy=_share(second.right),
        accuracy_reference=_share(first.right),
        mcnemar_p=None if first.right is None or second.right is None else mcnemar_p(first.right, second.right),
        per_class=by_class(first, second, labels),
        not_finite=int((~(first.finite & second.finite)).sum()),
        **(no_figures() if decisions_only else score_figures(first, second)),
    )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (n, classes) of logits (n, classes), in float32, as a model computes them.

    A row with a NaN or +inf gives a row of NaN, which `compare` finds.
    """
    with np.errstate(invalid="ignore"):  # inf - inf: the NaN that it gives is the message
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _check(reference: NDArray[np.float32], candidate: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
    if reference.shape != candidate.shape or reference.ndim != 2:  # noqa: PLR2004 (images by classes)
        message = f"the reference gives {reference.shape} scores and the candidate {candidate.shape}."
        raise ContentError(message, "They must be models of the same classes, run on the same images.")
    if reference.size == 0:
        raise ContentError("there are no images to compare.", "Name a data set that holds some.")
    if reference.shape[1] == 1:
        raise ContentError("the models know one class: there is nothing to decide.", "Name models of two or more.")
    if labels is not None and labels.shape != (len(reference),):
        message = f"there are {len(reference)} images and labels of shape {labels.shape}."
        raise ContentError(message, "There must be one label for each image.")


def _share(right: NDArray[np.bool_] | None) -> float | None:
    return None if right is None else float(right.mean())
