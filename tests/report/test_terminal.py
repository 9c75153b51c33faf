import io
import json
import subprocess
import sys

import pytest
from rich.text import Text

from digitedge.errors import ContentError
from digitedge.measure.machine import describe
from digitedge.report.step import Step, line, made, table
from digitedge.report.terminal import Terminal


@pytest.fixture
def step():
    columns = table(["file"], ["size"], [""])
    columns.add_row("[red]classic[/red].onnx :smile:", "818 kB", "x" * 30)
    columns.add_row("y" * 150, "5 bytes", "")
    return Step("export", [line("one", "two"), columns], made("/runs/" + "z" * 150 + "/model.keras"))


def test_a_step_has_its_name_in_the_margin_and_its_file_last(capsys, step):
    Terminal().show(step)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == " export   one · two"
    assert lines[1].startswith("          file ")
    assert lines[-2] == "          /runs/" + "z" * 150 + "/model.keras"
    assert lines[-1] == ""


def test_nothing_is_cut_wrapped_coloured_or_read_as_markup(capsys, step):
    Terminal().show(step)
    out = capsys.readouterr().out
    assert "y" * 150 in out
    assert "[red]classic[/red].onnx :smile:" in out
    assert "\x1b" not in out
    assert not any(text.endswith(" ") for text in out.splitlines())


def test_the_heading_says_where_it_runs(capsys):
    Terminal().heading(describe(), "no GPU", "ONNX Runtime 1.31")
    first, blank = capsys.readouterr().out.splitlines()
    assert first.startswith("digitedge 0.")
    assert first.endswith(" · no GPU · ONNX Runtime 1.31")
    assert blank == ""


def test_quiet_prints_the_result_alone(capsys, step):
    terminal = Terminal(quiet=True)
    terminal.heading(describe())
    terminal.note("by the way")
    terminal.show(step)
    captured = capsys.readouterr()
    assert captured.out == "/runs/" + "z" * 150 + "/model.keras\n"
    assert captured.err == ""


def test_json_prints_one_document_and_notes_apart(capsys, step):
    terminal = Terminal(json=True)
    terminal.heading(describe())
    terminal.show(step)
    terminal.note("by the way")
    terminal.document({"passed": True})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"passed": True}
    assert captured.err == "by the way\n"


def test_without_json_there_is_no_document(capsys):
    Terminal().document({"passed": True})
    assert capsys.readouterr().out == ""


def test_an_error_is_one_line_however_long(capsys):
    Terminal(quiet=True).fail("verify", ContentError("long " * 60 + "\x1b[2J[bold]", "Do this."))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: " + "long " * 60 + "\\x1b[2J[bold] Do this.\n"


def test_an_error_under_json_is_the_document(capsys):
    Terminal(json=True).fail("verify", ContentError("It is damaged.", "Do this."))
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"] == {"kind": "content", "message": "It is damaged.", "hint": "Do this."}
    assert captured.err == ""


def test_a_terminal_without_unicode_gets_codes_and_no_traceback(monkeypatch, step):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    Terminal().show(Step("bench", [], Text("60 µs")))
    stream.flush()
    assert stream.buffer.getvalue() == b" bench    60 \\xb5s\n\n"


def test_colours_in_a_terminal_but_not_where_no_color_is_set(monkeypatch):
    class Tty(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    for no_color, coloured in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        monkeypatch.setattr(sys, "stdout", stream := Tty())
        Terminal().show(Step("verify", [], Text("failed", "red")))
        assert ("\x1b[31m" in stream.getvalue()) is coloured


def test_importing_it_loads_nothing_heavy():
    heavy = {"rich", "numpy", "PIL", "jinja2", "matplotlib"}
    code = f"import sys, digitedge.report.terminal; print({heavy} & {{*sys.modules}})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "set()\n"
