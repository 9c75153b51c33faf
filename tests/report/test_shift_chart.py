import re

from digitedge.data.corruption.corrupting import SEVERITIES, corruptions
from digitedge.measure.shift import CLEAN
from digitedge.report import shift_chart


def entry(name, precision, *, loss=0.0, begins=None, labelled=True):
    accuracies = {0: 0.99, **{severity: 0.99 - severity / 10 for severity in SEVERITIES}}
    rows = [
        {
            "corruption": corruption,
            "severity": severity,
            "accuracy_reference": accuracies[severity],
            "accuracy": accuracies[severity] - loss,
        }
        for corruption, severities in ((CLEAN, (0,)), *((each, SEVERITIES) for each in corruptions()))
        for severity in severities
    ]
    onset = {row["corruption"]: begins if row["corruption"] != CLEAN else None for row in rows}
    return {"path": f"/runs/{name}", "precision": precision, "labelled": labelled, "rows": rows, "onset": onset}


def words(text):
    return re.findall(r"<text[^>]*>([^<]*)</text>", text)


def test_a_panel_for_each_corruption_and_a_legend():
    found = words(shift_chart.shift([entry("tiny.fp32.onnx", "fp32"), entry("<b>.int8.onnx", "int8", loss=0.2)]))
    assert {name.replace("_", " ") for name in corruptions()} <= {*found}
    assert {"the original", "tiny.fp32.onnx", "&lt;b&gt;.int8.onnx", "severity", "100 %"} <= {*found}


def test_colours_are_those_of_the_page_and_an_onset_is_marked():
    calm = shift_chart.shift([entry("a.fp32.onnx", "fp32"), entry("a.int8.onnx", "int8")])
    assert {"currentColor", "var(--first)", "var(--second)"} <= {*re.findall(r"(?:stroke|fill): ([^;\"]*)", calm)}
    assert "var(--bad)" not in calm
    assert "var(--bad)" in shift_chart.shift([entry("a.int8.onnx", "int8", loss=0.2, begins=3)])


def test_the_same_as_a_picture():
    assert shift_chart.shift_png([entry("a.int8.onnx", "int8")]).startswith(b"\x89PNG")


def test_nothing_is_drawn_of_what_nobody_knows():
    lost = {**entry("a.int8.onnx", "int8"), "rows": [], "onset": {}}
    assert shift_chart.shift([entry("a.int8.onnx", "int8", labelled=False), lost]) is None
    assert shift_chart.shift_png([]) is None
