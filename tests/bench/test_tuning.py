"""Which settings are tried, which are measured, and that no gain is claimed without proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.bench import tuning
from digitedge.bench.job import Job, Outcome
from digitedge.bench.process import Lost
from digitedge.bench.target import Target
from digitedge.bench.tuning import finalists, processes_needed, singles, tune
from digitedge.config import BenchConfig
from digitedge.runtime.session_settings import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitedge.artifact import Golden

USUAL = SessionSettings()
TWO, QUIET_TWO = replace(USUAL, threads=2), replace(USUAL, threads=2, spinning=False)
NO_ARENA, NO_PATTERN = replace(USUAL, arena=False), replace(USUAL, pattern=False)
EXTENDED, PLAIN = replace(USUAL, level="extended"), replace(USUAL, layout="plain")
CONFIG = BenchConfig()


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Job]]:
    """made_up({settings: factor}): times of 100 µs times the factor; the jobs that were asked for."""

    def make(
        factors: dict[SessionSettings, float],
        *,
        lost: tuple[SessionSettings, ...] = (),
        wrong: tuple[SessionSettings, ...] = (),
        slow: tuple[SessionSettings, ...] = (),
        seed: int = 0,
    ) -> list[Job]:
        random, jobs = np.random.default_rng(seed), list[Job]()

        def run_job(job: Job, *, limit_seconds: float) -> Outcome | Lost:
            assert limit_seconds > job.seconds
            assert job.options is not None
            jobs.append(job)
            settings = SessionSettings(**job.options)
            if settings in lost:
                return Lost("its process was ended by SIGSEGV")
            # Processes differ by 1 %, calls by 2 %.
            typical = 100.0 * factors.get(settings, 1.0) * random.normal(1, 0.01)
            if settings in slow and len(jobs) % 2:
                typical *= 2
            why = "130 of 10,000 images get another label" if settings in wrong and job.golden else None
            return Outcome(random.normal(typical, 2.0, 512), 1.0, 1.0, None, 5, 0, None, None, why)

        monkeypatch.setattr(tuning, "run_job", run_job)
        return jobs

    return make


def tuned(path: Path, images: np.ndarray, golden: Golden | None = None, *, cores: int = 2) -> tuning.Tuned:
    return tune(Target(path), USUAL, images, golden, CONFIG, cores=cores)


def test_each_option_is_tried_alone() -> None:
    assert set(singles(USUAL, 2)) == {TWO, QUIET_TWO, NO_ARENA, NO_PATTERN, EXTENDED, PLAIN}
    assert set(singles(USUAL, 1)) == {NO_ARENA, NO_PATTERN, EXTENDED, PLAIN}
    assert {(one.threads, one.spinning) for one in singles(USUAL, 8)} == {
        (1, True), (2, True), (2, False), (8, True), (8, False),
    }  # fmt: skip
    from_two = {(one.threads, one.spinning) for one in singles(TWO, 2)}
    assert from_two == {(1, True), (2, True), (2, False)}
    assert TWO not in singles(TWO, 2)


def test_what_looked_good_is_measured_together_and_the_best_alone() -> None:
    screened = {USUAL: 100.0, TWO: 60.0, QUIET_TWO: 90.0, NO_ARENA: 97.0, NO_PATTERN: 99.0, EXTENDED: 140.0}
    together = replace(TWO, arena=False)  # not the pattern: 1 % is chance
    assert finalists(screened, USUAL) == (together, TWO, QUIET_TWO)


def test_where_nothing_looked_good_the_best_are_measured_all_the_same() -> None:
    assert finalists({USUAL: 100.0, NO_ARENA: 101.0}, USUAL) == (NO_ARENA,)


def test_threads_are_always_measured_thoroughly_as_a_brief_look_may_meet_a_bad_moment() -> None:
    screened = {USUAL: 100.0, NO_ARENA: 101.0, NO_PATTERN: 102.0, EXTENDED: 103.0, TWO: 120.0, QUIET_TWO: 150.0}
    assert finalists(screened, USUAL) == (NO_ARENA, TWO, NO_PATTERN)


def test_what_was_lost_is_no_finalist() -> None:
    assert finalists({USUAL: 100.0, TWO: None, NO_ARENA: 101.0}, USUAL) == (NO_ARENA,)
    assert finalists({USUAL: None, TWO: 50.0}, USUAL) == ()


def test_a_gain_of_a_fifth_is_found_and_proved(
    tiny_onnx: Callable[..., Path], images: np.ndarray, made_up: Callable[..., list[Job]]
) -> None:
    jobs = made_up({NO_ARENA: 0.8})
    found = tuned(tiny_onnx(), images)
    assert (found.best, found.proved, found.reason) == (NO_ARENA, True, None)
    assert found.gain is not None
    ratio, low, high = found.gain
    assert 1.15 < low < ratio < high < 1.35
    assert len(jobs) == processes_needed(USUAL, 2)
    assert len(found.screened) == 7


def test_settings_whose_processes_do_not_agree_are_told_and_not_claimed(
    tiny_onnx: Callable[..., Path], images: np.ndarray, made_up: Callable[..., list[Job]]
) -> None:
    made_up({TWO: 0.7}, slow=(TWO,))
    found = tuned(tiny_onnx(), images)
    assert not found.proved
    ((settings, least_us, most_us),) = found.unsteady
    assert settings == TWO
    assert (least_us, most_us) == (pytest.approx(70, rel=0.05), pytest.approx(140, rel=0.05))
    made_up({TWO: 1.1}, slow=(TWO,))
    assert tuned(tiny_onnx(), images).unsteady == (), "never faster than the usual session"
    made_up({TWO: 0.7})
    assert tuned(tiny_onnx(), images).unsteady == ()


@pytest.mark.parametrize("seed", range(5))
def test_where_nothing_differs_no_gain_is_claimed(
    tiny_onnx: Callable[..., Path], images: np.ndarray, made_up: Callable[..., list[Job]], seed: int
) -> None:
    made_up({}, seed=seed)
    found = tuned(tiny_onnx(), images)
    assert not found.proved
    assert found.best is not None
    assert found.gain is not None
    assert found.gain[1] < 1.03


def test_a_gain_under_three_percent_is_not_claimed_however_narrow_its_interval(
    tiny_onnx: Callable[..., Path], images: np.ndarray, made_up: Callable[..., list[Job]]
) -> None:
    made_up({NO_ARENA: 0.8})
    found = tuned(tiny_onnx(), images)
    assert found.usual_report is not None
    barely = replace(found.usual_report, processes=tuple(each * 0.975 for each in found.usual_report.processes))
    steady = replace(found.usual_report, processes=tuple(np.full(512, 100.0) for _ in range(10)))
    near = replace(found, usual_report=steady, best_report=replace(steady, processes=(np.full(512, 97.5),) * 10))
    far = replace(near, best_report=replace(steady, processes=(np.full(512, 96.5),) * 10))
    assert near.gain is not None
    assert near.gain[1] > 1.0
    assert (near.proved, far.proved) == (False, True)
    assert not replace(found, best_report=barely).proved  # the intervals overlap


def test_the_rounds_are_interleaved_and_only_the_first_scores(
    tiny_onnx: Callable[..., Path],
    images: np.ndarray,
    golden_of: Callable[[Path], Golden],
    made_up: Callable[..., list[Job]],
) -> None:
    jobs, path = made_up({TWO: 0.7}), tiny_onnx()
    tuned(path, images, golden_of(path))
    options = [str(job.options) for job in jobs]
    for start in (0, 7, 14):
        assert len(set(options[start : start + 7])) == 7
    assert len({tuple(options[start : start + 7]) for start in (0, 7, 14)}) > 1, "chance puts them in order"
    assert sum(job.golden is not None for job in jobs) == 4
    assert {job.golden is None for job in jobs[:21]} == {True}
    assert {job.threads for job in jobs} == {1, 2}


def test_settings_that_give_other_labels_are_not_proved(
    tiny_onnx: Callable[..., Path],
    images: np.ndarray,
    golden_of: Callable[[Path], Golden],
    made_up: Callable[..., list[Job]],
) -> None:
    path = tiny_onnx()
    made_up({TWO: 0.6, NO_ARENA: 0.9}, wrong=(TWO, NO_ARENA, replace(TWO, arena=False)))
    found = tuned(path, images, golden_of(path))
    assert (found.proved, found.reason) == (False, "130 of 10,000 images get another label")
    made_up({TWO: 0.6, NO_ARENA: 0.9}, wrong=(replace(TWO, arena=False),))
    found = tuned(path, images, golden_of(path))
    assert (found.best, found.proved, found.reason) == (TWO, True, None)


def test_settings_that_crash_are_left_out_and_tried_once(
    tiny_onnx: Callable[..., Path], images: np.ndarray, made_up: Callable[..., list[Job]]
) -> None:
    jobs = made_up({NO_ARENA: 0.8}, lost=(TWO,))
    found = tuned(tiny_onnx(), images)
    assert (found.best, found.proved) == (NO_ARENA, True)
    assert dict(found.screened)[TWO] is None
    assert sum(SessionSettings(**(job.options or {})) == TWO for job in jobs) == 1


def test_a_usual_session_that_crashes_is_the_reason(
    tiny_onnx: Callable[..., Path], images: np.ndarray, made_up: Callable[..., list[Job]]
) -> None:
    made_up({}, lost=(USUAL,))
    found = tuned(tiny_onnx(), images)
    assert (found.best, found.gain, found.proved) == (None, None, False)
    assert found.reason == "its process was ended by SIGSEGV"


def test_real_processes_take_the_settings(
    tiny_onnx: Callable[..., Path],
    images: np.ndarray,
    golden_of: Callable[[Path], Golden],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"SCREENED_PROCESSES": 1, "MEASURED_PROCESSES": 2, "MEASURED_SECONDS": 0.02}.items():
        monkeypatch.setattr(tuning, name, value)
    path, said = tiny_onnx(), list[str]()
    found = tune(Target(path), USUAL, images, golden_of(path), CONFIG, cores=1, watch=said.append)
    assert found.reason is None
    assert found.gain is not None
    assert 0.2 < found.gain[0] < 5
    assert len(said) == processes_needed(USUAL, 1) == 5 + 2 * 4
    assert {"1 thread", "1 thread, no arena", "1 thread, plain layout"} <= set(said)
