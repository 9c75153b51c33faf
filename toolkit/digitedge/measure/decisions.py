"""What a model decides of each image, and the images and the classes in which two models differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.measure.statistics import mcnemar_of_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class Flip:
    """One image on which two models decide differently.

    Confidence is the score of the winning class, margin is what that is ahead of the second. All of a model are None
    where its scores of the image are not finite; confidence and margin also where it gives labels alone.

    Attributes:
        index: of the image, among those compared.
        label: the true one; None without labels.
        label_reference: what the reference decides.
        label_candidate: what the candidate decides.
        confidence_reference: of the reference.
        confidence_candidate: of the candidate.
        margin_reference: of the reference, >= 0.
        margin_candidate: of the candidate, >= 0.
    """

    index: int
    label: int | None
    label_reference: int | None
    label_candidate: int | None
    confidence_reference: float | None
    confidence_candidate: float | None
    margin_reference: float | None
    margin_candidate: float | None


@dataclass(frozen=True, slots=True)
class ClassParity:
    """Two models on the images of one class: by the true label, or by the reference's decision where there is none.

    Attributes:
        label: of the class.
        n: its images, at least 1.
        flips: how many of them get another label.
        accuracy: of the candidate, in [0, 1]; None without labels.
        accuracy_reference: of the reference; None without labels.
        mcnemar_p: exact two-sided p-value that both are equally accurate on this class; None without labels.
    """

    label: int
    n: int
    flips: int
    accuracy: float | None
    accuracy_reference: float | None
    mcnemar_p: float | None


@dataclass(frozen=True, eq=False, slots=True)
class Decided:
    """What one model decides, image by image.

    Attributes:
        scores: float32 (n, classes), classes >= 2.
        finite: bool (n,), whether every score of the image is.
        label: int64 (n,), the winning class; `NO_LABEL` where a score is not finite.
        confidence: float64 (n,), the score of the winning class; NaN where a score is not finite.
        right: bool (n,), whether the winning class is the true one; None without labels.
    """

    scores: NDArray[np.float32]
    finite: NDArray[np.bool_]
    label: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_] | None


def decide(scores: NDArray[np.float32], labels: NDArray[np.int64] | None) -> Decided:
    """The decisions of a model, from its scores (n, classes) and the true labels int64 (n,), if there are any."""
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(scores).all(axis=1))
    # argmax of a row with a NaN is the place of the NaN, which may happen to be the right label.
    label: NDArray[np.int64] = np.where(finite, scores.argmax(axis=1), NO_LABEL)
    confidence = np.where(finite, scores.max(axis=1), np.nan).astype(np.float64)
    if labels is None:
        return Decided(scores, finite, label, confidence, None)
    hit: NDArray[np.bool_] = label == labels
    return Decided(scores, finite, label, confidence, hit & finite)


def differ(reference: Decided, candidate: Decided) -> NDArray[np.bool_]:
    """Where two models decide differently, bool (n,). Two that both give a NaN do not agree."""
    finite: NDArray[np.bool_] = reference.finite & candidate.finite
    return ~finite | np.not_equal(reference.label, candidate.label)


def flips(
    reference: Decided, candidate: Decided, labels: NDArray[np.int64] | None, *, decisions_only: bool = False
) -> tuple[Flip, ...]:
    """Every image on which two models decide differently, in their order; arguments as `parity.compare` has them."""
    at = np.flatnonzero(differ(reference, candidate))
    was, is_now = (_told(side, at, decisions_only=decisions_only) for side in (reference, candidate))
    true = [None] * len(at) if labels is None else labels[at].tolist()
    pairs = (column for pair in zip(was, is_now, strict=True) for column in pair)
    return tuple(Flip(*row) for row in zip(at.tolist(), true, *pairs, strict=True))


def by_class(reference: Decided, candidate: Decided, labels: NDArray[np.int64] | None) -> tuple[ClassParity, ...]:
    """The agreement on each class that has images, ascending by label; arguments as `parity.compare` has them."""
    found, group = np.unique(reference.label if labels is None else labels, return_inverse=True)

    def count(which: NDArray[np.bool_]) -> list[int]:
        numbers: list[int] = np.bincount(group[which], minlength=len(found)).tolist()
        return numbers

    classes, n, changed = found.tolist(), count(np.ones(len(group), np.bool_)), count(differ(reference, candidate))
    if reference.right is None or candidate.right is None:
        rows = zip(classes, n, changed, strict=True)
        return tuple(ClassParity(label, of, flips, None, None, None) for label, of, flips in rows if label != NO_LABEL)
    right, right_reference = count(candidate.right), count(reference.right)
    both = count(candidate.right & reference.right)
    return tuple(
        ClassParity(label, of, flips, a / of, b / of, mcnemar_of_counts(a - ab, b - ab))
        for label, of, flips, a, b, ab in zip(classes, n, changed, right, right_reference, both, strict=True)
    )


def _told(side: Decided, at: NDArray[np.int64], *, decisions_only: bool) -> tuple[list[Any], list[Any], list[Any]]:
    """Label, confidence and margin of the images at `at`; None where the model does not tell them."""
    finite = side.finite[at]
    scores = np.where(finite[:, None], side.scores[at].astype(np.float64), 0.0)
    second, top = np.partition(scores, -2, axis=1)[:, -2:].T
    told = finite & (not (decisions_only and _gives_labels(side.scores)))
    return _where(finite, side.label[at]), _where(told, top), _where(told, top - second)


def _gives_labels(scores: NDArray[np.float32]) -> bool:
    """Whether these are labels, written as scores of 0 and 1."""
    return bool(((scores == 0) | (scores == 1)).all())


def _where(known: NDArray[np.bool_], values: NDArray[Any]) -> list[Any]:
    return [value if is_known else None for is_known, value in zip(known.tolist(), values.tolist(), strict=True)]
