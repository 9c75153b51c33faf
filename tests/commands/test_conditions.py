"""Threads, batches and the whole way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.job import Outcome
from digitedge.bench.target import Target, batch_of, threads_of
from digitedge.commands.conditions import combinations, is_usual, multiplied, require_plain
from digitedge.config import BenchConfig
from digitedge.errors import UsageError


@pytest.fixture
def two_processes(monkeypatch):
    """Two instead of ten processes for each row: what is timed is not the point here."""
    measure = measuring.measure
    monkeypatch.setattr(
        measuring, "measure", lambda targets, config, *rest: measure(targets, replace(config, processes=2), *rest)
    )


ONNX, C99 = Target(Path("a.onnx")), Target(Path("a.c"))


def test_every_combination_the_smallest_first():
    assert combinations("1", "1") == ((1, 1),)
    assert combinations("2,1", "64,8") == ((1, 8), (1, 64), (2, 8), (2, 64))


@pytest.mark.parametrize(
    ("threads", "batch", "message"),
    [
        (
            "1",
            "",
            "--batch is empty. It must be a number or a list such as 1,8,64, each from 1 to 65,536.",
        ),
        ("1", "1,,8", "--batch is 1,,8. It must be a number or a list"),
        ("1", "8;64", "--batch is 8;64. It must be"),
        ("0", "1", "--threads is 0. It must be at least 1."),
        ("1,-2", "1", "--threads is 1,-2. It must be"),
        ("1", "65537", "--batch is 65537. It must be"),
        ("1", "1.5", "--batch is 1.5. It must be"),
    ],
)
def test_a_bad_list_is_named_with_its_option(threads, batch, message):
    with pytest.raises(UsageError) as caught:
        combinations(threads, batch)
    assert str(caught.value).startswith(message)


def test_each_file_under_each_condition_and_a_c_file_once_for_each_batch():
    first, *further = combinations("1,2", "1,8")
    config = BenchConfig(threads=first[0], batch=first[1], further=tuple(further))
    found = [(one.path.name, threads_of(one, config), batch_of(one, config)) for one in multiplied([ONNX, C99], config)]
    assert found == [
        *[("a.onnx", 1, 1), ("a.onnx", 1, 8), ("a.onnx", 2, 1), ("a.onnx", 2, 8)],
        *[("a.c", 1, 1), ("a.c", 1, 8)],
    ]


def test_without_lists_nothing_is_added():
    assert multiplied([ONNX, C99], BenchConfig()) == [ONNX, C99]


@pytest.mark.parametrize("option", ["compare", "tune", "profile"])
def test_times_of_two_kinds_are_not_set_against_each_other(option):
    def refused(**conditions):
        given = {} if option == "compare" else {option: True}
        require_plain(BenchConfig(**given, **conditions), compare=option == "compare")

    refused()
    with pytest.raises(UsageError, match=rf"--{option} is about the engine alone\. Leave --end-to-end out\."):
        refused(end_to_end=True)
    with pytest.raises(UsageError, match=rf"--{option} takes one number of threads and one batch\."):
        refused(further=((1, 8),))


def test_only_the_usual_kind_is_a_record():
    assert is_usual(BenchConfig())
    assert not is_usual(BenchConfig(end_to_end=True))
    assert not is_usual(BenchConfig(further=((1, 8),)))


def test_lists_give_a_row_for_each_combination_and_leave_the_record_alone(digitedge, own_run, monkeypatch):
    (own_run / "bench.json").write_text("old")
    jobs = []

    def run_job(job, **_):
        jobs.append(job)
        samples = np.random.default_rng(len(jobs)).normal(100.0 * job.batch, 1.0, 512)
        judged = (1.0, 0.99) if job.golden else (None, None)
        return Outcome(samples, 1.0, 2.0, 10**7, 5, 0, *judged, None)

    monkeypatch.setattr(measuring, "run_job", run_job)
    ended = digitedge("bench", own_run, "--threads", "2,1", "--batch", "1,8", "--seconds", "0.02", "--json")
    assert ended.code == 0
    rows = [row for row in ended.document["results"] if row["path"].endswith("fp32.onnx")]
    assert [(row["threads"], row["batch"]) for row in rows] == [(1, 1), (1, 8), (2, 1), (2, 8)]
    assert all(row["images_per_s"] == pytest.approx(10_000, rel=0.01) for row in rows)
    floors = {(job.threads, job.batch) for job in jobs if job.images is None}
    assert floors == {(1, 1), (2, 1)}
    assert (own_run / "bench.json").read_text() == "old"
    assert ended.document["verdict"].startswith("With 1 thread and batch 1: ")
    assert 0 < ended.document["loop_overhead_us"] < 1


def test_the_whole_way_is_a_key_of_the_row(digitedge, own_run, two_processes):
    words = ("--end-to-end", "--seconds", "0.02", "--json")
    ended = digitedge("bench", own_run / "tiny.fp32.onnx", *words)
    assert ended.code == 0
    (row,) = ended.document["results"]
    assert (row["end_to_end"], row["departure"], row["timed_by"], row["processes"]) == (True, 0.0, "Python call", 2)


def test_a_bad_list_is_2(digitedge, own_run):
    ended = digitedge("bench", "--batch", "1,x")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith("--batch is 1,x. It must be a number or a list such as 1,8,64")
