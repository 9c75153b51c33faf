"""Agreement of two models, with every way in which a broken one must be found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitedge.errors import ContentError
from digitedge.measure.limits import LIMITS, reason
from digitedge.measure.parity import compare, softmax

SCORES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12),
    elements=st.floats(-50, 50, width=32),
)


def confident(labels: list[int], classes: int = 3) -> np.ndarray:
    """Scores float32 that decide for `labels` with 0.9."""
    return np.where(np.arange(classes) == np.array(labels)[:, None], 0.9, 0.1 / (classes - 1)).astype(np.float32)


@given(SCORES)
def test_a_model_agrees_with_itself(scores: np.ndarray) -> None:
    report = compare(scores, scores, scores.argmax(axis=1))
    assert (report.n, report.flips, report.agreement) == (len(scores), (), 1.0)
    assert (report.max_abs, report.mean_abs, report.not_finite) == (0.0, 0.0, 0)
    assert (report.accuracy, report.accuracy_reference, report.accuracy_drop, report.mcnemar_p) == (1.0, 1.0, 0.0, 1.0)


@given(SCORES, st.data())
def test_one_flipped_image_is_found_and_fails_fp32(scores: np.ndarray, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(scores) - 1))
    flipped = scores.copy()
    loser = (scores[row].argmax() + 1) % scores.shape[1]
    flipped[row, loser] = scores[row].max() + 1
    report = compare(scores, flipped, None)
    assert report.flips == (row,)
    assert report.max_abs == pytest.approx(np.abs(scores[row].astype(np.float64) - flipped[row]).max())
    assert "1 of" in str(reason(report, LIMITS["fp32"]))


@given(SCORES, st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans(), st.data())
def test_one_score_that_is_not_finite_fails_at_every_precision(
    scores: np.ndarray, value: float, in_reference: bool, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, len(scores) - 1)), data.draw(st.integers(0, scores.shape[1] - 1))
    broken = scores.copy()
    broken[row, column] = value
    report = compare(broken, scores, None) if in_reference else compare(scores, broken, None)
    assert report.not_finite == 1
    assert row in report.flips
    assert np.isnan(report.max_abs)
    assert np.isnan(report.mean_abs)
    for precision in LIMITS:
        assert "not a finite number" in str(reason(report, LIMITS[precision]))


def test_a_nan_in_the_place_of_the_right_label_is_a_wrong_answer() -> None:
    scores = confident([0, 1])
    broken = scores.copy()
    broken[0, 0] = np.nan  # argmax of this row is 0, the right label
    report = compare(scores, broken, np.array([0, 1]))
    assert (report.accuracy_reference, report.accuracy, report.flips) == (1.0, 0.5, (0,))


def test_two_models_that_give_only_nan_do_not_agree() -> None:
    nothing = np.full((4, 3), np.nan, np.float32)
    report = compare(nothing, nothing, np.array([0, 0, 0, 0]))
    assert (report.agreement, report.accuracy, report.not_finite) == (0.0, 0.0, 4)


@pytest.mark.parametrize("shape", [(0, 10), (5, 0)])
def test_nothing_to_compare_is_an_error_not_a_pass(shape: tuple[int, int]) -> None:
    with pytest.raises(ContentError, match="no images to compare"):
        compare(np.empty(shape, np.float32), np.empty(shape, np.float32), None)


@pytest.mark.parametrize("shape", [(4, 3), (5, 2), (5,), (5, 3, 1)])
def test_scores_of_other_images_or_classes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ContentError, match=r"the reference gives \(5, 3\) scores and the candidate"):
        compare(np.zeros((5, 3), np.float32), np.zeros(shape, np.float32), None)


def test_scores_that_are_no_table_are_refused() -> None:
    with pytest.raises(ContentError, match=r"the reference gives \(5,\) scores"):
        compare(np.zeros(5, np.float32), np.zeros(5, np.float32), None)


@pytest.mark.parametrize("labels", [[0], [0, 1, 2], [[0, 1]]])
def test_labels_of_other_images_are_refused_and_never_broadcast(labels: list[int]) -> None:
    with pytest.raises(ContentError, match="2 images and labels of shape"):
        compare(confident([0, 1]), confident([0, 1]), np.array(labels))


def test_without_labels_nothing_is_said_of_accuracy() -> None:
    report = compare(confident([0, 1]), confident([0, 2]), None)
    assert (report.accuracy, report.accuracy_reference, report.accuracy_drop, report.mcnemar_p) == (
        None,
        None,
        None,
        None,
    )
    assert report.agreement == 0.5


def test_the_figures_of_a_small_case() -> None:
    reference, candidate = confident([0, 1, 2, 0]), confident([0, 1, 1, 1])
    report = compare(reference, candidate, np.array([0, 1, 2, 1]))
    assert report.flips == (2, 3)
    assert (report.accuracy_reference, report.accuracy, report.accuracy_drop) == (0.75, 0.75, 0.0)
    assert report.mcnemar_p == 1.0
    assert report.max_abs == pytest.approx(0.85)
    assert report.mean_abs == pytest.approx(2 * (0.85 + 0.85) / 12)


@given(SCORES)
def test_softmax_gives_probabilities_that_decide_alike(logits: np.ndarray) -> None:
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    winners = probabilities[np.arange(len(logits)), logits.argmax(axis=1)]
    assert np.array_equal(winners, probabilities.max(axis=1))


def test_softmax_of_large_logits_does_not_overflow() -> None:
    assert softmax(np.array([[1e4, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("row", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
def test_softmax_hides_no_broken_logit(row: list[float]) -> None:
    assert np.isnan(softmax(np.array([row], np.float32))).all()


def test_of_labels_only_the_decisions_are_compared() -> None:
    unsure, labels = confident([0, 1, 2]), np.eye(3, dtype=np.float32)[[0, 2, 2]]
    report = compare(unsure, labels, np.array([0, 1, 2]), decisions_only=True)
    assert (report.max_abs, report.mean_abs) == (None, None)
    assert (report.flips, report.flipped_to, report.accuracy) == ((1,), (2,), 2 / 3)
    assert compare(unsure, labels, None).max_abs == pytest.approx(0.95)
