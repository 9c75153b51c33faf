"""What passes and what does not, exactly at the bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.measure.limits import LIMITS, limits_of, reason
from digitedge.measure.parity import ParityReport
from digitedge.measure.statistics import mcnemar_p

PERFECT = ParityReport(
    n=10_000,
    flips=(),
    flipped_to=(),
    accuracy=0.99,
    accuracy_reference=0.99,
    mcnemar_p=1.0,
    max_abs=1e-6,
    mean_abs=1e-7,
    not_finite=0,
)


def flipped(count: int, n: int = 10_000) -> ParityReport:
    return replace(PERFECT, n=n, flips=tuple(range(count)))


@pytest.mark.parametrize("precision", LIMITS)
def test_a_perfect_report_passes(precision: str) -> None:
    assert reason(PERFECT, LIMITS[precision]) is None


def test_whoever_allows_a_loss_allows_the_labels_that_it_takes() -> None:
    lost = replace(flipped(200), accuracy=0.98, mcnemar_p=1e-9)
    assert "200 of 10,000 images get another label" in str(reason(lost, limits_of("int8")))
    assert reason(lost, limits_of("int8", 1.0)) is None
    assert "accuracy falls by 1.1 points; 1.00 are allowed" in str(
        reason(replace(lost, accuracy=0.979), limits_of("int8", 1.0))
    )
    assert "at most 200 may" in str(reason(flipped(201), limits_of("int8", 1.0)))


def test_a_smaller_loss_than_usual_narrows_nothing() -> None:
    assert limits_of("int8", 0.0) == limits_of("int8") == LIMITS["int8"]


def test_one_flip_fails_fp32_and_says_how_many() -> None:
    expected = "1 of 10,000 images get another label than the reference gives; none may"
    assert reason(flipped(1), LIMITS["fp32"]) == expected


def test_int8_may_flip_two_in_a_thousand_and_not_one_more() -> None:
    assert reason(flipped(20), LIMITS["int8"]) is None
    expected = "21 of 10,000 images get another label than the reference gives; at most 20 may"
    assert reason(flipped(21), LIMITS["int8"]) == expected


@given(st.integers(2, 100_000))
def test_the_bound_of_int8_is_exact_for_every_number_of_images(n: int) -> None:
    allowed = max(1, n * 2 // 1000)
    assert reason(flipped(allowed, n), LIMITS["int8"]) is None
    assert "get another label" in str(reason(flipped(allowed + 1, n), LIMITS["int8"]))


def test_a_weak_model_may_flip_a_tenth_of_its_errors() -> None:
    weak = replace(flipped(60), accuracy_reference=0.94, accuracy=0.94)
    assert reason(weak, LIMITS["int8"]) is None
    assert "at most 60 may" in str(reason(replace(weak, flips=tuple(range(61))), LIMITS["int8"]))
    assert "none may" in str(reason(weak, LIMITS["fp32"]))


def losing(accuracy_reference: float, accuracy: float, mcnemar_p: float = 0.001) -> ParityReport:
    return replace(PERFECT, accuracy_reference=accuracy_reference, accuracy=accuracy, mcnemar_p=mcnemar_p)


def test_int8_may_lose_a_tenth_of_a_point_and_not_more() -> None:
    assert reason(losing(0.991, 0.990), LIMITS["int8"]) is None
    assert reason(losing(0.9911, 0.990), LIMITS["int8"]) == "accuracy falls by 0.11 points; 0.10 are allowed"


def test_a_loss_just_beyond_the_bound_is_not_printed_as_the_bound() -> None:
    assert reason(losing(0.99104, 0.990), LIMITS["int8"]) == "accuracy falls by 0.104 points; 0.10 are allowed"


def test_a_loss_that_can_be_chance_is_none() -> None:
    assert reason(losing(0.95, 0.94, mcnemar_p=0.05), LIMITS["int8"]) is None
    assert "1 points" in str(reason(losing(0.95, 0.94, mcnemar_p=0.049), LIMITS["int8"]))


@given(st.integers(11, 20))
def test_on_ten_thousand_images_of_a_good_model_chance_excuses_nothing(flips: int) -> None:
    # 11 images net are lost: as many flips as are allowed leave no room for that to be chance.
    lost = (flips + 12) // 2
    right_a, right_b = np.zeros(flips, bool), np.ones(flips, bool)
    right_a[:lost], right_b[:lost] = True, False
    report = losing(0.994, 0.994 - (2 * lost - flips) / 10_000, mcnemar_p(right_a, right_b))
    assert "accuracy falls" in str(reason(report, LIMITS["int8"]))


def test_one_image_of_a_small_set_proves_nothing_and_two_do() -> None:
    assert reason(flipped(1, 48), LIMITS["int8"]) is None
    assert reason(flipped(2, 48), LIMITS["int8"]) == (
        "2 of 48 images get another label than the reference gives; at most 1 may"
    )
    assert "1 of 48" in str(reason(flipped(1, 48), LIMITS["fp32"]))


def test_a_model_that_became_better_passes() -> None:
    assert reason(replace(PERFECT, accuracy=0.995), LIMITS["int8"]) is None


def test_scores_that_moved_fail_fp32_only() -> None:
    moved = replace(PERFECT, max_abs=2e-4)
    assert reason(moved, LIMITS["fp32"]) == "a score differs by 2.0e-04; 1e-04 is allowed"
    assert reason(moved, LIMITS["int8"]) is None


def test_a_nan_is_never_within_a_bound() -> None:
    # compare() never builds these: should it one day, they must not pass.
    assert reason(replace(PERFECT, max_abs=np.nan), LIMITS["fp32"]) is not None
    assert reason(replace(PERFECT, accuracy=np.nan, mcnemar_p=np.nan), LIMITS["int8"]) is not None


def test_one_score_that_is_not_finite_fails_before_anything_else_is_looked_at() -> None:
    expected = "3 of 10,000 images give a score that is not a finite number"
    assert reason(replace(PERFECT, not_finite=3, flips=(1, 2, 3), max_abs=np.nan), LIMITS["int8"]) == expected


def test_without_labels_the_loss_is_not_judged() -> None:
    unlabelled = replace(PERFECT, accuracy=None, accuracy_reference=None, mcnemar_p=None)
    assert reason(unlabelled, LIMITS["int8"]) is None


def test_labels_are_judged_by_the_decisions_alone() -> None:
    labels = replace(PERFECT, max_abs=None, mean_abs=None)
    assert reason(labels, LIMITS["fp32"]) is None
    assert "none may" in str(reason(replace(labels, flips=(7,)), LIMITS["fp32"]))
