"""The converter's process: what it answers, what becomes of its death, and that it outlives nobody."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitedge.errors import ContentError
from digitedge.export import tflite_converter
from digitedge.export.tflite_converter import COMMAND, CONVERTER, Converter

# Stand for the real child, which takes seconds to start.
ANSWERS = """
import json, os, pathlib, signal, sys, time
for line in sys.stdin:
    folder = pathlib.Path(line.rstrip())
    deed = folder.name
    if deed == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if deed == "leave": sys.exit(3)
    if deed == "sleep":
        (folder / "pid").write_text(str(os.getpid()))
        time.sleep(60)
    (folder / "result.tflite").write_text(str(os.getpid()))
    print(json.dumps({"error": "its operator Foo is unknown" if deed == "refuse" else None}), flush=True)
"""
COMMAND_THAT_ANSWERS = (sys.executable, "-c", ANSWERS)


@pytest.fixture
def converter():
    converter = Converter(COMMAND_THAT_ANSWERS)
    yield converter
    converter.close()


@pytest.fixture
def job(tmp_path):
    """job("crash") -> the folder of a job that does this to the process."""

    def make(deed):
        (tmp_path / deed).mkdir(exist_ok=True)
        return tmp_path / deed

    return make


def test_one_process_serves_file_after_file(converter, job):
    assert converter.convert(job("a"), "net") == converter.convert(job("b"), "net")


def test_after_some_files_the_memory_that_leaked_is_given_back(converter, job, monkeypatch):
    monkeypatch.setattr(tflite_converter, "FILES_A_PROCESS", 2)
    first, second, third = (converter.convert(job(name), "net") for name in "abc")
    assert first == second != third
    with pytest.raises(ProcessLookupError):
        os.kill(int(first), 0)


def test_what_cannot_be_converted_is_told_and_the_process_stays(converter, job):
    before = converter.convert(job("a"), "net")
    with pytest.raises(ContentError, match=r"TensorFlow Lite cannot hold net: its operator Foo is unknown\. Export it"):
        converter.convert(job("refuse"), "net")
    assert converter.convert(job("a"), "net") == before


@pytest.mark.parametrize(
    ("deed", "ending"), [("crash", "converter was ended by SIGSEGV"), ("leave", "converter ended with 3")]
)
def test_a_process_that_dies_is_an_error_of_the_content_and_the_next_file_has_another(converter, job, deed, ending):
    before = converter.convert(job("a"), "net")
    with pytest.raises(
        ContentError, match=rf"{ending} while it converted net\. Export it without --to tflite; --debug"
    ):
        converter.convert(job(deed), "net")
    assert converter.convert(job("a"), "net") != before


def test_a_process_that_died_between_two_files_is_told_too(converter, job):
    os.kill(int(converter.convert(job("a"), "net")), signal.SIGKILL)
    with pytest.raises(ContentError, match="was ended by SIGKILL"):
        converter.convert(job("a"), "net")


INTERRUPTED = f"""
import sys
from pathlib import Path
from digitedge.export.tflite_converter import Converter
Converter((sys.executable, "-c", {ANSWERS!r})).convert(Path(sys.argv[1]), "net")
"""


def test_ctrl_c_leaves_no_orphan(job):
    folder = job("sleep")
    parent = subprocess.Popen([sys.executable, "-c", INTERRUPTED, folder], stderr=subprocess.PIPE, text=True)
    child = wait_for_number(folder / "pid")
    parent.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in parent.communicate(timeout=30)[1]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def wait_for_number(path):
    for _ in range(600):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


def test_the_real_one_ends_with_whoever_started_it():
    done = subprocess.run(COMMAND, input="", capture_output=True, text=True, check=False, timeout=30, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)}


def test_the_real_one_says_what_it_cannot_read_and_prints_nothing(tmp_path, capfd):
    (tmp_path / "job.json").write_text('{"precision": "fp32", "input": "float32", "output": "float32"}')
    with pytest.raises(
        ContentError, match=r"TensorFlow Lite cannot hold net: SavedModel file does not exist at: .*model"
    ):
        CONVERTER.convert(tmp_path, "net")
    assert capfd.readouterr() == ("", "")
