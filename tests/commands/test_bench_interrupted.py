"""Ctrl-C during `digitedge bench`: the rows so far are kept, no record is replaced, and nobody stays behind."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.job import Outcome
from digitedge.commands import export, interrupting, keeping, train, tuning, verify
from digitedge.commands.interrupting import Interruptions

HALF, RECORD = "bench.interrupted.json", "bench.json"


@pytest.fixture
def until(monkeypatch):
    """until(n) makes up what processes find; the one after n of them gets a Ctrl-C, and so does all that follows."""

    def make_up(number, *, calls=512, stop=signal.SIGINT):
        random, ended = np.random.default_rng(0), []

        def run_job(job, **_):
            if len(ended) >= number:
                signal.raise_signal(stop)
            ended.append(job)
            scored = {"agreement": 1.0, "accuracy": 0.99} if job.golden else dict.fromkeys(("agreement", "accuracy"))
            samples = random.normal(100.0, 1.0, calls)
            return Outcome(samples, 1.0, 2.0, 10**7, None, None, disagreement=None, **scored)

        monkeypatch.setattr(measuring, "run_job", run_job)

    return make_up


@pytest.fixture
def four_processes(monkeypatch):
    """Four processes for each row."""
    measure = measuring.measure
    monkeypatch.setattr(
        measuring, "measure", lambda targets, config, *rest: measure(targets, replace(config, processes=4), *rest)
    )


def test_the_rows_so_far_are_shown_and_written_beside_the_record(digitedge, own_run, until, four_processes):
    (own_run / RECORD).write_text("whole")
    until(14)  # of 4 files and 2 floors: two rounds and a third of the third
    ended = digitedge("bench")
    assert ended.code == 130
    assert ended.error == (
        f"interrupted after 14 of 24 processes; what was measured is in {own_run / HALF}, and bench.json is as it was. "
        "Start it again for whole rows."
    )
    assert "No verdict: the benchmark was interrupted after 14 of 24 processes." in ended.out
    assert "tiny.fp32.onnx on cpu: interrupted after " in ended.out
    assert (own_run / RECORD).read_text() == "whole"
    assert not (own_run / "bench.samples.npz").exists()
    half = json.loads((own_run / HALF).read_text())
    assert half["error"]["kind"] == "stopped"
    assert half["verdict"] == "No verdict: the benchmark was interrupted after 14 of 24 processes."
    assert (half["compare"], half["samples"], half["tune"], half["profile"]) == (None, None, None, None)
    rows = half["results"]
    assert sorted(row["processes"] for row in rows) in ([2, 2, 2, 3], [2, 2, 3, 3], [2, 2, 2, 2])
    for row in rows:
        assert row["reason"] == f"interrupted after {row['processes']} of 4 processes"
        assert (row["n"], row["valid"], row["stable"]) == (512 * row["processes"], True, False)
        assert row["p50_us"] == pytest.approx(100, abs=1)
        assert row["pareto"] is None


def test_the_document_holds_the_rows_and_the_error(digitedge, own_run, until, four_processes):
    until(3, calls=100)
    ended = digitedge("bench", "--json", "--quiet")
    assert (ended.code, ended.err) == (130, "")
    document = ended.document  # exactly one
    assert document == json.loads((own_run / HALF).read_text())
    assert document["command"] == "bench"
    assert document["error"].keys() == {"kind", "message", "hint"}
    assert document["error"]["message"].startswith("interrupted after 3 of 24 processes; what was measured is in ")
    untimed = [row for row in document["results"] if row["p50_us"] is None]
    timed = [row for row in document["results"] if row["p50_us"] is not None]
    assert len(untimed) + len(timed) == 4
    assert {row["reason"] for row in untimed} == {"interrupted before it was measured"}
    assert {(row["n"], row["valid"], row["processes"]) for row in untimed} == {(None, False, None)}
    assert {row["reason"] for row in timed} == {"interrupted after 1 of 4 processes"}
    assert {(row["n"], row["valid"]) for row in timed} == {(100, False)}  # 1,024 calls are needed


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_interrupts_keeps_the_rows(digitedge, own_run, until, four_processes, stop):
    until(10, stop=stop)
    assert digitedge("bench").code == 130
    assert len(json.loads((own_run / HALF).read_text())["results"]) == 4


def test_before_any_file_was_measured_nothing_is_written(digitedge, own_run, until, four_processes):
    until(0)
    ended = digitedge("bench", "--json")
    assert ended.code == 130
    assert ended.document.keys().isdisjoint({"results", "verdict"})
    assert ended.document["error"]["message"] == "interrupted."
    assert not (own_run / HALF).exists()


def test_a_later_whole_one_removes_the_half_one(digitedge, own_run, until, four_processes):
    until(12)
    assert digitedge("bench").code == 130
    until(24)
    assert digitedge("bench").code == 0
    assert not (own_run / HALF).exists()
    assert "error" not in json.loads((own_run / RECORD).read_text())


def test_a_lone_file_is_shown_and_not_written(digitedge, own_run, until, four_processes):
    until(4)
    ended = digitedge("bench", own_run / "tiny.fp32.onnx")
    assert ended.code == 130
    assert ended.error == (
        "interrupted after 4 of 8 processes; what was measured is shown. Start it again for whole rows."
    )
    assert "tiny.fp32.onnx on cpu: interrupted after 2 of 4 processes" in ended.out
    assert not (own_run / HALF).exists()


def test_a_second_interruption_does_not_disturb_the_keeping(digitedge, own_run, until, four_processes, monkeypatch):
    until(12)
    write = keeping.write_json

    def pressed_again(*words):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        return write(*words)

    monkeypatch.setattr(interrupting, "write_json", pressed_again)
    ended = digitedge("bench", "--json")
    assert ended.code == 130
    assert ended.document["results"] == json.loads((own_run / HALF).read_text())["results"]


def test_one_that_comes_after_the_last_process_waits_for_the_record(
    digitedge, own_run, until, four_processes, monkeypatch
):
    until(24)
    write = keeping.write_json

    def pressed(*words):
        signal.raise_signal(signal.SIGINT)
        return write(*words)

    monkeypatch.setattr(keeping, "write_json", pressed)
    ended = digitedge("bench", "--json")
    assert ended.code == 130
    message = f"interrupted after every file was measured; the rows are in {own_run / RECORD}."
    assert ended.document["error"] == {"kind": "stopped", "message": message, "hint": ""}
    record = json.loads((own_run / RECORD).read_text())
    assert "error" not in record
    assert ended.document["results"] == record["results"]
    assert not (own_run / HALF).exists()


def test_in_the_tuning_the_record_is_there_already(digitedge, own_run, until, four_processes, monkeypatch):
    until(24)
    monkeypatch.setattr(tuning, "tune", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    ended = digitedge("bench", "--tune")
    assert ended.code == 130
    assert ended.error == (
        f"interrupted after every file was measured; the rows are in {own_run / RECORD}. "
        "Start it again for what --tune adds."
    )
    record = json.loads((own_run / RECORD).read_text())
    assert "error" not in record
    assert record["tune"] is None


def test_nothing_is_compared(digitedge, own_run, until, four_processes):
    until(24)
    assert digitedge("bench").code == 0
    until(5)
    ended = digitedge("bench", "--compare", own_run / RECORD, "--json")
    assert ended.code == 130
    assert ended.document["compare"] is None
    assert ended.document["verdict"].endswith("processes, and nothing is compared.")


def test_a_half_one_is_neither_compared_with_nor_merged(digitedge, own_run, until, four_processes):
    until(12)
    assert digitedge("bench").code == 130
    for words in (("--compare", own_run / HALF), ("--merge", own_run / HALF)):
        ended = digitedge("bench", *words)
        assert ended.code == 3
        assert ended.error.startswith(
            f"{own_run / HALF} is of a benchmark that was interrupted: its rows are not whole. Name "
        )


def test_a_folder_that_cannot_take_it_still_shows_the_rows(digitedge, own_run, until, four_processes, monkeypatch):
    until(12)

    def full(*_):
        raise keeping.UsageError("the disk is full.", "Free some space.")

    monkeypatch.setattr(interrupting, "write_json", full)
    ended = digitedge("bench")
    assert ended.code == 2
    assert "interrupted after 2 of 4 processes" in ended.out


def test_in_a_run_what_the_steps_before_gave_is_in_the_document(digitedge, own_run, until, four_processes, monkeypatch):
    until(12)
    trained = {"run": str(own_run), "interrupted": False}
    exported, verified = {"artifacts": ["some"], "passed": True}, {"passed": True}
    for step, document in ((train, trained), (export, exported), (verify, verified)):
        monkeypatch.setattr(step, "carry_out", lambda *_, document=document, **__: document)
    ended = digitedge("run", "--json")
    assert ended.code == 130
    document = ended.document
    assert document["command"] == "run"
    assert document["error"]["message"].startswith("interrupted after 12 of 24 processes; what was measured is in ")
    assert (document["train"], document["export"], document["verify"]) == (trained, exported, verified)
    assert (document["run"], document["report"]) == (str(own_run), None)
    assert document["bench"] == json.loads((own_run / HALF).read_text())


@contextmanager
def handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    assert {number: signal.getsignal(number) for number in before} == before


def test_handlers_come_back_and_ignored_signals_stay_ignored():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handlers(), Interruptions():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, former)


def test_one_that_a_library_swallowed_ends_the_measuring_before_the_next_process():
    told = []
    with pytest.raises(KeyboardInterrupt), Interruptions() as interruptions:
        watch = interruptions.watched(lambda *state: told.append(state))
        watch(0, 2, "a")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        watch(1, 2, "b")
    assert told == [(0, 2, "a")]


def test_a_real_one_leaves_no_process_and_no_file_behind(own_run, tmp_path):
    """Its worker would time for ten minutes, in a folder for temporary files of its own."""
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "digitedge", "bench", str(own_run), "--seconds", "2000", "--json"]
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path / "temporary")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **streams) as running:
        workers = children(running, named="digitedge.bench.worker")
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of the group
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert json.loads(out)["error"]["kind"] == "stopped"
    assert workers
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    left = [path.name for path in (tmp_path / "temporary").glob("digitedge*")]
    assert left == ["digitedge-bench.lock"]


def children(running, *, named):
    """The processes that it has started, once there is one of that name."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        found = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        if any(named in Path(f"/proc/{one}/cmdline").read_text() for one in found):
            return found
        time.sleep(0.05)
    return []
