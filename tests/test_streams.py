import io
import os
import subprocess
import sys

import pytest

from digitedge.streams import hushed, overheard, own_stdout


def run(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )


NOISE = "import os; print('python'); os.write(1, b'native 1\\n'); os.write(2, b'native 2\\n')"


def test_nothing_that_is_printed_inside_comes_out():
    done = run(f"from digitedge.streams import hushed\nprint('before')\nwith hushed(): {NOISE}\nprint('after')")
    assert (done.stdout, done.stderr) == ("before\nafter\n", "")


def test_debugging_lets_everything_through():
    done = run(f"from digitedge.streams import hushed\nwith hushed(): {NOISE}", DIGITEDGE_DEBUG="1")
    assert "native 1" in done.stdout
    assert "native 2" in done.stderr


def test_an_exception_passes_through_and_the_streams_come_back(capfd):
    with pytest.raises(RuntimeError, match="inside"), hushed():
        os.write(1, b"hidden")
        raise RuntimeError("inside")
    os.write(1, b"shown")
    assert capfd.readouterr().out == "shown"


HEARD = f"from digitedge.streams import overheard\nwith overheard() as said: {NOISE}\nprint(sorted(said().split()))"


def test_what_is_printed_inside_is_heard_and_not_shown():
    done = run(HEARD)
    assert (done.stdout, done.stderr) == ("['1', '2', 'native', 'native', 'python']\n", "")


def test_debugging_shows_what_was_heard_too():
    assert "native 2" in run(HEARD, DIGITEDGE_DEBUG="1").stderr


def test_what_was_heard_before_an_exception_is_kept():
    with pytest.raises(RuntimeError, match="inside"), overheard() as said:
        os.write(2, b"why")
        raise RuntimeError("inside")
    assert said() == "why"


def test_standard_output_belongs_to_the_document_alone():
    done = run(
        f"from digitedge.streams import own_stdout\n"
        f"with own_stdout() as out: {NOISE}; out.write('document\\n')\n"
        f"print('after')"
    )
    assert done.stdout == "document\nafter\n"
    assert sorted(done.stderr.splitlines()) == ["native 1", "native 2", "python"]


def test_standard_output_that_is_no_file_gets_the_document_too(monkeypatch):
    ours = io.StringIO()
    monkeypatch.setattr(sys, "stdout", ours)
    with own_stdout() as out:
        print("a library's chatter")  # noqa: T201 (what the test is about)
        out.write("document")
    assert ours.getvalue() == "document"
    assert sys.stdout is ours
