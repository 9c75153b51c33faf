"""SIGTERM is an interruption like Ctrl-C: one line, 130, and nobody left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
import typer

from digitedge.commands.session import session


@contextmanager
def quiet_session():
    with session("doctor", json=False, quiet=True, debug=False) as terminal:
        yield terminal


@pytest.fixture
def reading(process, tmp_path):
    """A command that waits for its data, which nobody writes: reading("--json") -> subprocess.Popen."""
    pipe = tmp_path / "digits.csv"
    os.mkfifo(pipe)
    opened = []

    def start(*words):
        running = process("show", "--data", pipe, *words)
        while not opened:
            assert running.poll() is None
            with suppress(OSError):  # until the command has opened it to read
                opened.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.02)
        return running

    yield start
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_stopped_says_so(reading, ended, number):
    running = reading()
    running.send_signal(number)
    stopped = ended(running)
    assert (stopped.code, stopped.out) == (130, "")
    assert stopped.error == "interrupted. Every file that was finished is whole; start it again for the rest."


def test_a_command_that_is_stopped_says_so_in_its_document(reading, ended):
    running = reading("--json")
    running.send_signal(signal.SIGTERM)
    stopped = ended(running)
    assert (stopped.code, stopped.err) == (130, "")
    assert stopped.document["error"]["kind"] == "stopped"


def test_the_second_sigterm_does_not_disturb_what_the_first_began():
    with pytest.raises(typer.Exit) as end, quiet_session():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            saved = True
    assert end.value.exit_code == 130
    assert saved


@pytest.mark.parametrize("former", [signal.SIG_DFL, lambda *_: None])
def test_the_former_handler_comes_back(former):
    before = signal.signal(signal.SIGTERM, former)
    try:
        with quiet_session():
            assert signal.getsignal(signal.SIGTERM) is not former
        assert signal.getsignal(signal.SIGTERM) is former
        with pytest.raises(typer.Exit), quiet_session():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is former
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_that_is_to_ignore_sigterm_ignores_it():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with quiet_session():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_sets_no_handler():
    before, during = signal.getsignal(signal.SIGTERM), []

    def look():
        with quiet_session():
            during.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert during == [before]


STARTS_A_WORKER = """
import sys
from digitedge.bench.job import Job
from digitedge.bench.process import run_job
from digitedge.commands.session import session

job = Job("x.onnx", "cpu", 1, 1, 0.01, 10, 5.0, None, None, sys.argv[1])
with session("bench", json=False, quiet=True, debug=False):
    run_job(job, limit_seconds=600, command=(sys.executable, "-c", sys.argv[2]))
"""


def test_no_worker_outlives_the_command(tmp_path):
    pid = tmp_path / "pid"
    worker = (
        f"import os, pathlib, time; new = pathlib.Path({str(tmp_path / 'new')!r}); new.write_text(str(os.getpid()));"
        f"new.rename({str(pid)!r}); time.sleep(600)"
    )
    command = [sys.executable, "-c", STARTS_A_WORKER, tmp_path, worker]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not pid.exists():
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=20)
    assert "error: interrupted." in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
