import io
import sys

from digitedge.report.counting import counting
from digitedge.report.terminal import Terminal


def work(terminal):
    clock = iter(range(0, 100, 4))
    with counting(terminal, "verify", lambda: next(clock)) as count:
        for done, name in enumerate(["a.onnx", "b.onnx", "c.onnx", "d.onnx", "d.onnx"]):
            count(done, 4, name)


def test_a_log_file_gets_a_line_now_and_then(capsys):
    work(Terminal())
    captured = capsys.readouterr()
    assert captured.out == ""
    # The clock moves 4 s at each look; a line is due after 5 s, and none when all is done.
    assert captured.err.splitlines() == ["verify · a.onnx · 0 of 4 done", "verify · c.onnx · 2 of 4 done"]


def test_what_is_done_at_once_needs_no_line(capsys):
    clock = iter([0.0, 1.0, 1.9])
    with counting(Terminal(), "verify", lambda: next(clock)) as count:
        count(0, 2, "a.onnx")
        count(1, 2, "b.onnx")
    assert capsys.readouterr() == ("", "")


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
    assert " verify   d.onnx" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K")
