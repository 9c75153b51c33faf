"""Agreement of two models, with every way in which a broken one must be found."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitedge.errors import ContentError
from digitedge.measure.limits import LIMITS, Evidence, judge, reason
from digitedge.measure.parity import ParityReport, compare, softmax

SCORES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12),
    elements=st.floats(-50, 50, width=32),
)


SCORE_FIGURES = ("max_abs", "mean_abs", "sqnr_db", "confidence_drift")


def rejection(report: ParityReport, precision: str) -> str:
    return str(reason(judge(Evidence(report), LIMITS[precision])))


def places(report: ParityReport) -> list[int]:
    return [flip.index for flip in report.flips]


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
    assert places(report) == [row]
    assert report.max_abs == pytest.approx(np.abs(scores[row].astype(np.float64) - flipped[row]).max())
    assert "1 of" in rejection(report, "fp32")


@given(SCORES, st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans(), st.data())
def test_one_score_that_is_not_finite_fails_at_every_precision(
    scores: np.ndarray, value: float, in_reference: bool, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, len(scores) - 1)), data.draw(st.integers(0, scores.shape[1] - 1))
    broken = scores.copy()
    broken[row, column] = value
    report = compare(broken, scores, None) if in_reference else compare(scores, broken, None)
    assert report.not_finite == 1
    assert row in places(report)
    assert all(np.isnan(getattr(report, name)) for name in SCORE_FIGURES)
    for precision in LIMITS:
        assert "not a finite number" in rejection(report, precision)


def test_a_nan_in_the_place_of_the_right_label_is_a_wrong_answer() -> None:
    scores = confident([0, 1])
    broken = scores.copy()
    broken[0, 0] = np.nan  # argmax of this row is 0, the right label
    report = compare(scores, broken, np.array([0, 1]))
    assert (report.accuracy_reference, report.accuracy, places(report)) == (1.0, 0.5, [0])
    assert np.isnan(report.calibration_error)
    assert report.calibration_error_reference == pytest.approx(0.1)
    (flip,) = report.flips
    assert (flip.label, flip.label_reference, flip.label_candidate) == (0, 0, None)
    assert (flip.confidence_candidate, flip.margin_candidate) == (None, None)
    assert flip.margin_reference == pytest.approx(0.85)


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


def test_one_class_leaves_nothing_to_decide() -> None:
    with pytest.raises(ContentError, match="the models know one class: there is nothing to decide"):
        compare(np.ones((4, 1), np.float32), np.ones((4, 1), np.float32), None)


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
    assert places(report) == [2, 3]
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
    assert [getattr(report, name) for name in (*SCORE_FIGURES, "calibration_error", "calibration_error_reference")] == (
        [None] * 6
    )
    (flip,) = report.flips
    assert (flip.index, flip.label_candidate, report.accuracy) == (1, 2, 2 / 3)
    assert (flip.confidence_reference, flip.confidence_candidate) == (pytest.approx(0.9), None)
    assert (flip.margin_reference, flip.margin_candidate) == (pytest.approx(0.85), None)
    assert compare(unsure, labels, None).max_abs == pytest.approx(0.95)


PAIRS = st.integers(2, 5).flatmap(
    lambda classes: st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            hnp.arrays(np.float32, (n, classes), elements=st.floats(0, 1, width=32)),
            hnp.arrays(np.float32, (n, classes), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, np.nan])),
            hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1)),
        )
    )
)


@given(PAIRS)
def test_every_flip_is_told_as_a_loop_over_the_images_would_tell_it(arrays: tuple[np.ndarray, ...]) -> None:
    reference, candidate, labels = arrays
    told = {flip.index: flip for flip in compare(reference, candidate, labels).flips}
    for row, (was, is_now, label) in enumerate(zip(reference, candidate, labels, strict=True)):
        broken = bool(np.isnan(is_now).any())
        assert (row in told) == (broken or was.argmax() != is_now.argmax())
        if row in told:
            flip, ordered = told[row], sorted(map(float, was))
            assert (flip.label, flip.label_reference) == (label, was.argmax())
            assert (flip.confidence_reference, flip.margin_reference) == (ordered[-1], ordered[-1] - ordered[-2])
            ordered = [None, None] if broken else sorted(map(float, is_now))
            assert flip.confidence_candidate == ordered[-1]
            assert flip.margin_candidate == (None if broken else ordered[-1] - ordered[-2])


@given(PAIRS)
def test_the_classes_add_up_to_the_whole(arrays: tuple[np.ndarray, ...]) -> None:
    report = compare(*arrays)
    assert [one.label for one in report.per_class] == sorted(set(arrays[2].tolist()))
    assert sum(one.n for one in report.per_class) == report.n
    assert sum(one.flips for one in report.per_class) == len(report.flips)
    for name in ("accuracy", "accuracy_reference"):
        right = sum(getattr(one, name) * one.n for one in report.per_class)
        assert right == pytest.approx(getattr(report, name) * report.n)
    for one in report.per_class:
        there = arrays[2] == one.label
        assert one.mcnemar_p == compare(*(array[there] for array in arrays)).mcnemar_p


def test_without_labels_the_classes_are_those_that_the_reference_decides_for() -> None:
    reference, candidate = confident([2, 2, 0, 1]), confident([2, 0, 0, 1])
    reference[3, 0] = np.nan
    report = compare(reference, candidate, None)
    assert [(one.label, one.n, one.flips, one.accuracy, one.mcnemar_p) for one in report.per_class] == [
        (0, 1, 0, None, None),
        (2, 2, 1, None, None),
    ]
    assert report.flips[1].label_reference is None


@given(PAIRS)
def test_the_interval_holds_the_agreement(arrays: tuple[np.ndarray, ...]) -> None:
    report = compare(*arrays)
    assert 0.0 <= report.agreement_low <= report.agreement <= report.agreement_high <= 1.0
    assert report.agreement_low < report.agreement_high


def test_a_softmax_that_is_applied_twice_changes_no_label_and_the_confidence() -> None:
    once = confident([0, 1, 2, 1])
    report = compare(once, softmax(once), np.array([0, 1, 2, 1]))
    assert report.flips == ()
    assert report.confidence_drift == pytest.approx(float(softmax(once).max(axis=1).mean()) - 0.9)
    assert report.calibration_error > report.calibration_error_reference
    for precision in LIMITS:
        assert rejection(report, precision).startswith(("the mean confidence falls by", "a score differs by"))


def test_scores_that_are_no_probabilities_have_no_calibration() -> None:
    logits = 20 * confident([0, 1])
    report = compare(logits, confident([0, 1]), np.array([0, 1]))
    assert report.calibration_error_reference is None
    assert report.calibration_error == pytest.approx(0.1)


def test_ten_thousand_images_are_compared_in_no_time() -> None:
    random = np.random.default_rng(0)
    scores, labels = softmax(random.normal(0, 3, (10_000, 10)).astype(np.float32)), random.integers(0, 10, 10_000)
    near = softmax(np.log(scores) + random.normal(0, 0.01, scores.shape).astype(np.float32))
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        compare(scores, near, labels)
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.05  # 2 ms on a quiet machine: a loop over the images would take 20 times that
