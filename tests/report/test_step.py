import pytest
from rich.text import Text

from digitedge.report.step import MARGIN, PROSE, Step, name_of, printable, prose


def test_prose_wraps_between_words_and_never_inside_a_path():
    path = "/a/very/long/path/" + "x" * 120 + "/with-hyphens-in-it.onnx"
    lines = prose(f"The file lies in {path} and " + "word " * 30).plain.splitlines()
    assert path in lines
    assert all(len(line) <= PROSE for line in lines if line != path)
    assert PROSE + MARGIN == 100


def test_prose_that_begins_indented_stays_so():
    lines = prose("  flipped: " + "word " * 40).plain.splitlines()
    assert len(lines) > 1
    assert all(line.startswith("  ") and not line.startswith("   ") for line in lines)


def test_an_escape_sequence_is_shown_and_not_obeyed():
    assert printable("a\x1b[31mb\u202e\n") == "a\\x1b[31mb\\u202e\\n"
    assert name_of("/x/\x1bname.onnx") == "\\x1bname.onnx"
    assert printable("grüße 二 [red]") == "grüße 二 [red]"


def test_quiet_says_the_last_line_unless_there_is_something_better():
    assert Step("x", [], Text("last")).brief.plain == "last"
    assert Step("x", [], Text("last"), quiet=Text("better")).brief.plain == "better"
    with pytest.raises(ValueError, match="the step x has nothing to say"):
        _ = Step("x", [], None).brief
