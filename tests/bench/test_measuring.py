"""The whole benchmark on tiny models: two processes a row, 50 ms of calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.job import Outcome, refused
from digitedge.bench.measuring import measure
from digitedge.bench.process import Lost
from digitedge.bench.samples import sampled_of
from digitedge.bench.target import Target, floors_of
from digitedge.bench.verdict import faster_by
from digitedge.config import BenchConfig
from digitedge.errors import ContentError, NotPresentError, UnknownNameError, UsageError
from digitedge.runtime.model import Placement
from digitedge.runtime.provider import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.artifact import Golden
    from digitedge.bench.job import Job

QUICK = BenchConfig(seconds=0.1, processes=2)


def unwatched(done: int, total: int, name: str) -> None:
    """Nobody looks."""


def test_a_slowed_model_is_found_slower_and_every_row_is_whole(
    tiny_onnx: Callable[..., Path], images: np.ndarray, golden_of: Callable[[Path], Golden]
) -> None:
    fast, slow = tiny_onnx("fast.onnx"), tiny_onnx("slow.onnx", width=512)
    seen: list[tuple[int, int, str]] = []
    result = measure([Target(slow), Target(fast)], QUICK, images, golden_of(fast), lambda *state: seen.append(state))

    slow_row, fast_row = result.rows
    assert [row.path for row in result.rows] == [slow, fast]
    assert faster_by(fast_row, slow_row) is not None
    assert faster_by(slow_row, fast_row) is None
    assert (fast_row.agreement, fast_row.accuracy) == (1.0, 1.0)
    assert slow_row.agreement is not None
    assert slow_row.agreement < 1.0

    for row, report in zip(result.rows, result.reports, strict=True):
        assert row.valid, row.reason
        assert report is not None
        assert row.n == report.n == sum(len(samples) for samples in report.processes)
        assert len(report.processes) == 2
        (floor,) = result.floors
        assert (floor.path.name, floor.provider) == (row.floor, "cpu")
        assert row.floor_p50_us == result.floors[floor].p50_us
        assert row.floor_p50_us < fast_row.p50_us
        assert row.p50_low_us <= row.p50_us <= row.p50_high_us
        assert (row.nodes_elsewhere, row.size_bytes) == (0, row.path.stat().st_size)

    assert [done for done, _, _ in seen] == [*range(6), 6]
    assert {total for _, total, _ in seen} == {6}
    assert sorted(name for _, _, name in seen) == ["", *["fast.onnx"] * 2, *["identity.onnx"] * 2, *["slow.onnx"] * 2]


def test_a_model_that_never_returns_is_one_invalid_row(
    tiny_onnx: Callable[..., Path], endless_onnx: Path, images: np.ndarray
) -> None:
    config = BenchConfig(seconds=0.02, processes=2, time_limit=3.0)
    result = measure([Target(endless_onnx), Target(tiny_onnx())], config, images, None, unwatched)
    endless, tiny = result.rows
    assert (endless.valid, endless.p50_us, endless.reason) == (False, None, "it did not return within 3.01 s")
    assert result.reports[0] is None
    assert tiny.valid, tiny.reason
    assert tiny.agreement is None


def test_a_damaged_file_is_an_error_with_its_name(tiny_onnx: Callable[..., Path], images: np.ndarray) -> None:
    path = tiny_onnx("damaged.onnx")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ContentError, match=r"damaged\.onnx"):
        measure([Target(path)], QUICK, images, None, unwatched)


@pytest.fixture
def nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test in which a worker is started."""

    def refuse(job: Job, **_: object) -> None:
        pytest.fail(f"{job.path} was measured")

    monkeypatch.setattr(measuring, "run_job", refuse)


@pytest.mark.usefixtures("nothing_measured")
def test_what_is_missing_is_said_before_anything_is_measured(
    tiny_onnx: Callable[..., Path], tmp_path: Path, images: np.ndarray
) -> None:
    good = Target(tiny_onnx())
    (tmp_path / "empty.onnx").touch()
    for bad, error, words in [
        (Target(good.path, "cuda"), NotPresentError, "the provider cuda cannot be used"),
        (Target(good.path, "cdua"), UnknownNameError, "unknown provider: cdua. Did you mean cuda?"),
        (Target(tmp_path / "missing.onnx"), ContentError, "does not exist"),
        (Target(tmp_path / "empty.onnx"), ContentError, "is empty"),
    ]:
        with pytest.raises(error, match=words):
            measure([good, bad], QUICK, images, None, unwatched)


@pytest.mark.usefixtures("nothing_measured")
def test_nothing_to_measure_and_nothing_to_measure_with(tiny_onnx: Callable[..., Path], images: np.ndarray) -> None:
    with pytest.raises(UsageError, match="nothing to measure"):
        measure([], QUICK, images, None, unwatched)
    with pytest.raises(ContentError, match="no images to measure with"):
        measure([Target(tiny_onnx())], QUICK, images[:0], None, unwatched)


def test_the_order_is_random_but_repeats_with_its_seed_and_each_round_holds_all(
    tiny_onnx: Callable[..., Path], images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = [Target(tiny_onnx(f"{index}.onnx")) for index in range(4)]

    def order(seed: int) -> list[str]:
        names: list[str] = []
        config = BenchConfig(processes=4, seed=seed)
        found = measuring.run_job
        monkeypatch.setattr(measuring, "run_job", lambda *_, **__: measuring.Lost("not run"))
        measure(targets, config, images, None, lambda *state: names.append(state[2]))
        monkeypatch.setattr(measuring, "run_job", found)
        return names[:-1]

    first, again, other = order(0), order(0), order(1)
    assert first == again != other
    rounds = [first[start : start + 5] for start in range(0, 20, 5)]
    assert len({tuple(sorted(names)) for names in rounds}) == 1
    assert len({tuple(names) for names in rounds}) > 1


@pytest.mark.parametrize(("batch", "count"), [(1, 64), (16, 64), (7, 70), (64, 256)])
def test_the_images_in_turn_are_whole_batches_of_real_ones(images: np.ndarray, batch: int, count: int) -> None:
    cycled = measuring._cycled(images, BenchConfig(batch=batch))
    assert len(cycled) == count
    known = {image.tobytes() for image in images}
    assert all(image.tobytes() in known for image in cycled)
    assert len({image.tobytes() for image in cycled}) == min(count, len(images))


def test_each_provider_has_a_floor_of_its_own_and_one_that_takes_none_has_none(
    tiny_onnx: Callable[..., Path], images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three made-up providers: the first takes everything, the second no model without an operator, the third neither.
    takes = {"cuda": "identity.onnx", "qnn": "relu.onnx", "coreml": None}
    call_us = {"cpu": 3.0, "cuda": 20.0, "qnn": 30.0}

    def prove(name: str) -> Target | None:
        return next(
            (replace(floor, provider=name) for floor in floors_of("onnx") if floor.path.name == takes[name]), None
        )

    def run_job(job: Job, **_: object) -> Outcome:
        is_floor = job.images is None
        assert not is_floor or job.provider == "cpu" or Path(job.path).name == takes[job.provider]
        samples = np.full(1024, call_us[job.provider] if is_floor else 100.0)
        return replace(refused(Placement(on_provider=3, elsewhere=0), None), samples_us=samples, load_ms=1.0)

    monkeypatch.setattr(measuring, "require", find)
    monkeypatch.setattr(measuring, "prove", prove)
    monkeypatch.setattr(measuring, "run_job", run_job)
    path = tiny_onnx()
    targets = [Target(path, name) for name in ("cpu", *takes)]
    result = measure(targets, QUICK, images, None, unwatched)
    assert [(row.provider, row.valid, row.floor_p50_us, row.floor) for row in result.rows] == [
        ("cpu", True, 3.0, "identity.onnx"),
        ("cuda", True, 20.0, "identity.onnx"),
        ("qnn", True, 30.0, "relu.onnx"),
        ("coreml", True, None, None),
    ]
    assert {(floor.provider, floor.path.name) for floor in result.floors} == {
        ("cpu", "identity.onnx"),
        ("cuda", "identity.onnx"),
        ("qnn", "relu.onnx"),
    }
    assert faster_by(result.rows[0], result.rows[3]) is None, "100 us of each are no difference"
    assert {(one.timed.path, one.timed.provider) for one in sampled_of(result, targets, QUICK)[4:]} == {
        ("identity.onnx", "cpu"), ("identity.onnx", "cuda"), ("relu.onnx", "qnn"),
    }  # fmt: skip


@pytest.fixture
def stopped_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """stopped_after(n): the process after n of them is interrupted; the others find 300 calls of 50 us."""

    def stop(number: int) -> None:
        done: list[Job] = []

        def run_job(job: Job, **_: object) -> Outcome:
            if len(done) == number:
                raise KeyboardInterrupt
            done.append(job)
            return Outcome(np.full(300, 50.0), 1.0, 1.0, 10**7, None, None, None, None, None)

        monkeypatch.setattr(measuring, "run_job", run_job)

    return stop


def test_an_interruption_hands_out_what_was_found(
    tiny_onnx: Callable[..., Path], images: np.ndarray, stopped_after: Callable[[int], None]
) -> None:
    stopped_after(7)
    targets = [Target(tiny_onnx(f"{index}.onnx")) for index in range(2)]
    result = measure(targets, BenchConfig(processes=4), images, None, unwatched)
    assert result.interrupted == (7, 12)  # two files and the floor
    assert {row.reason for row in result.rows} <= {f"interrupted after {number} of 4 processes" for number in (2, 3)}
    for row, report in zip(result.rows, result.reports, strict=True):
        assert report is not None
        assert (row.processes, row.n) == (len(report.processes), report.n)
        assert (row.valid, row.stable) == (False, False)  # 1,024 calls are needed


def test_a_row_that_had_all_its_processes_is_whole(
    tiny_onnx: Callable[..., Path], images: np.ndarray, stopped_after: Callable[[int], None]
) -> None:
    stopped_after(8)
    config = BenchConfig(processes=4)
    (row,) = measure([Target(tiny_onnx())], config, images, None, unwatched).rows
    assert (row.reason, row.stable, row.valid) == (None, True, True)
    stopped_after(7)
    result = measure([Target(tiny_onnx())], config, images, None, unwatched)
    assert result.interrupted == (7, 8)
    assert result.rows[0].reason in {None, "interrupted after 3 of 4 processes"}


def test_one_before_anything_is_known_of_a_target_goes_on(
    tiny_onnx: Callable[..., Path], images: np.ndarray, stopped_after: Callable[[int], None]
) -> None:
    stopped_after(0)
    with pytest.raises(KeyboardInterrupt):
        measure([Target(tiny_onnx())], QUICK, images, None, unwatched)


def test_a_model_that_does_not_return_is_spoken_of_while_it_is_waited_for(
    tiny_onnx: Callable[..., Path], images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_job(job: Job, *, limit_seconds: float, slow: Callable[[], None]) -> Lost:
        slow()
        return Lost("not run")

    monkeypatch.setattr(measuring, "run_job", run_job)
    told: list[tuple[int, int, str]] = []
    config = BenchConfig(seconds=4.0, processes=2, time_limit=30.0)
    measure([Target(tiny_onnx("slow.onnx"))], config, images, None, lambda *state: told.append(state))
    assert {words for _, _, words in told} >= {"slow.onnx", "slow.onnx has not returned, and is given up after 32 s"}
