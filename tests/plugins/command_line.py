"""The command line, in this process or in one of its own, and how it ended."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_temporary_files(tmp_path_factory):
    """Of each process that runs tests: benchmarks in two of them need not wait for each other, as a user's do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        patch.setattr(tempfile, "tempdir", None)  # so that it is looked up anew
        yield


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and all that it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """The JSON document, beside which nothing may stand on standard output."""
        assert self.out.endswith("}\n")
        return json.loads(self.out, parse_constant=_no_number)

    @property
    def error(self):
        """The one line that says why, which is the last; the lines before it are progress and notes."""
        *before, last = self.err.splitlines()
        assert last.startswith("error: ")
        assert not [line for line in before if line.startswith(("error: ", "Traceback"))]
        return last.removeprefix("error: ")


@pytest.fixture
def digitedge(tmp_path, monkeypatch, capsys):
    """The command line, in this process and an empty folder: digitedge("train", "--json") -> Ended."""
    from digitedge.cli import main

    monkeypatch.chdir(tmp_path)
    # For the processes that a command starts: what is absolute holds in any folder, as PYTHONPATH need not.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))

    def invoke(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return Ended(ended.value.code or 0, *capsys.readouterr())

    return invoke


@pytest.fixture
def process(tmp_path):
    """The command line in a process of its own: process("doctor", without=["tensorflow"]) -> subprocess.Popen.

    `without` names packages that the process finds no trace of. What it writes is read with `ended`.
    """

    def start(*words, without=()):
        hidden = tmp_path / "without"
        hidden.mkdir(exist_ok=True)
        (hidden / "sitecustomize.py").write_text(_HIDE.format(names=set(without)))
        path = os.pathsep.join([str(hidden), *filter(None, sys.path)])
        command = [sys.executable, "-m", "digitedge", *map(str, words)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, **streams)

    return start


@pytest.fixture
def ended():
    """ended(process) waits for a process and says how it Ended."""

    def wait(process):
        out, err = process.communicate(timeout=120)
        return Ended(process.returncode, out, err)

    return wait


_HIDE = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
def find_spec(cls, name, path=None, target=None):
    return None if name.split(".")[0] in {names!r} else find(name, path, target)
PathFinder.find_spec = classmethod(find_spec)
"""


def _no_number(text):
    raise AssertionError(f"{text} is not JSON")
