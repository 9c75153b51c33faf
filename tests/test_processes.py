import os
import subprocess
import sys

import pytest

from digitedge.processes import ending, environment


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with 0"),
        (3, "ended with 3"),
        (-11, "was ended by SIGSEGV"),
        (-9, "was ended by SIGKILL, perhaps for lack of memory"),
    ],
)
def test_the_end_of_a_process_in_words(code, words):
    assert ending(code) == words


def test_a_child_finds_what_is_found_here_although_it_is_elsewhere(monkeypatch, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a_module_of_ours.py").write_text("print('found')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["code", "", *sys.path])
    command = [sys.executable, "-P", "-c", "import a_module_of_ours, os; print(os.environ['MORE'])"]
    done = subprocess.run(command, cwd="/", env=environment(MORE="more"), capture_output=True, text=True, check=True)
    assert done.stdout == "found\nmore\n"
    assert "MORE" not in os.environ
