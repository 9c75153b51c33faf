from dataclasses import replace
from pathlib import Path

import pytest

from digitedge.report.bodies import verify_body, versions

PASSED, FAILED = {"passed": True}, {"passed": False}


@pytest.mark.parametrize(
    ("rows", "self_test", "passed"),
    [
        ([PASSED], None, True),
        ([PASSED, FAILED], None, False),
        ([], None, False),
        ([PASSED], {"passed": True}, True),
        ([PASSED], {"passed": False}, False),
    ],
)
def test_a_verification_passes_where_there_are_files_and_all_of_them_do(golden, rows, self_test, passed):
    assert verify_body(Path("model.keras"), golden, rows, self_test=self_test)["passed"] is passed


def test_it_says_what_was_judged_on_and_by_which_limits(golden):
    body = verify_body(Path("model.keras"), golden, [PASSED], limits={"labels": 5.0})
    assert (body["reference"], body["test_set"], body["labelled"]) == ("model.keras", golden.test_set, True)
    assert body["limits"] == {"labels": 5.0}
    assert (body["layers"], body["shift"], body["self_test"]) == (None, None, None)
    assert verify_body(Path("m"), replace(golden, labels=None), [PASSED])["labelled"] is False


def test_another_build_of_onnx_runtime_is_named_where_it_is_installed(monkeypatch):
    assert "onnxruntime-openvino" not in versions()
    there = {"onnxruntime-openvino": "1.24.1", "numpy": "2.4.6"}
    monkeypatch.setattr("digitedge.report.bodies._version", there.get)
    assert (versions()["onnxruntime"], versions()["onnxruntime-openvino"]) == (None, "1.24.1")
    assert "onnxruntime-gpu" not in versions()
