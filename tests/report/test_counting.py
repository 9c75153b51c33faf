import io
import sys

from digitedge.report.counting import counting
from digitedge.report.terminal import Terminal


def work(terminal):
    with counting(terminal, "verify") as count:
        for done, name in enumerate(["a.onnx", "a.onnx", "b.onnx"]):
            count(done, 3, name)


def test_a_log_file_gets_one_line_a_name(capsys):
    work(Terminal())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["verify · a.onnx · 0 of 3 done", "verify · b.onnx · 2 of 3 done"]


def test_quiet_says_nothing(capsys):
    work(Terminal(quiet=True))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_line_that_is_wiped(monkeypatch):
    class Tty(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stderr", stream := Tty())
    work(Terminal())
    assert " verify   b.onnx" in stream.getvalue()
    assert "2/3" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K")
