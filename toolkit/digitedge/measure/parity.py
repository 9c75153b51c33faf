"""Does a candidate decide as the reference does? The figures only; measure/limits.py judges them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError
from digitedge.measure.statistics import mcnemar_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NO_LABEL = -1


@dataclass(frozen=True)
class ParityReport:
    """Two models on the same images.

    Attributes:
        n: images compared, at least 1.
        flips: indices of the images whose top-1 label differs.
        flipped_to: what the candidate decides for each of them; None where its scores are not finite.
        accuracy: of the candidate, in [0, 1]; None without labels. An image with a score that is not finite is wrong.
        accuracy_reference: of the reference; None without labels.
        mcnemar_p: exact two-sided p-value that both are equally accurate; None without labels.
        max_abs: largest difference of any score; NaN where a score is not finite; None where decisions alone can be
            compared.
        mean_abs: mean difference of the scores; NaN and None likewise.
        not_finite: images for which the candidate or the reference gave a NaN or an infinity.
    """

    n: int
    flips: tuple[int, ...]
    flipped_to: tuple[int | None, ...]
    accuracy: float | None
    accuracy_reference: float | None
    mcnemar_p: float | None
    max_abs: float | None
    mean_abs: float | None
    not_finite: int

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
        reference: (n, classes), n >= 1.
        candidate: (n, classes), of the same images.
        labels: int64 (n,), or None where nobody has labelled them.
        decisions_only: one of the models gives labels, as scores of 0 and 1 (`runtime.model.one_hot`), so that how far
            its scores are from the other's means nothing.

    Raises:
        ContentError: the shapes differ, or there is nothing to compare.
    """
    _check(reference, candidate, labels)
    label_reference, label_candidate = _decide(reference), _decide(candidate)
    finite = (label_reference != _NO_LABEL) & (label_candidate != _NO_LABEL)
    flips = np.flatnonzero((label_reference != label_candidate) | ~finite)
    difference = np.abs(reference.astype(np.float64) - candidate) if finite.all() else np.full(1, np.nan)
    right_reference, right_candidate = _right(label_reference, labels), _right(label_candidate, labels)
    return ParityReport(
        n=len(reference),
        flips=tuple(int(index) for index in flips),
        flipped_to=tuple(None if label == _NO_LABEL else int(label) for label in label_candidate[flips]),
        accuracy=None if right_candidate is None else float(right_candidate.mean()),
        accuracy_reference=None if right_reference is None else float(right_reference.mean()),
        mcnemar_p=None
        if right_reference is None or right_candidate is None
        else mcnemar_p(right_reference, right_candidate),
        max_abs=None if decisions_only else float(difference.max()),
        mean_abs=None if decisions_only else float(difference.mean()),
        not_finite=int((~finite).sum()),
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
    if labels is not None and labels.shape != (len(reference),):
        message = f"there are {len(reference)} images and labels of shape {labels.shape}."
        raise ContentError(message, "There must be one label for each image.")


def _decide(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    # argmax of a row with a NaN is the place of the NaN, which may happen to be the right label.
    decided: NDArray[np.int64] = np.where(np.isfinite(scores).all(axis=1), scores.argmax(axis=1), _NO_LABEL)
    return decided


def _right(decided: NDArray[np.int64], labels: NDArray[np.int64] | None) -> NDArray[np.bool_] | None:
    return None if labels is None else decided == labels
