"""Operators by their share of the time."""

import pytest

from digitedge.report.operator_table import SHOWN, profiled


def entry(number, **changes):
    operators = [{"operator": "Conv", "layer": None, "share": 1 / number, "mean_us": 2.0, "name": "n"}] * number
    return {"path": "/runs/a.onnx", "provider": "cpu", "operators": operators, "reason": None, **changes}


@pytest.mark.parametrize(("number", "lines"), [(1, 1), (SHOWN + 1, SHOWN + 1), (SHOWN + 2, SHOWN + 1)])
def test_the_smallest_share_one_line_and_nothing_is_lost(number, lines):
    (file,) = profiled([entry(number)])["files"]
    assert len(file["operators"]) == lines
    assert sum(line["share"] for line in file["operators"]) == pytest.approx(1)
    assert sum(line["mean_us"] for line in file["operators"]) == pytest.approx(2 * number)


def test_a_reason_is_told_once_for_all_its_files():
    unknown = [
        entry(1, operators=None, reason="it tells nothing", path=path) for path in ("/r/a.tflite", "/r/b.tflite")
    ]
    found = profiled(unknown)
    assert found["files"] == []
    assert found["unknown"] == ["a.tflite, b.tflite: it tells nothing."]
