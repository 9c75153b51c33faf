"""What the figures say: faster, slower, no difference, or not comparable, and why."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitedge.bench.comparing import SMALLEST_RATIO_OF_FIGURES, Measured, apart, compare, result_of
from digitedge.bench.earlier import Earlier, EarlierRow
from digitedge.bench.measuring import BenchResult
from digitedge.bench.pairing import Plan, plan
from digitedge.bench.row import Findings, report_of, row_of
from digitedge.config import BenchConfig
from digitedge.measure.paired import Ratio
from earlier_rows import MACHINE, row_then

if TYPE_CHECKING:
    from pathlib import Path

    from digitedge.bench.target import Target

CONFIG, SHAPE = BenchConfig(), (4, 4, 1)
CONTEXT = {"versions": {"onnxruntime": "1.2", "numpy": "2.0"}, "before": {"load_1min": 0.1}}


def earlier_of(folder: Path, *rows: EarlierRow) -> Earlier:
    return Earlier(folder / "bench.json", rows, MACHINE, CONTEXT)


def measured(target: Target, *levels_us: float) -> Measured:
    """A target as `len(levels_us)` processes would find it."""
    outcomes = tuple(found(level) for level in levels_us)
    findings = Findings(outcomes, None if levels_us else "it did not return within 9 s")
    report = report_of(findings, seed=0)
    return Measured(row_of(target, CONFIG, findings, report, None), report)


def found(level_us: float) -> Any:
    from digitedge.bench.job import Outcome

    samples = np.random.default_rng(int(level_us * 1e6)).normal(level_us, level_us / 1e3, 1_024)
    return Outcome(samples, 1.0, 1.0, 10**7, None, 0, None, None, None)


def levels(centre_us: float, seed: int, n: int = 10) -> list[float]:
    """Processes that differ by 1 %."""
    return list(np.random.default_rng(seed).normal(centre_us, centre_us / 100, n))


def judge(planned: Plan, times: dict[Target, Measured], context: Any = CONTEXT) -> dict[str, Any]:
    (entry,) = compare(planned, times, MACHINE, context)
    return entry


def test_an_old_row_without_a_counterpart_is_not_comparable(old: Path, new: Target) -> None:
    planned = plan(earlier_of(old.parent, row_then(old, threads=2)), [new], CONFIG, SHAPE)
    entry = judge(planned, {new: measured(new, *levels(60.0, 0))})
    assert (entry["path"], entry["result"], entry["ratio"]) == (None, "not comparable", None)
    assert entry["reason"] == "other threads or batch: 2 and 1 then, 1 and 1 now"


def side_by_side(old: Path, new: Target, now_us: list[float], then_us: list[float]) -> dict[str, Any]:
    planned = plan(earlier_of(old.parent, row_then(old)), [new], CONFIG, SHAPE)
    (again,) = planned.again
    return judge(planned, {new: measured(new, *now_us), again: measured(again, *then_us)})


@pytest.mark.parametrize(
    ("factor", "result"), [(1.1, "slower"), (1.0, "no difference"), (1.02, "no difference"), (0.9, "faster")]
)
def test_side_by_side(old: Path, new: Target, factor: float, result: str) -> None:
    entry = side_by_side(old, new, levels(66.0 * factor, 1), levels(66.0, 2))
    assert (entry["result"], entry["measured_again"], entry["reason"]) == (result, True, None)
    assert entry["ratio"] == pytest.approx(factor, abs=0.015)
    assert entry["ratio_low"] <= entry["ratio"] <= entry["ratio_high"]
    assert entry["drift"] == pytest.approx(1.1, abs=0.02)
    assert entry["old_p50_us"] == pytest.approx(66.0, rel=0.02)
    assert (entry["path"], entry["old_path"]) == (str(new.path), str(old))


def test_a_difference_below_the_noise_is_none(old: Path, new: Target) -> None:
    random = np.random.default_rng(5)
    now_us, then_us = (list(60.0 * scale * random.lognormal(0, 0.2, 10)) for scale in (1.05, 1.0))
    assert side_by_side(old, new, now_us, then_us)["result"] == "no difference"


def test_five_rounds_are_compared_by_their_intervals_and_four_are_not(old: Path, new: Target) -> None:
    assert side_by_side(old, new, levels(70.0, 1, 5), levels(60.0, 2, 5))["result"] == "slower"
    assert side_by_side(old, new, levels(60.0, 1, 5), levels(60.0, 2, 5))["result"] == "no difference"
    entry = side_by_side(old, new, levels(70.0, 1, 4), levels(60.0, 2, 4))
    assert (entry["result"], entry["reason"]) == ("not comparable", "4 rounds prove nothing; 5 are needed")


def test_a_file_without_a_valid_time_is_not_comparable(old: Path, new: Target) -> None:
    entry = side_by_side(old, new, [], levels(60.0, 2))
    assert entry["reason"] == "the new file has no valid time: it did not return within 9 s"
    entry = side_by_side(old, new, levels(60.0, 2), [])
    assert entry["reason"] == "the old file, measured again has no valid time: it did not return within 9 s"
    assert (entry["result"], entry["old_p50_us"], entry["drift"]) == ("not comparable", None, None)


def test_an_old_file_that_changes_meanwhile_is_noticed(old: Path, new: Target) -> None:
    planned = plan(earlier_of(old.parent, row_then(old)), [new], CONFIG, SHAPE)
    old.write_bytes(new.path.read_bytes())
    times = {target: measured(target, *levels(60.0, 1)) for target in (new, *planned.again)}
    assert judge(planned, times)["reason"] == "the old file was replaced while it was measured"


def test_one_and_the_same_file_is_said_to_be(new: Target) -> None:
    planned = plan(earlier_of(new.path.parent, row_then(new.path)), [new], CONFIG, SHAPE)
    times = {target: measured(target, *levels(60.0, 1)) for target in (new, *planned.again)}
    entry = judge(planned, times)
    assert (entry["result"], entry["reason"]) == ("no difference", "both are the same file, byte for byte")


def by_figures(old: Path, new: Target, now_us: float, *, context: Any = CONTEXT, **changes: Any) -> dict[str, Any]:
    planned = plan(earlier_of(old.parent, row_then(old, sha256=None, **changes)), [new], CONFIG, SHAPE)
    return judge(planned, {new: measured(new, *levels(now_us, 1))}, context)


@pytest.mark.parametrize(
    ("now_us", "result"), [(69.0, "slower"), (60.0, "no difference"), (64.0, "no difference"), (50.0, "faster")]
)
def test_figures_of_two_days_need_ten_percent(old: Path, new: Target, now_us: float, result: str) -> None:
    entry = by_figures(old, new, now_us)
    assert (entry["result"], entry["measured_again"], entry["drift"]) == (result, False, None)
    assert entry["reason"] == "the sha256 of the old file was not recorded: figures of two days are compared"
    assert (entry["old_p50_us"], entry["old_path"]) == (60.0, str(old))


def test_figures_of_other_circumstances_are_not_comparable(old: Path, new: Target) -> None:
    busy = {**CONTEXT, "before": {"load_1min": 2.0}}
    entry = by_figures(old, new, 90.0, context=busy)
    assert (entry["result"], entry["ratio"]) == ("not comparable", None)
    assert entry["reason"].endswith("figures of two days cannot be compared: other load: 0.1 then, 2 now, on 2 cores")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"engine": "ONNX Runtime 1.2"}, "other engine: ONNX Runtime 1.2 then, ONNX Runtime 1.3 now"),
        ({"timed_by": "c"}, "other timing loop: c then, python now"),
        ({"end_to_end": True}, "preprocessing was timed then, and is not now"),
    ],
)
def test_figures_that_were_measured_otherwise_are_not_comparable(
    old: Path, new: Target, changes: dict[str, Any], reason: str
) -> None:
    planned = plan(earlier_of(old.parent, row_then(old, sha256=None, **changes)), [new], CONFIG, SHAPE)
    now = measured(new, *levels(60.0, 1))
    row = replace(now.row, engine="ONNX Runtime 1.3", timed_by="python", end_to_end=False)
    entry = judge(planned, {new: replace(now, row=row)})
    assert entry["result"] == "not comparable"
    assert entry["reason"].endswith(reason)


def test_figures_of_an_invalid_row_are_not_comparable(old: Path, new: Target) -> None:
    lost = dict.fromkeys(("p50_us", "p50_low_us", "p50_high_us"))
    entry = by_figures(old, new, 60.0, valid=False, reason="its process crashed", **lost)
    assert (entry["result"], entry["reason"]) == (
        "not comparable",
        "the old row has no valid time: its process crashed",
    )


@pytest.mark.parametrize(
    ("ratio", "result"),
    [
        (Ratio(1.10, 1.05, 1.15), "slower"),
        (Ratio(1.10, 0.99, 1.20), "no difference"),
        (Ratio(1.029, 1.02, 1.04), "no difference"),
        (Ratio(1 / 1.10, 0.85, 0.95), "faster"),
        (Ratio(0.98, 0.97, 0.99), "no difference"),
    ],
)
def test_a_difference_must_be_proved_and_large_enough(ratio: Ratio, result: str) -> None:
    assert result_of(ratio, 1.03) == result


def test_figures_need_more_than_measuring_again() -> None:
    assert SMALLEST_RATIO_OF_FIGURES == 1.10


def test_the_old_files_are_no_rows_of_the_result(old: Path, new: Target) -> None:
    again = replace(new, path=old, is_earlier=True)
    both = [measured(target, *levels(60.0, 1)) for target in (new, again)]
    whole = BenchResult(tuple(one.row for one in both), tuple(one.report for one in both), {})
    ours, by_target = apart(whole, [new], [again])
    assert [row.path for row in ours.rows] == [new.path]
    assert len(ours.reports) == 1
    assert [by_target[target].row.path for target in (new, again)] == [new.path, old]


def test_every_entry_has_the_same_keys(old: Path, new: Target) -> None:
    lone = plan(earlier_of(old.parent, row_then(old, path="/old/other.onnx")), [new], CONFIG, SHAPE)
    entries = [by_figures(old, new, 60.0), judge(lone, {}), side_by_side(old, new, levels(60, 1), levels(60, 2))]
    assert len({tuple(entry) for entry in entries}) == 1
    assert {field.name for field in fields(EarlierRow)} >= {"provider", "threads", "batch"} <= set(entries[0])
