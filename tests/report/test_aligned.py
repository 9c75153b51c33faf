import pytest
from rich.text import Text

from digitedge.report.aligned import Across, aligned


def test_texts_stand_left_figures_right_and_notes_left():
    rows = [["file", "size", ""], ["a.onnx", "8 kB", "ok"], ["long.tflite", "818 kB", Text("failed", "red")]]
    assert aligned(rows, texts=1).plain.splitlines() == [
        "file           size        ",
        "a.onnx         8 kB  ok    ",
        "long.tflite  818 kB  failed",
    ]


def test_a_line_across_widens_no_column():
    lines = aligned([["file", "size"], Across("w" * 70), ["  gcc", "8 kB"]], texts=1).plain.splitlines()
    assert lines == ["file   size", "w" * 70, "  gcc  8 kB"]


def test_wide_letters_count_twice():
    assert aligned([["二", "1"], ["abc", "2"]], texts=1).plain.splitlines() == ["二   1", "abc  2"]


def test_styles_are_kept():
    text = aligned([["file", ""], ["a", Text("failed", "red")]], texts=1)
    assert [(text.plain[span.start : span.end], str(span.style)) for span in text.spans if span.style == "red"] == [
        ("failed", "red")
    ]


def test_rows_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        aligned([["a", "b"], ["a"]], texts=1)
