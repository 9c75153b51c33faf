"""What passes and what does not, exactly at the bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.measure.limits import CHECKS, LIMITS, CpuLabels, Evidence, Limits, judge, limits_of, reason
from digitedge.measure.parity import Flip, ParityReport
from digitedge.measure.statistics import mcnemar_p

PERFECT = ParityReport(
    n=10_000,
    classes=10,
    flips=(),
    agreement_low=0.9996,
    agreement_high=1.0,
    accuracy=0.99,
    accuracy_reference=0.99,
    mcnemar_p=1.0,
    per_class=(),
    not_finite=0,
    max_abs=1e-6,
    mean_abs=1e-7,
    sqnr_db=120.0,
    confidence_drift=1e-8,
    calibration_error=0.01,
    calibration_error_reference=0.01,
)


def rejection(report: ParityReport, limits: Limits) -> str | None:
    return reason(judge(Evidence(report), limits))


def flipped(count: int, n: int = 10_000) -> ParityReport:
    flips = tuple(Flip(index, 1, 1, 2, 0.5, 0.5, 0.1, 0.1) for index in range(count))
    return replace(PERFECT, n=n, flips=flips)


@pytest.mark.parametrize("precision", LIMITS)
def test_a_perfect_report_passes(precision: str) -> None:
    assert rejection(PERFECT, LIMITS[precision]) is None


def test_whoever_allows_a_loss_allows_the_labels_that_it_takes() -> None:
    lost = replace(flipped(200), accuracy=0.98, mcnemar_p=1e-9)
    assert "200 of 10,000 images get another label" in str(rejection(lost, limits_of("int8")))
    assert rejection(lost, limits_of("int8", 1.0)) is None
    assert "accuracy falls by 1.1 points; 1.00 are allowed" in str(
        rejection(replace(lost, accuracy=0.979), limits_of("int8", 1.0))
    )
    assert "at most 200 may" in str(rejection(flipped(201), limits_of("int8", 1.0)))


def test_a_smaller_loss_than_usual_narrows_nothing() -> None:
    assert limits_of("int8", 0.0) == limits_of("int8") == LIMITS["int8"]


def test_one_flip_fails_fp32_and_says_how_many() -> None:
    expected = "1 of 10,000 images get another label than the reference gives; none may"
    assert rejection(flipped(1), LIMITS["fp32"]) == expected


def test_int8_may_flip_two_in_a_thousand_and_not_one_more() -> None:
    assert rejection(flipped(20), LIMITS["int8"]) is None
    expected = "21 of 10,000 images get another label than the reference gives; at most 20 may"
    assert rejection(flipped(21), LIMITS["int8"]) == expected


@given(st.integers(2, 100_000))
def test_the_bound_of_int8_is_exact_for_every_number_of_images(n: int) -> None:
    allowed = max(1, n * 2 // 1000)
    assert rejection(flipped(allowed, n), LIMITS["int8"]) is None
    assert "get another label" in str(rejection(flipped(allowed + 1, n), LIMITS["int8"]))


def test_a_weak_model_may_flip_a_tenth_of_its_errors() -> None:
    weak = replace(flipped(60), accuracy_reference=0.94, accuracy=0.94)
    assert rejection(weak, LIMITS["int8"]) is None
    assert "at most 60 may" in str(rejection(replace(weak, flips=flipped(61).flips), LIMITS["int8"]))
    assert "none may" in str(rejection(weak, LIMITS["fp32"]))


def losing(accuracy_reference: float, accuracy: float, mcnemar_p: float = 0.001) -> ParityReport:
    return replace(PERFECT, accuracy_reference=accuracy_reference, accuracy=accuracy, mcnemar_p=mcnemar_p)


def test_int8_may_lose_a_tenth_of_a_point_and_not_more() -> None:
    assert rejection(losing(0.991, 0.990), LIMITS["int8"]) is None
    assert rejection(losing(0.9911, 0.990), LIMITS["int8"]) == "accuracy falls by 0.11 points; 0.10 are allowed"


def test_a_loss_just_beyond_the_bound_is_not_printed_as_the_bound() -> None:
    assert rejection(losing(0.99104, 0.990), LIMITS["int8"]) == "accuracy falls by 0.104 points; 0.10 are allowed"


def test_a_loss_that_can_be_chance_is_none() -> None:
    assert rejection(losing(0.95, 0.94, mcnemar_p=0.05), LIMITS["int8"]) is None
    assert "1 points" in str(rejection(losing(0.95, 0.94, mcnemar_p=0.049), LIMITS["int8"]))


@given(st.integers(11, 20))
def test_on_ten_thousand_images_of_a_good_model_chance_excuses_nothing(flips: int) -> None:
    # 11 images net are lost: as many flips as are allowed leave no room for that to be chance.
    lost = (flips + 12) // 2
    right_a, right_b = np.zeros(flips, bool), np.ones(flips, bool)
    right_a[:lost], right_b[:lost] = True, False
    report = losing(0.994, 0.994 - (2 * lost - flips) / 10_000, mcnemar_p(right_a, right_b))
    assert "accuracy falls" in str(rejection(report, LIMITS["int8"]))


def test_one_image_of_a_small_set_proves_nothing_and_two_do() -> None:
    assert rejection(flipped(1, 48), LIMITS["int8"]) is None
    assert rejection(flipped(2, 48), LIMITS["int8"]) == (
        "2 of 48 images get another label than the reference gives; at most 1 may"
    )
    assert "1 of 48" in str(rejection(flipped(1, 48), LIMITS["fp32"]))


def test_a_model_that_became_better_passes() -> None:
    assert rejection(replace(PERFECT, accuracy=0.995), LIMITS["int8"]) is None


def test_scores_that_moved_fail_fp32_only() -> None:
    moved = replace(PERFECT, max_abs=2e-4)
    assert rejection(moved, LIMITS["fp32"]) == "a score differs by 2.0e-04; 1e-04 is allowed"
    assert rejection(moved, LIMITS["int8"]) is None


def test_a_nan_is_never_within_a_bound() -> None:
    # compare() never builds these: should it one day, they must not pass.
    assert rejection(replace(PERFECT, max_abs=np.nan), LIMITS["fp32"]) is not None
    assert rejection(replace(PERFECT, accuracy=np.nan, mcnemar_p=np.nan), LIMITS["int8"]) is not None


def test_one_score_that_is_not_finite_fails_before_anything_else_is_looked_at() -> None:
    expected = "3 of 10,000 images give a score that is not a finite number"
    assert rejection(replace(PERFECT, not_finite=3, flips=flipped(3).flips, max_abs=np.nan), LIMITS["int8"]) == expected


def test_without_labels_the_loss_is_not_judged() -> None:
    unlabelled = replace(PERFECT, accuracy=None, accuracy_reference=None, mcnemar_p=None)
    assert rejection(unlabelled, LIMITS["int8"]) is None


def test_labels_are_judged_by_the_decisions_alone() -> None:
    labels = replace(PERFECT, max_abs=None, mean_abs=None, confidence_drift=None)
    assert rejection(labels, LIMITS["fp32"]) is None
    assert "none may" in str(rejection(replace(labels, flips=flipped(1).flips), LIMITS["fp32"]))


def test_the_first_check_that_fails_is_the_reason_and_the_others_are_told_too() -> None:
    checks = judge(Evidence(replace(flipped(3), max_abs=0.5, confidence_drift=0.5)), LIMITS["fp32"])
    assert [check.name for check in checks if not check.passed] == ["labels", "scores", "confidence"]
    assert reason(checks) == "3 of 10,000 images get another label than the reference gives; none may"


def test_checks_stand_in_one_order_and_only_where_they_apply() -> None:
    def names(precision: str, evidence: Evidence) -> list[str]:
        return [check.name for check in judge(evidence, LIMITS[precision])]

    everything = Evidence(PERFECT, 0.0, 0.0, 0, (CpuLabels("any", "guess", 10, 0, 0),))
    assert names("fp16", everything) == list(CHECKS)
    assert names("fp32", everything) == [name for name in CHECKS if name != "accuracy"]
    assert names("int8", everything) == [name for name in CHECKS if name != "scores"]
    assert names("int8", Evidence(PERFECT)) == ["finite", "labels", "accuracy", "confidence"]


def test_no_checks_are_no_reason() -> None:
    assert reason(()) is None
