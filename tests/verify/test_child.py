"""A child that crashes, hangs or fails is told apart, and never stays behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from digitedge.verify import child as module
from digitedge.verify.child import COMMAND, Child, Gone

# Stands for the real one: does what it is asked to.
OBEYS = """
import json, os, signal, sys, time
print(json.dumps({"ready": os.getcwd()}), flush=True)
for line in sys.stdin:
    deed = json.loads(line)["do"]
    if deed.startswith("SIG"): os.kill(os.getpid(), getattr(signal, deed))
    if deed == "leave": sys.exit(3)
    if deed == "sleep": time.sleep(60)
    if deed == "stammer":
        for part in ('{"ans', 'wer": ', '1}'):
            print(part, end="", flush=True)
            time.sleep(0.05)
        print(flush=True)
    else: print(json.dumps({"pid": os.getpid(), "tmp": os.environ["TMPDIR"]}), flush=True)
"""


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture
def child():
    child = Child(python(OBEYS))
    yield child
    child.close()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_answers_again_and_again(child):
    assert child.ask({"do": "a"}, 30) == child.ask({"do": "b"}, 30)


def test_an_answer_may_come_in_pieces(child):
    assert child.ask({"do": "stammer"}, 30) == {"answer": 1}


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("SIGSEGV", "its process was ended by SIGSEGV"),
        ("SIGABRT", "its process was ended by SIGABRT"),
        ("SIGKILL", "its process was ended by SIGKILL, perhaps for lack of memory"),
        ("leave", "its process ended with 3"),
    ],
)
def test_its_end_is_told(child, deed, words):
    with pytest.raises(Gone) as gone:
        child.ask({"do": deed}, 30)
    assert gone.value.reason == words
    assert not child.folder.exists()


def test_one_that_does_not_answer_is_killed(child):
    pid = child.ask({"do": "a"}, 30)["pid"]
    begin = time.monotonic()
    with pytest.raises(Gone, match=r"^it did not return within 0\.3 s$"):
        child.ask({"do": "sleep"}, 0.3)
    assert time.monotonic() - begin < 20
    assert not is_running(pid)


def test_one_that_died_between_two_jobs_is_told_too(child):
    os.kill(child.ask({"do": "a"}, 30)["pid"], 9)
    with pytest.raises(Gone, match="was ended by SIGKILL"):
        child.ask({"do": "a"}, 30)


def test_what_it_leaves_behind_goes_with_its_folder(child):
    assert child.ask({"do": "a"}, 30)["tmp"] == str(child.folder)
    (child.folder / "left").mkdir()
    child.close()
    child.close()
    assert not child.folder.exists()


def test_one_that_does_not_start_is_a_mistake_of_ours_and_says_its_last_words(monkeypatch, tmp_path):
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(
        RuntimeError, match=r"did not start: its process ended with 1: (?s:.*)ZeroDivisionError: division by zero"
    ):
        Child(python("1 / 0"))
    assert not list(tmp_path.iterdir())


def test_one_that_never_gets_ready_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "START_SECONDS", 2)
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(RuntimeError, match="did not start: it did not return within 2 s"):
        Child(python(code))
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_the_real_one_starts_in_a_folder_full_of_traps(monkeypatch, tmp_path):
    import digitedge

    monkeypatch.setenv("PYTHONPATH", str(Path(digitedge.__file__).parents[1]))
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    Child(COMMAND).close()


def test_where_the_package_lies_may_be_said_relative_to_another_folder(monkeypatch, tmp_path):
    import digitedge

    root = Path(digitedge.__file__).parents[1]
    monkeypatch.chdir(root.parent)
    monkeypatch.setattr(sys, "path", [root.name, *(entry for entry in sys.path if Path(entry) != root)])
    folder = str(tmp_path)
    Child(
        (COMMAND[0], "-c", f"import os; os.chdir({folder!r}); from digitedge.verify.worker import main; main()")
    ).close()
