"""One benchmark at a time on a machine."""

import subprocess
import sys
import tempfile

from digitedge.commands import alone
from digitedge.report.terminal import Terminal


def test_a_second_benchmark_waits_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    holder = (
        f"import fcntl, os, time; fcntl.flock(os.open({str(tmp_path / alone._LOCK)!r}, os.O_RDONLY), fcntl.LOCK_EX)"
    )
    (tmp_path / alone._LOCK).touch(0o444)
    code = f"{holder}; print('held', flush=True); time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with alone.alone(Terminal()):
            assert other.wait(timeout=5) == 0
    said = capsys.readouterr().err
    assert said == "another digitedge is measuring on this machine: waiting, since two would time each other.\n"


def test_one_alone_says_nothing_and_a_folder_that_takes_no_file_keeps_nobody_waiting(tmp_path, monkeypatch, capsys):
    for folder in (tmp_path, tmp_path / "missing"):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        with alone.alone(Terminal()):
            assert (folder / alone._LOCK).exists() == (folder == tmp_path)
    assert capsys.readouterr().err == ""
