"""A row of the `verify` document: what was computed, in JSON, with nothing left out and nothing made up."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from digitedge.measure.limits import CpuLabels, Evidence, judge, limits_of
from digitedge.measure.parity import ParityReport, compare
from digitedge.report.parity_rows import Judged, lost_row, parity_row
from digitedge.verify.target import Lost, Target

ELSEWHERE = CpuLabels("x86 without VNNI", "an emulator", n=12, flips=1, differs=2)


def judged(golden, scores, labels=None, **known):
    parity = compare(golden.scores, scores, golden.labels if labels is None else labels)
    checks = judge(Evidence(parity, batch_abs=known.get("batch_abs")), limits_of("fp32"))
    return Judged(Path("x.onnx"), "onnx", "fp32", parity, checks, **known)


def test_flips_are_told_by_their_place_in_the_data_set(golden):
    some = [0, 3, 5]
    part = {name: getattr(golden, name)[some] for name in ("images", "labels", "scores")}
    recorded = replace(golden, **part, places=np.array(some))
    one = judged(recorded, recorded.scores[:, [1, 0, 2]])
    assert one.parity.flips
    row = parity_row(one, recorded)
    assert row["flipped"] == [some[flip.index] for flip in one.parity.flips]
    assert [flip["place"] for flip in row["flip_details"]] == row["flipped"]
    assert len(row["flipped"]) == row["flips"] == sum(row["flips_by_class"].values())


def test_a_flip_is_told_with_the_names_of_its_classes(golden):
    scores = golden.scores.copy()
    scores[4] = np.roll(scores[4], 1)
    was, is_now = int(golden.scores[4].argmax()), int(scores[4].argmax())
    (flip,) = parity_row(judged(golden, scores), golden)["flip_details"]
    top = sorted(golden.scores[4].tolist())
    assert flip == {
        "place": 4,
        "label": golden.labels[4],
        "label_reference": was,
        "label_candidate": is_now,
        "class": golden.classes[golden.labels[4]],
        "class_reference": golden.classes[was],
        "class_candidate": golden.classes[is_now],
        "confidence_reference": top[-1],
        "confidence_candidate": top[-1],
        "margin_reference": pytest.approx(top[-1] - top[-2]),
        "margin_candidate": pytest.approx(top[-1] - top[-2]),
    }


def test_a_row_holds_every_figure_of_the_report_and_every_check(golden):
    one = judged(golden, golden.scores, batch_abs=2e-7, engine="ONNX Runtime 1.31.1", cpus=(ELSEWHERE,))
    row = parity_row(one, golden)
    assert {field.name for field in fields(ParityReport)} - set(row) == {"classes", "not_finite"}
    assert (row["passed"], row["reason"], row["sqnr_db"]) == (True, None, None)
    assert [check["name"] for check in row["checks"]] == ["finite", "batch", "labels", "scores", "confidence"]
    assert (row["engine"], row["provider"], row["batch_abs"]) == ("ONNX Runtime 1.31.1", "cpu", 2e-7)
    (there,) = row["cpus"]
    assert there == {"cpu": "x86 without VNNI", "by": "an emulator", "n": 12, "flips": 1, "differs": 2}
    assert [(one["name"], one["n"]) for one in row["per_class"]] == [
        (name, int((golden.labels == label).sum()))
        for label, name in enumerate(golden.classes)
        if label in golden.labels
    ]


def test_what_is_not_a_number_is_null_and_fails(golden):
    scores = golden.scores.copy()
    scores[2, 1] = np.nan
    row = parity_row(judged(golden, scores, batch_abs=math.nan), golden)
    assert (row["passed"], row["reason"]) == (False, "1 of 12 images give a score that is not a finite number")
    assert [row[name] for name in ("max_abs", "mean_abs", "sqnr_db", "confidence_drift", "batch_abs")] == [None] * 5
    assert {check["name"] for check in row["checks"] if check["figure"] is None} == {"batch", "scores", "confidence"}
    assert not any(check["passed"] for check in row["checks"])
    (flip,) = row["flip_details"]
    assert (flip["label_candidate"], flip["class_candidate"], flip["confidence_candidate"]) == (None, None, None)
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_a_file_that_was_lost_has_the_same_keys_and_no_figures(golden):
    row = lost_row(Lost(Target(Path("x.tflite"), engine="litert"), "it did not return within 120 seconds"))
    assert set(row) == set(parity_row(judged(golden, golden.scores), golden))
    assert (row["format"], row["engine"], row["passed"]) == ("tflite", "litert", False)
    assert (row["n"], row["flips"], row["agreement"], row["max_abs"]) == (None, None, None, None)
    assert row["reason"] == "it did not return within 120 seconds"
    json.dumps(row, allow_nan=False)
