"""Which engines run a file, and what becomes of one that cannot."""

import pytest

from digitedge.commands import verifying
from digitedge.commands.folders import model_files
from digitedge.commands.judging import Reference
from digitedge.commands.verifying import Work, check_gates, described, load_all, run
from digitedge.errors import ContentError
from digitedge.verify.scoring import Scoring
from digitedge.verify.target import Lost


@pytest.fixture
def scoring():
    with Scoring() as scoring:
        yield scoring


@pytest.fixture
def work(tiny_run, tiny_golden, scoring):
    """work(name) -> Work, of one file of `tiny_run` in every engine."""

    def begin(name):
        entries = load_all(model_files([tiny_run / name]), scoring)
        return Work(tuple(entries), Reference(tiny_run / "model.keras", tiny_golden), scoring, {})

    return begin


def test_every_engine_has_a_row_the_usual_one_first(work):
    pytest.importorskip("tflite_micro")
    entries = work("tiny.int8.tflite").entries
    assert [entry.target.engine for entry in entries] == ["litert", "tflite-micro"]
    assert [entry.target.most_images for entry in entries] == [None, 1_000]
    assert [found.format for found in described(entries)] == ["tflite", "tflite"]


def test_what_another_engine_cannot_hold_is_a_note_with_its_own(work, every_file, scoring, tiny_golden):
    pytest.importorskip("tflite_micro")
    (entry,) = load_all(model_files([every_file / "tiny.int8-weights.tflite"]), scoring)
    row, _ = run(entry, Work((entry,), Reference(every_file / "model.keras", tiny_golden), scoring, {}))
    assert row["passed"] is True
    assert "TensorFlow Lite Micro" in row["note"]


def test_every_provider_is_tried_and_one_without_a_device_is_a_note(work, monkeypatch):
    monkeypatch.setattr(verifying, "offered", lambda: ("cpu", "openvino"))
    (entry,) = work("tiny.fp32.onnx").entries
    (note,) = entry.left_out
    assert "the provider openvino cannot be used" in note


def test_of_a_slow_engine_a_part_of_the_images_is_enough_and_said(work, monkeypatch):
    pytest.importorskip("tflite_micro")
    monkeypatch.setattr(verifying, "MICRO_IMAGES", 20)
    begun = work("tiny.fp32.tflite")
    row, scored = run(begun.entries[1], begun)
    assert (row["n"], len(scored.places)) == (20, 20)
    assert row["note"].endswith(" ran 20 of 200 images")


def test_a_file_that_is_lost_has_a_row_without_figures(work, monkeypatch):
    begun = work("tiny.fp32.onnx")
    (entry,) = begun.entries
    monkeypatch.setattr(begun.scoring, "score", lambda *_: Lost(entry.target, "it did not return within 120 s"))
    row, scored = run(entry, begun)
    assert scored is None
    assert (row["n"], row["flips"], row["passed"], row["precision"]) == (None, None, False, "fp32")
    assert row["reason"] == "it did not return within 120 s"


@pytest.mark.parametrize(
    ("name", "packages", "cure"),
    [
        ("tiny.fp32.tflite", ("ai_edge_litert", "tflite_micro"), "digitedge[tflite]"),
        ("tiny.fp32.onnx", ("onnxruntime",), "digitedge[cpu]"),
    ],
)
def test_a_file_that_no_engine_here_runs_is_4_with_its_cure(process, ended, own_run, name, packages, cure):
    done = ended(process("verify", own_run / name, without=packages))
    assert done.code == 4
    assert cure in done.error


def test_a_reference_of_other_classes_is_refused_before_an_image_is_run(work):
    begun = work("tiny.fp32.onnx")
    golden = begun.against.golden
    others = type(golden)(
        golden.images, None, golden.scores[:, :7], golden.classes[:7], golden.source_digest, golden.test_set
    )
    with pytest.raises(
        ContentError, match=r"cannot be judged by other\.onnx: it takes 28x28x1 images and knows 10 classes"
    ):
        check_gates(begun.entries, Reference(begun.against.path.with_name("other.onnx"), others), foreign=True)
