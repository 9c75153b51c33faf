"""A worker that crashes, hangs or fails does not take the benchmark with it, and never stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import digitedge
from digitedge.bench import process
from digitedge.bench.job import Job
from digitedge.bench.process import Lost, run_job
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def job(tmp_path: Path, tiny_onnx: Callable[..., Path]) -> Job:
    """One that times one black image for 10 ms."""
    return Job(str(tiny_onnx()), "cpu", 1, 1, 0.01, 10, 5.0, None, None, str(tmp_path))


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_answers(job: Job) -> None:
    outcome = run_job(job, limit_seconds=60)
    assert not isinstance(outcome, Lost)
    assert outcome.samples_us is not None
    assert len(outcome.samples_us) >= 10


def test_an_error_of_the_worker_is_raised_here(job: Job, tmp_path: Path) -> None:
    (tmp_path / "tiny.fp32.onnx").write_bytes(b"not a model")
    with pytest.raises(ContentError, match=r"tiny\.fp32\.onnx"):
        run_job(job, limit_seconds=60)


def test_a_worker_that_hangs_is_killed(job: Job, tmp_path: Path) -> None:
    begin = time.monotonic()
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    assert run_job(job, limit_seconds=1.5, command=python(code)) == Lost("it did not return within 1.5 s")
    assert time.monotonic() - begin < 10
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_model_that_never_returns_is_given_up(job: Job, endless_onnx: Path) -> None:
    endless = Job.from_json(job.to_json().replace("tiny.fp32.onnx", endless_onnx.name))
    assert run_job(endless, limit_seconds=3) == Lost("it did not return within 3 s")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SIGSEGV", "its process was ended by SIGSEGV"),
        ("SIGKILL", "its process was ended by SIGKILL, perhaps for lack of memory"),
    ],
)
def test_a_crash_is_a_reason(job: Job, name: str, words: str) -> None:
    code = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    assert run_job(job, limit_seconds=60, command=python(code)) == Lost(words)


def test_a_mistake_of_ours_is_not_blamed_on_the_model(job: Job) -> None:
    with pytest.raises(RuntimeError, match=r"ended with 1: (?s:.*)ZeroDivisionError"):
        run_job(job, limit_seconds=60, command=python("1 / 0"))


def test_ctrl_c_kills_the_worker(job: Job, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    sleeper = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    parent = (
        "import sys\nfrom digitedge.bench.job import Job\nfrom digitedge.bench.process import run_job\n"
        f"run_job(Job.from_json({job.to_json()!r}), limit_seconds=600, command=(sys.executable, '-c', {sleeper!r}))"
    )
    with subprocess.Popen(python(parent), stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) != 0
    assert not is_running(int(pid.read_text()))


def test_a_module_in_the_current_folder_is_not_run(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(digitedge.__file__).parents[1]))
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    assert not isinstance(run_job(job, limit_seconds=60), Lost)


def test_what_a_worker_has_started_does_not_outlive_it(job: Job, tmp_path: Path) -> None:
    """Such as a compiler."""
    pid = tmp_path / "pid"
    started = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {started!r}])"
    assert isinstance(run_job(job, limit_seconds=2, command=python(code)), Lost)
    deadline = time.monotonic() + 10
    while is_running(int(pid.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)  # until init has buried it
    assert not is_running(int(pid.read_text()))


def test_the_terminal_s_ctrl_c_does_not_reach_a_worker(job: Job, tmp_path: Path) -> None:
    code = f"import os; open({str(tmp_path / 'group')!r}, 'w').write(str(os.getpgrp())); raise SystemExit(3)"
    with pytest.raises(RuntimeError, match="ended with 3"):
        run_job(job, limit_seconds=60, command=python(code))
    assert int((tmp_path / "group").read_text()) != os.getpgrp()


def test_temporary_files_of_a_worker_lie_in_its_folder(job: Job, tmp_path: Path) -> None:
    code = "import tempfile, sys; sys.stderr.write(tempfile.gettempdir()); raise SystemExit(3)"
    with pytest.raises(RuntimeError, match=str(tmp_path)):
        run_job(job, limit_seconds=60, command=python(code))


def test_one_that_takes_long_is_spoken_of_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SLOW_SECONDS", 0.5)
    told: list[None] = []
    found = run_job(
        job, limit_seconds=1.0, command=python("import time; time.sleep(60)"), slow=lambda: told.append(None)
    )
    assert found == Lost("it did not return within 1 s")
    assert told == [None]
    run_job(job, limit_seconds=0.2, command=python("import time; time.sleep(60)"), slow=lambda: told.append(None))
    assert told == [None]
