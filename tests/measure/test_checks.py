"""Every check catches what it is there for, passes what is right, and never passes a NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.measure.limits import CHECKS, LIMITS, Check, CpuLabels, Evidence, judge
from digitedge.measure.parity import compare, softmax

LABELS = np.arange(200) % 10
RIGHT = softmax((8 * np.eye(10)[LABELS] + np.random.default_rng(0).normal(0, 0.3, (200, 10))).astype(np.float32))
PARITY = compare(RIGHT, RIGHT, LABELS)
ALIKE = CpuLabels("x86 without VNNI", "an emulator", n=200, flips=0, differs=0)
EVIDENCE = Evidence(PARITY, sum_abs=1e-7, batch_abs=0.0, cpus=(ALIKE,))

every_precision = pytest.mark.parametrize("precision", LIMITS)


def answer(name: str, evidence: Evidence, precision: str) -> Check:
    (check,) = (check for check in judge(evidence, LIMITS[precision]) if check.name == name)
    return check


def worse(**figures: float | None) -> Evidence:
    return replace(EVIDENCE, parity=replace(PARITY, **figures))


# For each check a fault that it must find in every precision where it is put.
FAULTS = {
    "finite": worse(not_finite=1),
    "probabilities": replace(EVIDENCE, sum_abs=0.05),
    "batch": replace(EVIDENCE, batch_abs=0.06),
    "labels": replace(EVIDENCE, parity=compare(RIGHT, np.roll(RIGHT, 1, axis=1), LABELS)),
    "accuracy": worse(accuracy=0.97, mcnemar_p=0.03),
    "scores": worse(max_abs=0.03),
    "confidence": worse(confidence_drift=-0.06),
    "cpus": replace(EVIDENCE, cpus=(ALIKE, replace(ALIKE, cpu="ARM", flips=40, differs=40))),
}
NOT_NUMBERS = {
    "probabilities": replace(EVIDENCE, sum_abs=np.nan),
    "batch": replace(EVIDENCE, batch_abs=np.nan),
    "accuracy": worse(accuracy=np.nan, mcnemar_p=np.nan),
    "scores": worse(max_abs=np.nan),
    "confidence": worse(confidence_drift=np.nan),
}


def test_there_is_a_fault_for_every_check() -> None:
    assert list(FAULTS) == list(CHECKS)


@every_precision
def test_what_is_right_passes_every_check(precision: str) -> None:
    checks = judge(EVIDENCE, LIMITS[precision])
    assert [check.reason for check in checks if not check.passed] == []
    assert len(checks) >= 6


@every_precision
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_by_the_check_that_is_meant_to_find_it_and_by_no_other(name: str, precision: str) -> None:
    names = [check.name for check in judge(EVIDENCE, LIMITS[precision])]
    failed = [check.name for check in judge(FAULTS[name], LIMITS[precision]) if not check.passed]
    if name in names:
        assert name in failed
        assert set(failed) <= {name, *(("accuracy", "scores") if name == "labels" else ())}
    else:
        assert (name, precision) in {("accuracy", "fp32"), ("scores", "int8"), ("scores", "int8-weights")}


@every_precision
@pytest.mark.parametrize("name", NOT_NUMBERS)
def test_a_nan_passes_no_check(name: str, precision: str) -> None:
    checks = judge(NOT_NUMBERS[name], LIMITS[precision])
    for check in checks:
        assert check.passed == (check.name != name)


@given(st.sampled_from([np.nan, np.inf, -np.inf]), st.integers(0, 199), st.integers(0, 9))
def test_one_score_that_is_not_finite_fails_every_check_of_scores(value: float, row: int, column: int) -> None:
    broken = RIGHT.copy()
    broken[row, column] = value
    checks = judge(Evidence(compare(RIGHT, broken, LABELS)), LIMITS["fp32"])
    assert {check.name for check in checks if not check.passed} == {"finite", "labels", "scores", "confidence"}


@every_precision
@given(st.integers(2, 50), st.floats(0.0, 1.0))
def test_a_softmax_that_is_applied_twice_is_found_in_every_precision(
    precision: str, classes: int, doubt: float
) -> None:
    # From a network that is quite sure to one that is right in two of three cases.
    sure = 0.999 - doubt * (0.999 - max(0.65, 1.5 / classes))
    once = np.full((20, classes), (1 - sure) / (classes - 1), np.float32)
    once[:, 0] = sure
    assert not answer("confidence", Evidence(compare(once, softmax(once), None)), precision).passed


@every_precision
def test_a_missing_softmax_is_found_in_every_precision(precision: str) -> None:
    for logits in ([9.0, -3.0, 0.5], [2.0, 1.0, 0.5], [1.5, -1.0, 0.5]):
        figure = compare(softmax(np.array([logits], np.float32)), np.array([logits], np.float32), None)
        distance = max(abs(sum(logits) - 1), -min(logits))
        assert not answer("probabilities", Evidence(figure, sum_abs=distance), precision).passed


def test_the_integers_of_an_int8_file_are_probabilities_however_many_classes_there_are() -> None:
    for classes in (2, 10, 43, 1000):
        scores = softmax(np.random.default_rng(classes).normal(0, 1, (50, classes)).astype(np.float32))
        off = float(np.abs((np.round(scores * 256) / 256).sum(axis=1) - 1).max())
        evidence = Evidence(compare(scores, scores, None), sum_abs=off)
        assert answer("probabilities", evidence, "int8").passed
        assert not answer("probabilities", replace(evidence, sum_abs=off + classes / 128), "int8").passed


def test_a_label_that_depends_on_the_batch_fails_however_small_the_difference() -> None:
    check = answer("batch", replace(EVIDENCE, batch_abs=1e-9, batch_flips=2), "int8")
    assert (check.passed, check.reason) == (False, "2 images get another label alone than in a batch; none may")
    assert not answer("batch", replace(EVIDENCE, batch_abs=None, batch_flips=1), "int8").passed


def test_each_sentence_holds_the_figure_and_the_limit() -> None:
    assert {name: answer(name, FAULTS[name], "fp16").reason for name in CHECKS} == {
        "finite": "1 of 200 images give a score that is not a finite number",
        "probabilities": "the scores of an image are 5.0e-02 from being probabilities that sum to 1; 1e-03 is allowed",
        "batch": "an image alone gives a score that is 6.0e-02 from that in a batch; 5e-03 is allowed",
        "labels": "200 of 200 images get another label than the reference gives; at most 1 may",
        "accuracy": "accuracy falls by 3 points; 0.10 are allowed",
        "scores": "a score differs by 3.0e-02; 2e-02 is allowed",
        "confidence": "the mean confidence falls by 6.0e-02; 2e-03 is allowed",
        "cpus": "on ARM 40 of 200 images get another label than the reference gives; at most 1 may (an emulator)",
    }


def test_a_check_that_passed_says_so_in_the_same_words() -> None:
    assert answer("finite", EVIDENCE, "int8").reason == "every score is a finite number"
    assert answer("accuracy", worse(accuracy=0.99, accuracy_reference=0.98), "int8").reason == (
        "accuracy rises by 1 points; 0.10 are allowed"
    )
    excused = answer("accuracy", worse(accuracy=0.97, mcnemar_p=0.25), "int8")
    assert excused.passed
    assert excused.reason == "accuracy falls by 3 points, which can be chance (p = 0.25); 0.10 are allowed"
    assert answer("cpus", EVIDENCE, "int8").reason == (
        "this file decides alike on x86 without VNNI: 0 of 200 labels differ; none may (an emulator)"
    )


def test_a_figure_just_beyond_its_limit_is_not_printed_as_the_limit() -> None:
    assert answer("scores", worse(max_abs=1.00004e-4), "fp32").reason == (
        "a score differs by 1.00004e-04; 1e-04 is allowed"
    )


def test_one_label_that_differs_on_another_cpu_fails_int8_whatever_the_reference_says() -> None:
    check = answer("cpus", replace(EVIDENCE, cpus=(ALIKE, replace(ALIKE, differs=1))), "int8")
    assert (check.passed, check.figure, check.limit) == (False, 1, 0)
    assert check.reason == (
        "this file decides differently on x86 without VNNI: 1 of 200 labels differ; none may (an emulator)"
    )


def test_where_no_cpu_differs_their_number_is_told() -> None:
    check = answer("cpus", replace(EVIDENCE, cpus=(ALIKE, ALIKE, ALIKE)), "int8")
    assert (check.passed, check.reason) == (True, "this file decides alike on 3 kinds of CPU: no label differs")


def test_where_a_cpu_may_round_in_its_own_way_the_flips_against_the_reference_count() -> None:
    other = replace(ALIKE, n=1000, flips=2, differs=5)
    check = answer("cpus", replace(EVIDENCE, cpus=(other,)), "int8-weights")
    assert (check.passed, check.figure, check.limit) == (True, 5, None)
    check = answer("cpus", replace(EVIDENCE, cpus=(replace(other, flips=3),)), "int8-weights")
    assert (check.passed, check.figure, check.limit) == (False, 3, 2)


def test_on_a_cpu_too_the_flips_stay_within_the_bound_of_labels() -> None:
    check = answer("cpus", replace(EVIDENCE, cpus=(replace(ALIKE, flips=2),)), "int8")
    assert not check.passed
    assert check.reason.startswith("on x86 without VNNI 2 of 200 images get another label than the reference gives")
