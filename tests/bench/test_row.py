"""From what the processes found to a row."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.bench.job import Outcome, refused
from digitedge.bench.row import Findings, Row, report_of, row_of
from digitedge.bench.target import Target
from digitedge.config import BenchConfig
from digitedge.measure.latency import LatencyReport
from digitedge.runtime.model import Placement

if TYPE_CHECKING:
    from pathlib import Path

# The keys of a row of `results` in the JSON of `digitedge bench`: documented, never renamed.
KEYS = (
    *(
        "path",
        "format",
        "precision",
        "provider",
        "threads",
        "batch",
        "n",
        "min_us",
        "p50_us",
        "p50_low_us",
        "p50_high_us",
    ),
    *("p90_us", "p99_us", "p999_us", "percentiles_missing", "confident"),
    *("mean_us", "std_us", "floor_p50_us", "images_per_s", "load_ms", "first_ms"),
    *(
        "rss_bytes",
        "sha256",
        "size_bytes",
        "flash_bytes",
        "accuracy",
        "agreement",
        "disagreement",
        "nodes_on_provider",
        "nodes_elsewhere",
    ),
    *("stable", "valid", "reason", "energy_uj", "engine"),
    *("timed_by", "end_to_end", "processes", "departure", "same_image_ratio", "floor", "io"),
)
TIMES = [key for key in KEYS if key.endswith(("_us", "_ms", "_per_s"))]
FLOOR = LatencyReport((np.full(1024, 3.0),))


def outcome(level_us: float = 50.0, *, calls: int = 1000) -> Outcome:
    return Outcome(np.full(calls, level_us), 2.0, 1.0, 60_000_000, 9, 0, None, None, None)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A file of 123 bytes."""
    path = tmp_path / "a.int8.onnx"
    path.write_bytes(bytes(123))
    return Target(path, precision="int8")


def join(target: Target, *outcomes: Outcome, lost: str | None = None, batch: int = 1) -> Row:
    findings = Findings(outcomes, lost)
    return row_of(target, BenchConfig(batch=batch), findings, report_of(findings, seed=0), FLOOR)


def test_the_keys_are_those_of_the_documented_json() -> None:
    assert tuple(field.name for field in fields(Row)) == KEYS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(Placement(on_provider=10, elsewhere=2), "2 of 12 would"), "2 of 12 nodes did not run on cpu"),
        (refused(None, "no kernel for Unique"), "cpu does not run it: no kernel for Unique"),
        (refused(None, None), "cpu does not run it"),
    ],
)
def test_a_file_that_the_provider_does_not_run_has_a_reason_and_no_times(
    target: Target, answer: Outcome, reason: str
) -> None:
    row = join(target, answer, answer)
    assert (row.valid, row.stable, row.reason) == (False, False, reason)
    assert (row.nodes_on_provider, row.nodes_elsewhere) == (answer.nodes_on_provider, answer.nodes_elsewhere)
    assert {key: getattr(row, key) for key in (*TIMES, "n", "engine")} == dict.fromkeys((*TIMES, "n", "engine"))


def test_the_processes_are_joined(target: Target) -> None:
    first = replace(outcome(50.0), agreement=0.999, accuracy=0.99, load_ms=4.0)
    row = join(target, first, outcome(52.0))
    assert (row.path, row.format, row.precision, row.provider) == (target.path, "onnx", "int8", "cpu")
    assert (row.n, row.min_us, row.p50_us, row.mean_us) == (2000, 50.0, 51.0, 51.0)
    assert (row.p50_low_us, row.p50_high_us) == (50.0, 52.0)
    assert (row.p90_us, row.p99_us, row.p999_us) == (52.0, 52.0, None)
    assert (row.load_ms, row.first_ms, row.rss_bytes, row.size_bytes) == (3.0, 1.0, 60_000_000, 123)
    assert (row.agreement, row.accuracy) == (0.999, 0.99)
    assert (row.nodes_on_provider, row.nodes_elsewhere, row.floor_p50_us) == (9, 0, 3.0)
    assert (row.stable, row.valid, row.reason) == (True, True, None)
    assert row.images_per_s == pytest.approx(1e6 / 51)
    assert row.percentiles_missing == {"p999_us": "6,635 calls are needed; there were 2,000"}
    assert row.confident == ()
    assert row.sha256 == hashlib.sha256(bytes(123)).hexdigest()


def test_images_per_second_count_the_batch(target: Target) -> None:
    assert join(target, outcome(100.0, calls=2000), batch=64).images_per_s == pytest.approx(640_000)


def test_nodes_elsewhere_make_the_row_invalid_and_take_its_times(target: Target) -> None:
    partly = Outcome(None, None, None, None, 7, 2, None, None, None)
    row = join(replace(target, provider="openvino"), partly, partly)
    assert (row.valid, row.stable, row.reason) == (False, False, "2 of 9 nodes did not run on openvino")
    assert (row.nodes_on_provider, row.nodes_elsewhere) == (7, 2)
    assert {getattr(row, key) for key in (*TIMES, "n", "rss_bytes", "percentiles_missing", "confident")} == {None}


def test_one_process_with_nodes_elsewhere_is_enough(target: Target) -> None:
    row = join(target, Outcome(None, None, None, None, 7, 2, None, None, None), outcome(), outcome())
    assert (row.valid, row.p50_us, row.reason) == (False, None, "2 of 9 nodes did not run on cpu")


def test_a_lost_process_makes_the_row_invalid_and_takes_its_times(target: Target) -> None:
    row = join(target, outcome(), lost="its process was ended by SIGSEGV")
    assert (row.valid, row.stable, row.reason) == (False, False, "its process was ended by SIGSEGV")
    assert {getattr(row, key) for key in (*TIMES, "n", "rss_bytes")} == {None}


def test_a_target_that_never_answered_has_a_row(target: Target) -> None:
    row = join(target, lost="it did not return within 60 s")
    assert (row.valid, row.n, row.nodes_on_provider, row.size_bytes) == (False, None, None, 123)


def test_too_few_calls_are_shown_and_not_valid(target: Target) -> None:
    row = join(target, outcome(calls=20), outcome(calls=20))
    assert (row.n, row.p50_us, row.p90_us, row.p99_us) == (40, 50.0, None, None)
    assert (row.valid, row.reason) == (False, "only 40 calls were made in the time there was; 1,024 are needed")


def test_processes_that_disagree_are_said_to(target: Target) -> None:
    row = join(target, outcome(50.0), outcome(75.0))
    assert (row.valid, row.stable) == (True, False)
    assert row.reason == "its processes disagree by 40% about the median; 10% are allowed"


def test_the_audit_of_every_process_counts(target: Target) -> None:
    honest = replace(outcome(), timed_by="C loop", departure=0.0, same_image_ratio=1.0)
    row = join(target, honest, replace(honest, same_image_ratio=0.96), replace(honest, same_image_ratio=0.3))
    assert (row.timed_by, row.end_to_end, row.processes) == ("C loop", False, 3)
    assert (row.departure, row.same_image_ratio, row.valid) == (0.0, 0.96, True)  # one disturbed process is no proof


def test_times_of_other_scores_are_not_valid(target: Target) -> None:
    row = join(target, replace(outcome(), departure=0.0), replace(outcome(), departure=0.25))
    words = "its timed calls give scores that are 2.5e-01 from those of the same images untimed"
    assert (row.valid, row.departure, row.reason) == (False, 0.25, words)


def test_times_of_a_model_that_remembers_are_not_valid(target: Target) -> None:
    row = join(target, *[replace(outcome(), departure=0.0, same_image_ratio=0.1)] * 2)
    assert (row.valid, row.same_image_ratio) == (False, 0.1)
    assert row.reason is not None
    assert row.reason.startswith("the same image again takes 10% of the time of another")


def test_threads_and_batch_are_the_targets_own_where_it_says(target: Target) -> None:
    row = join(replace(target, threads=2, batch=8), outcome(100.0, calls=2000))
    assert (row.threads, row.batch, row.images_per_s) == (2, 8, pytest.approx(80_000))


@pytest.mark.parametrize(("io", "way"), [("device", " in its own memory"), ("graph", " as a graph"), ("copies", "")])
def test_a_way_that_the_provider_does_not_know_is_an_invalid_row_of_its_own(target: Target, io: str, way: str) -> None:
    answer = refused(Placement(on_provider=9, elsewhere=0), "the model has control flow nodes")
    row = join(replace(target, provider="cuda", io=io), answer)
    assert (row.io, row.valid, row.nodes_on_provider) == (io, False, 9)
    assert row.reason == f"cuda does not run it{way}: the model has control flow nodes"


def test_scores_that_are_no_numbers_are_said_and_stand_nowhere_as_a_figure(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"model")
    found = Findings((replace(outcome(), departure=float("inf")), outcome()), None)
    row = row_of(Target(path), BenchConfig(), found, report_of(found, 0), None)
    assert (row.valid, row.departure) == (False, None)
    assert row.reason is not None
    assert row.reason.startswith("its timed calls give scores that are not finite, ")


@pytest.mark.parametrize(
    ("processes", "calls", "state"),
    [
        (0, 0, (None, False, False, "interrupted before it was measured")),
        (3, 512, (1536, True, False, "interrupted after 3 of 10 processes")),
        (3, 100, (300, False, False, "interrupted after 3 of 10 processes")),
        (10, 512, (5120, True, True, None)),
    ],
)
def test_an_interrupted_row_says_how_far_it_came(
    tmp_path: Path, processes: int, calls: int, state: tuple[object, ...]
) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"model")
    found = Findings((outcome(calls=calls),) * processes, None, planned=10)
    row = row_of(Target(path), BenchConfig(), found, report_of(found, 0), None)
    assert (row.n, row.valid, row.stable, row.reason) == state


def test_what_is_known_of_an_interrupted_row_is_said_before_that(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"model")
    for found, words in [
        (Findings((), "it did not return within 3 s", planned=10), "it did not return within 3 s"),
        (Findings((refused(Placement(1, 2), None),), None, planned=10), "2 of 3 nodes did not run on cpu"),
        (Findings((replace(outcome(), departure=1.0),), None, planned=10), "its timed calls give scores that are 1.0"),
    ]:
        row = row_of(Target(path), BenchConfig(), found, report_of(found, 0), None)
        assert not row.valid
        assert row.reason is not None
        assert row.reason.startswith(words)
