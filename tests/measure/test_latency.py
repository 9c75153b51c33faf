"""The timing loop: what it costs, what it keeps, and that it finds a slower call."""

from __future__ import annotations

import gc
import time
from itertools import count

import numpy as np
import pytest

from digitedge.measure.latency import FEWEST_CALLS, STABLE_SPREAD, LatencyReport, loop_overhead_us, time_calls


def nothing() -> None:
    """A call that does no work."""


def busy(microseconds: float) -> None:
    end = time.perf_counter_ns() + microseconds * 1e3
    while time.perf_counter_ns() < end:
        pass


def test_the_loop_itself_costs_at_most_a_fifth_of_a_microsecond() -> None:
    samples = time_calls([nothing] * 64, seconds=0.1)
    assert np.percentile(samples, 1) <= 0.2
    assert 0 < min(loop_overhead_us(0.01) for _ in range(3)) <= 0.2


def test_a_slower_call_is_found_slower() -> None:
    fast = LatencyReport(tuple(time_calls([lambda: busy(50)], seconds=0.05) for _ in range(3)))
    slow = LatencyReport(tuple(time_calls([lambda: busy(60)], seconds=0.05) for _ in range(3)))
    assert slow.min_us > fast.min_us
    assert slow.p50_us > fast.p50_us * 1.1


@pytest.mark.parametrize(
    ("n", "missing"),
    [
        (63, ["p90_us", "p99_us", "p999_us"]),
        (64, ["p99_us", "p999_us"]),
        (662, ["p999_us"]),
        (6_634, ["p999_us"]),
        (6_635, []),
    ],
)
def test_a_percentile_is_none_exactly_where_it_says_why(n: int, missing: list[str]) -> None:
    report = LatencyReport((np.full(n, 50.0),))
    assert list(report.percentiles_missing) == missing
    for name in ("p50_us", "p90_us", "p99_us", "p999_us"):
        assert (getattr(report, name) is None) == (name in missing)
    for needed in report.percentiles_missing.values():
        assert needed.endswith(f" calls are needed; there were {n:,}")


@pytest.mark.parametrize(
    ("n", "confident"), [(24_575, ()), (24_576, ("p90_us",)), (270_335, ("p90_us",)), (270_336, ("p90_us", "p99_us"))]
)
def test_so_many_calls_buy_confidence(n: int, confident: tuple[str, ...]) -> None:
    assert LatencyReport((np.full(n, 50.0),)).confident == confident


def test_samples_are_microseconds_float64() -> None:
    samples = time_calls([lambda: time.sleep(0.01)], seconds=0.03, warm_up_seconds=0)
    assert samples.dtype == np.float64
    assert 10_000 <= samples.min() < 20_000


def test_calls_are_taken_in_turn() -> None:
    order: list[int] = []
    calls = [lambda index=index: order.append(index) for index in range(3)]
    time_calls(calls, seconds=0, fewest=7, most_seconds=10, warm_up_seconds=0)
    assert order == [0, 0, 1, 2, 0, 1, 2, 0]  # one call of warm-up, then seven


def test_the_warm_up_is_thrown_away() -> None:
    calls = count()

    def slow_at_first() -> None:
        if next(calls) < 3:
            time.sleep(0.02)

    samples = time_calls([slow_at_first], seconds=0, fewest=100, most_seconds=10, warm_up_seconds=0.05)
    assert len(samples) == 100
    assert np.median(samples) < 1000
    assert samples.max() < 20_000


def test_seconds_and_calls_are_both_reached() -> None:
    begin = time.perf_counter()
    samples = time_calls([nothing], seconds=0.1, fewest=10, warm_up_seconds=0)
    assert time.perf_counter() - begin >= 0.1
    assert len(samples) > 10
    assert len(time_calls([nothing], seconds=0, fewest=500, most_seconds=10)) == 500


def test_patience_ends_a_call_that_is_too_slow_for_the_fewest() -> None:
    samples = time_calls([lambda: time.sleep(0.02)], seconds=0.01, fewest=10_000, most_seconds=0.1, warm_up_seconds=0)
    assert 1 <= len(samples) <= 6


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_off_while_timing_and_as_before_afterwards(enabled: bool) -> None:
    seen: set[bool] = set()
    (gc.enable if enabled else gc.disable)()
    try:
        time_calls([lambda: seen.add(gc.isenabled())], seconds=0.01)
        assert seen == {False}
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_the_garbage_collector_comes_back_after_an_error() -> None:
    def broken() -> None:
        raise RuntimeError("the engine failed")

    with pytest.raises(RuntimeError, match="the engine failed"):
        time_calls([broken], seconds=1)
    assert gc.isenabled()


def test_the_figures_of_known_samples() -> None:
    report = LatencyReport((np.arange(1.0, 501), np.arange(501.0, 1001)))
    assert (report.n, report.min_us, report.p50_us, report.mean_us) == (1000, 1.0, 500.5, 500.5)
    assert (report.p90_us, report.p99_us) == (pytest.approx(900.1), pytest.approx(990.01))
    assert report.std_us == pytest.approx(288.675, abs=0.001)
    low, high = report.interval_us
    assert low < report.p50_us < high


def test_too_few_samples_give_no_percentile() -> None:
    few = LatencyReport((np.ones(30), np.ones(33)))
    assert (few.p90_us, few.p99_us, few.p999_us, few.p50_us) == (None, None, None, 1.0)
    assert LatencyReport((np.ones(661),)).p99_us is None
    assert LatencyReport((np.ones(662),)).p99_us == 1.0
    assert LatencyReport((np.ones(6_634),)).p999_us is None
    assert LatencyReport((np.ones(6_635),)).p999_us == 1.0


def test_valid_from_1024_calls_on() -> None:
    assert FEWEST_CALLS == 1024
    assert not LatencyReport((np.ones(1000), np.ones(23))).valid
    assert LatencyReport((np.ones(1000), np.ones(24))).valid


def test_processes_that_disagree_are_not_stable() -> None:
    steady = LatencyReport((np.full(600, 50.0), np.full(600, 54.0)))
    shaken = LatencyReport((np.full(600, 50.0), np.full(600, 57.0)))
    assert steady.spread == pytest.approx(4 / 52)
    assert steady.spread < STABLE_SPREAD < shaken.spread
    assert steady.stable
    assert not shaken.stable


def test_one_disturbed_process_of_ten_does_not_make_a_report_unstable_and_two_of_four_do() -> None:
    quiet, disturbed = np.full(600, 50.0), np.full(600, 90.0)
    assert LatencyReport((quiet,) * 9 + (disturbed,)).stable
    assert not LatencyReport((quiet,) * 2 + (disturbed,) * 2).stable


@pytest.mark.parametrize("processes", [(), (np.empty(0),), (np.ones(3), np.empty(0)), (np.ones((2, 2)),)])
def test_a_report_of_nothing_is_refused(processes: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="at least one process"):
        LatencyReport(processes)
