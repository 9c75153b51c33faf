"""The statistics, against their definitions and against SciPy."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.measure.statistics import (
    CONFIDENT_SAMPLES,
    FEWEST_SAMPLES,
    Z_95,
    binomial_quantile,
    calibration_error,
    mcnemar_p,
    median_interval,
    percentile,
    wilson_interval,
)


def right(pattern: str) -> np.ndarray:
    return np.array([letter == "1" for letter in pattern])


def test_mcnemar_by_hand() -> None:
    # Three images that only the first has right: 2 * (1/2)**3.
    assert mcnemar_p(right("11110"), right("00010")) == 0.25
    assert mcnemar_p(right("10"), right("01")) == 1.0


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_models_that_are_right_alike_have_p_one(pattern: list[bool]) -> None:
    assert mcnemar_p(np.array(pattern), np.array(pattern)) == 1.0


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_and_symmetric(only_a: int, only_b: int) -> None:
    n = only_a + only_b
    a = np.array([True] * only_a + [False] * only_b + [True] * 5)
    b = np.array([False] * only_a + [True] * only_b + [True] * 5)
    splits_as_uneven = sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(only_a - only_b))
    assert mcnemar_p(a, b) == pytest.approx(splits_as_uneven / 2**n, rel=1e-12)
    assert mcnemar_p(a, b) == mcnemar_p(b, a)


def test_mcnemar_of_two_useless_models_takes_no_time() -> None:
    random, begin = np.random.default_rng(0), time.perf_counter()
    p = mcnemar_p(random.random(28_000) < 0.5, random.random(28_000) < 0.5)
    assert 0.001 < p <= 1.0
    assert time.perf_counter() - begin < 1.0


def test_mcnemar_of_a_destroyed_model_is_zero_not_an_error() -> None:
    assert mcnemar_p(np.ones(10_000, bool), np.zeros(10_000, bool)) == 0.0


def test_wilson_by_hand() -> None:
    # n / (n + z**2) where all agree; 0.4901 +- 0.0961 for 51 of 104, as tables have it.
    assert wilson_interval(10_000, 10_000) == (pytest.approx(10_000 / (10_000 + Z_95**2)), 1.0)
    assert wilson_interval(0, 5) == (0.0, pytest.approx(Z_95**2 / (5 + Z_95**2)))
    assert wilson_interval(51, 104) == (pytest.approx(0.3964, abs=5e-5), pytest.approx(0.5851, abs=5e-5))


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_of_wilsons_interval_are_where_the_share_is_just_z_deviations_away(counts: tuple[int, int]) -> None:
    successes, n = counts
    low, high = wilson_interval(successes, n)
    assert 0.0 <= low <= successes / n <= high <= 1.0
    for end in (low, high):
        if 0 < end < 1:
            deviations = abs(successes / n - end) / math.sqrt(end * (1 - end) / n)
            assert deviations == pytest.approx(Z_95, rel=1e-6)


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilsons_interval_of_failures_is_the_mirror_of_that_of_successes(successes: int, failures: int) -> None:
    low, high = wilson_interval(successes, successes + failures)
    mirrored = wilson_interval(failures, successes + failures)
    assert mirrored == (pytest.approx(1 - high), pytest.approx(1 - low))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_is_the_sum_over_bins(answers: list[tuple[float, bool]]) -> None:
    confidence = np.array([confidence for confidence, _ in answers])
    correct, expected = np.array([right for _, right in answers]), 0.0
    for m in range(15):
        inside = [at for at, of in enumerate(confidence) if max(0, math.ceil(of * 15) - 1) == m]
        if inside:
            expected += len(inside) / len(answers) * abs(correct[inside].mean() - confidence[inside].mean())
    assert calibration_error(confidence, correct) == pytest.approx(expected, abs=1e-12)


def test_a_network_that_is_as_sure_as_it_is_right_has_no_calibration_error() -> None:
    confidence, correct = np.full(10, 0.9), np.arange(10) < 9
    assert calibration_error(confidence, correct) == pytest.approx(0.0)
    assert calibration_error(np.full(10, 1.0), correct) == pytest.approx(0.1)
    assert calibration_error(np.full(10, 0.5), correct) == pytest.approx(0.4)


def test_errors_in_two_bins_do_not_cancel_out() -> None:
    assert calibration_error(np.array([0.6, 0.8]), np.array([True, False])) == pytest.approx((0.4 + 0.8) / 2)


def test_a_nan_among_the_confidences_is_the_result() -> None:
    assert math.isnan(calibration_error(np.array([0.9, np.nan]), right("11")))


@pytest.mark.parametrize(("percent", "exact"), [(90.0, 64), (99.0, 662), (99.9, 6_636)])
def test_the_fewest_samples_follow_from_the_binomial(percent: float, exact: int) -> None:
    beyond = 1 - percent / 100

    def at_most_one_beyond(n: int) -> float:
        return float((1 - beyond) ** n + n * beyond * (1 - beyond) ** (n - 1))

    assert at_most_one_beyond(exact) <= 0.01 < at_most_one_beyond(exact - 1)
    assert exact - FEWEST_SAMPLES[percent] in (0, 1)  # MLPerf's own figure for p99.9 is one less


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0, 99.9])
def test_one_sample_too_few_gives_no_percentile(percent: float) -> None:
    fewest = FEWEST_SAMPLES[percent]
    assert percentile(np.arange(fewest - 1.0), percent) is None
    assert percentile(np.arange(fewest * 1.0), percent) == pytest.approx((fewest - 1) * percent / 100)


def test_a_percentile_that_is_not_guarded_is_refused() -> None:
    with pytest.raises(KeyError):
        percentile(np.arange(100.0), 95.0)


def test_the_interval_spans_processes_that_disagree() -> None:
    processes = [np.full(1000, level) for level in (50.0, 51.0, 52.0, 53.0, 60.0)]
    low, high = median_interval(processes, seed=0)
    assert (low, high) == (50.0, 60.0)


def test_more_samples_within_a_process_do_not_hide_that_processes_disagree() -> None:
    few = median_interval([np.full(10, 50.0), np.full(10, 60.0)], seed=0)
    many = median_interval([np.full(100_000, 50.0), np.full(100_000, 60.0)], seed=0)
    assert few == many == (50.0, 60.0)


def test_the_interval_is_narrow_where_processes_agree_and_repeats_with_its_seed() -> None:
    random = np.random.default_rng(1)
    processes = [random.normal(100.0, 5.0, 5000) for _ in range(5)]
    low, high = median_interval(processes, seed=7)
    assert 99.0 < low < 100.0 < high < 101.0
    assert (low, high) == median_interval(processes, seed=7)


def test_the_interval_does_not_fall_into_step_with_images_taken_in_turn() -> None:
    # Every 64th call is slow, and 512 samples at equal distances of 32,768 would be those alone.
    samples = np.where(np.arange(32_768) % 64 == 0, 500.0, 50.0)
    assert median_interval([samples] * 5, seed=0) == (50.0, 50.0)


@pytest.mark.parametrize(("processes", "within"), [(5, 1.0), (5, 9.0), (10, 1.0)])
def test_the_interval_holds_the_true_median_as_often_as_it_says(processes: int, within: float) -> None:
    random, held, trials = np.random.default_rng(2), 0, 200
    for trial in range(trials):
        drawn = [random.normal(random.normal(100.0, 3.0), within, 50) for _ in range(processes)]
        low, high = median_interval(drawn, seed=trial, replicates=50)
        held += low <= 100.0 <= high
    assert held / trials >= 0.91  # 94 %, less twice the standard deviation of 200 trials


def test_with_many_processes_one_that_was_disturbed_does_not_widen_the_interval() -> None:
    levels = [50.0, 50.1, 50.2, 50.3, 50.4, 50.5, 50.6, 50.7, 50.8, 90.0]
    low, high = median_interval([np.full(1000, level) for level in levels], seed=0)
    assert 50.0 <= low < 50.5 < high < 51.0


@pytest.mark.parametrize("processes", [[], [np.empty(0)], [np.ones(3), np.empty(0)]])
def test_no_samples_are_no_interval(processes: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="at least one process"):
        median_interval(processes, seed=0)


@given(st.integers(1, 3000), st.floats(0.0, 0.5), st.floats(0.01, 0.999))
def test_a_binomial_quantile_is_scipys(n: int, share: float, confidence: float) -> None:
    from scipy.stats import binom

    found = binomial_quantile(n, share, confidence)
    assert binom.cdf(found, n, share) >= confidence - 1e-9
    assert found == 0 or binom.cdf(found - 1, n, share) < confidence + 1e-9


@pytest.mark.parametrize("percent", CONFIDENT_SAMPLES)
def test_the_confident_samples_follow_from_mlperfs_formula(percent: float) -> None:
    from scipy.stats import norm

    tail = 1 - percent / 100
    margin, z = tail / 20, norm.ppf(0.995)
    needed = z**2 * tail * (1 - tail) / margin**2
    assert CONFIDENT_SAMPLES[percent] == math.ceil(needed / 8_192) * 8_192
