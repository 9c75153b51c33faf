"""Every artefact is proved before it gets its name; whatever is refused leaves the folder as it was."""

from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.artifact import check_unchanged, read_golden, read_manifest
from digitedge.config import ExportConfig
from digitedge.errors import NotPresentError, OutputExistsError, UnknownNameError
from digitedge.export.exporting import export
from digitedge.export.source import make_source
from digitedge.measure.limits import LIMITS, Limits
from digitedge.runtime.keras import wrap

FP32 = ExportConfig(formats=("onnx",))


@pytest.fixture(scope="module")
def source(tiny_model):
    return make_source("tiny", tiny_model, "probabilities")


@pytest.fixture(scope="module")
def other(tiny_model):
    """The same architecture with other weights, and what it gives is not what `tiny_golden` says."""
    network = keras.models.clone_model(tiny_model.network)
    return make_source("tiny", wrap(network, tiny_model.spec.classes, name="other"), "probabilities")


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def golden_of(source, golden):
    scores = source.network(golden.images.astype(np.float32) / 255).numpy()
    return replace(golden, scores=scores, source_digest=source.digest)


def test_a_run_folder_holds_what_was_asked_for(tiny_run, tiny_golden):
    names = ["tiny.fp32.onnx", "tiny.fp32.tflite", "tiny.int8.onnx", "tiny.int8.tflite"]
    assert [one.path.name for one in read_manifest(tiny_run)] == names
    assert sorted(path.name for path in tiny_run.iterdir()) == [
        "golden.npz",
        "manifest.json",
        "model.keras",
        *names,
        "train.json",
    ]
    np.testing.assert_array_equal(read_golden(tiny_run / "golden.npz").scores, tiny_golden.scores)


def test_the_manifest_says_what_each_file_depends_on(tiny_run, source):
    for one in read_manifest(tiny_run):
        check_unchanged(one)
        assert one.size_bytes == one.path.stat().st_size
        assert one.source_digest == source.digest
        assert ("calibration_sha256" in one.settings) == (one.precision == "int8")
        assert ("opset" in one.settings) == (one.format == "onnx")
        assert set(one.made_with) >= {"tensorflow", "tf-keras"}


def test_a_rejected_file_never_gets_its_name(source, tiny_golden, tmp_path):
    wrong = replace(tiny_golden, scores=np.roll(tiny_golden.scores, 1, axis=1))
    (one,) = export(source, FP32, tmp_path, wrong, None)
    assert one.reason == "200 of 200 images get another label than the reference gives; none may"
    assert one.artifact.path == tmp_path / "rejected" / "tiny.fp32.onnx"
    assert one.artifact.path.is_file()
    assert not (tmp_path / "tiny.fp32.onnx").exists()
    assert read_manifest(tmp_path) == ()


def test_limits_that_nothing_reaches_reject_everything(source, tiny_golden, calibration, tmp_path, monkeypatch):
    unreachable = Limits(max_flips=0.0, max_flips_of_errors=0.0, max_drop=None, max_abs=-1.0)
    for precision in ("fp32", "int8"):
        monkeypatch.setitem(LIMITS, precision, unreachable)
    done = export(source, ExportConfig(int8=True), tmp_path, tiny_golden, calibration)
    assert len(done) == 4
    assert all(one.reason for one in done)
    assert {path.parent.name for path in tmp_path.rglob("tiny.*")} == {"rejected"}


def test_one_rejected_file_does_not_take_the_others_along(source, tiny_golden, calibration, tmp_path, monkeypatch):
    unreachable = Limits(max_flips=0.0, max_flips_of_errors=0.0, max_drop=None, max_abs=-1.0)
    monkeypatch.setitem(LIMITS, "int8", unreachable)
    export(source, ExportConfig(("onnx",), int8=True), tmp_path, tiny_golden, calibration)
    assert [one.path.name for one in read_manifest(tmp_path)] == ["tiny.fp32.onnx"]
    assert (tmp_path / "rejected" / "tiny.int8.onnx").exists()


def test_a_rejected_file_is_gone_once_it_has_passed(source, tiny_golden, tmp_path):
    wrong = replace(tiny_golden, scores=np.roll(tiny_golden.scores, 1, axis=1))
    export(source, FP32, tmp_path, wrong, None)
    (one,) = export(source, FP32, tmp_path, tiny_golden, None)
    assert one.reason is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["golden.npz", "manifest.json", "tiny.fp32.onnx"]


def test_the_second_time_nothing_is_made_again(source, own_run, tiny_golden, calibration):
    before = snapshot(own_run)
    done = export(source, ExportConfig(int8=True), own_run, tiny_golden, calibration)
    assert [one.unchanged for one in done] == [True] * 4
    assert [one.reason for one in done] == [None] * 4
    assert snapshot(own_run) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_is_unchanged_is_kept_even_where_it_may_be_replaced(source, own_run, tiny_golden, overwrite):
    stamp = (own_run / "tiny.fp32.onnx").stat().st_mtime_ns
    (one,) = export(source, FP32, own_run, tiny_golden, None, overwrite=overwrite)
    assert one.unchanged
    assert (own_run / "tiny.fp32.onnx").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    "config", [FP32, ExportConfig(("onnx",), opset=18), ExportConfig(("tflite",), output="logits")]
)
def test_what_was_made_otherwise_is_not_replaced_unasked(source, other, own_run, tiny_golden, config):
    before = snapshot(own_run)
    with pytest.raises(
        OutputExistsError, match=r"tiny\.fp32\.(onnx|tflite) exists already\. Add --overwrite to replace it"
    ):
        export(other if config is FP32 else source, config, own_run, golden_of(other, tiny_golden), None)
    assert snapshot(own_run) == before


def test_a_file_that_was_changed_by_hand_is_not_taken_for_ours(source, own_run, tiny_golden):
    with (own_run / "tiny.fp32.tflite").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(OutputExistsError, match=r"tiny\.fp32\.tflite exists already"):
        export(source, ExportConfig(), own_run, tiny_golden, None)


def test_a_file_that_no_manifest_knows_is_not_replaced_unasked(source, tiny_golden, tmp_path):
    (tmp_path / "tiny.fp32.onnx").write_bytes(b"somebody's")
    with pytest.raises(OutputExistsError):
        export(source, FP32, tmp_path, tiny_golden, None)
    assert snapshot(tmp_path) == {"tiny.fp32.onnx": b"somebody's"}


def test_with_overwrite_it_is_replaced_and_the_others_stay(other, own_run, tiny_golden):
    before = snapshot(own_run)
    (one,) = export(other, FP32, own_run, golden_of(other, tiny_golden), None, overwrite=True)
    after = snapshot(own_run)
    assert (one.unchanged, one.reason) == (False, None)
    assert {name for name in after if after[name] != before[name]} == {"golden.npz", "manifest.json", "tiny.fp32.onnx"}
    digests = {one.path.name: one.source_digest for one in read_manifest(own_run)}
    assert digests.pop("tiny.fp32.onnx") == other.digest
    assert len(digests) == 3
    assert other.digest not in digests.values()


def test_a_rejected_replacement_leaves_the_old_file_in_its_place(other, own_run, tiny_golden):
    before = (own_run / "tiny.fp32.onnx").read_bytes()
    (one,) = export(other, FP32, own_run, tiny_golden, None, overwrite=True)
    assert one.reason is not None
    assert (own_run / "tiny.fp32.onnx").read_bytes() == before
    for kept in read_manifest(own_run):
        check_unchanged(kept)


def test_an_unknown_format_lists_the_choices_and_writes_nothing(source, tiny_golden, tmp_path):
    with pytest.raises(
        UnknownNameError, match=r"unknown format: onxx\. Did you mean onnx\? Choose from: c99, onnx, tflite\."
    ):
        export(source, ExportConfig(("tflite", "onxx")), tmp_path, tiny_golden, None)
    assert snapshot(tmp_path) == {}


def test_an_engine_that_is_not_there_is_said_before_anything_is_made(source, tiny_golden, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(NotPresentError, match=r"ai-edge-litert is not installed"):
        export(source, ExportConfig(), tmp_path, tiny_golden, None)
    assert snapshot(tmp_path) == {}


def test_whoever_looks_on_is_told_what_comes_next(source, own_run, tiny_golden):
    seen = []
    export(source, ExportConfig(), own_run, tiny_golden, None, watch=lambda *told: seen.append(told))
    assert seen == [(0, 2, "tiny.fp32.onnx"), (1, 2, "tiny.fp32.tflite"), (2, 2, "tiny.fp32.tflite")]
