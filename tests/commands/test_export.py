"""digitedge export."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from digitedge.files import sha256
from digitedge.measure.limits import LIMITS

KEYS = {"schema_version", "command", "digitedge", "machine", "artifacts", "verify", "explain", "passed"}
ARTIFACT = {"path", "format", "precision", "sha256", "size_bytes", "operators", "min_runtime", "unchanged",
            "companions", "facts", "stored_bytes"}  # fmt: skip
VERIFY = {"reference", "test_set", "results", "passed"}
ROW = {
    "path", "format", "precision", "provider", "n", "agreement", "flips", "accuracy", "accuracy_reference", "max_abs",
    "mean_abs", "mcnemar_p", "passed", "reason",
}  # fmt: skip
EXPORTED = ["tiny.fp32.onnx", "tiny.int8.onnx", "tiny.fp32.tflite", "tiny.int8.tflite"]


@pytest.fixture
def keras_file(tiny_network, tmp_path):
    """Path of a .keras file of the user's own, without any data."""
    path = tmp_path / "mine.keras"
    tiny_network.save(path)
    return path


def digests(folder):
    return {path.name: sha256(path.read_bytes()) for path in folder.glob("*.*.*")}


def names(folder):
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_the_newest_run_becomes_four_files_and_the_second_time_nothing_changes(digitedge, trained):
    ended = digitedge("export", "--int8", "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() >= KEYS
    assert [artifact.keys() >= ARTIFACT for artifact in document["artifacts"]] == [True] * 4
    assert document["verify"].keys() >= VERIFY
    assert [row.keys() >= ROW for row in document["verify"]["results"]] == [True] * 4
    assert [artifact["path"] for artifact in document["artifacts"]] == [str(trained / name) for name in EXPORTED]
    assert [artifact["unchanged"] for artifact in document["artifacts"]] == [False] * 4
    assert document["passed"] is True
    assert names(trained) == {"model.keras", "train.json", "manifest.json", "golden.npz", *EXPORTED}
    assert digests(trained) == {Path(entry["path"]).name: entry["sha256"] for entry in document["artifacts"]}

    before = digests(trained)
    again = digitedge("export", "--int8", "--json").document
    assert [artifact["unchanged"] for artifact in again["artifacts"]] == [True] * 4
    assert again["passed"] is True
    assert digests(trained) == before


def test_the_same_weights_give_the_same_bytes(digitedge, trained):
    digitedge("export")
    before = digests(trained)
    shutil.rmtree(trained / "rejected", ignore_errors=True)
    for name in ("manifest.json", *before):
        (trained / name).unlink()
    assert digitedge("export").code == 0
    assert digests(trained) == before


def test_the_table_fits_and_ends_with_the_folder(digitedge, own_run):
    ended = digitedge("export")
    assert ended.code == 0
    assert "unchanged" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100
    assert ended.out.split()[-1] == "runs/tiny"


def test_quiet_is_the_folder_alone(digitedge, own_run):
    ended = digitedge("export", "--quiet")
    assert (ended.out, ended.err) == ("runs/tiny\n", "")


def test_to_chooses_the_formats(digitedge, trained):
    document = digitedge("export", trained, "--to", "onnx", "--to", "onnx", "--json").document
    assert [artifact["format"] for artifact in document["artifacts"]] == ["onnx"]
    assert names(trained) == {"model.keras", "train.json", "manifest.json", "golden.npz", "tiny.fp32.onnx"}


def test_a_later_export_leaves_the_other_entries_of_the_manifest(digitedge, trained):
    digitedge("export", "--to", "onnx")
    digitedge("export", "--to", "tflite")
    assert json.loads((trained / "manifest.json").read_text())["files"].keys() == {"tiny.fp32.onnx", "tiny.fp32.tflite"}


@pytest.mark.parametrize("name", ["onxx", "keras", "c"])
def test_an_unknown_format_lists_the_choices_and_loads_nothing(digitedge, own_run, name):
    ended = digitedge("export", "--to", name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: unknown format: {name}.")
    assert ended.error.endswith("Choose from: c99, onnx, tflite.")


def test_opset_18_is_written_and_needs_a_newer_runtime(digitedge, trained):
    (artifact,) = digitedge("export", "--to", "onnx", "--opset", "18", "--json").document["artifacts"]
    assert artifact["min_runtime"] == "onnxruntime 1.14"
    assert [entry.version for entry in onnx.load(artifact["path"]).opset_import if entry.domain == ""] == [18]


def test_other_settings_replace_nothing_without_overwrite(digitedge, own_run):
    before = digests(own_run)
    ended = digitedge("export", "--to", "onnx", "--opset", "18")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith(f"{own_run / 'tiny.fp32.onnx'} exists already. Add --overwrite to replace it")
    assert digests(own_run) == before
    ended = digitedge("export", "--to", "onnx", "--opset", "18", "--overwrite")
    assert ended.code == 0
    changed = {name for name, digest in digests(own_run).items() if digest != before[name]}
    assert changed == {"tiny.fp32.onnx"}


def test_logits_are_exported_and_verified_against_probabilities(digitedge, trained):
    ended = digitedge("export", "--output", "logits", "--json")
    assert ended.code == 0
    (output,) = onnx.load(trained / "tiny.fp32.onnx").graph.output
    assert output.name == "logits"
    assert digitedge("verify").code == 0


def test_calibrate_is_for_int8(digitedge, own_run, tiny_data):
    ended = digitedge("export", "--calibrate", tiny_data)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: --calibrate is for integers. Add --int8, or leave it out.\n"


def test_a_keras_file_goes_to_a_run_of_its_name_judged_on_seeded_images(digitedge, keras_file, tmp_path):
    ended = digitedge("export", keras_file, "--json")
    assert ended.code == 0
    verify = ended.document["verify"]
    assert verify["test_set"] == "seeded random inputs"
    assert verify["reference"] == str(keras_file)
    assert [(row["n"], row["agreement"], row["accuracy"]) for row in verify["results"]] == [(1_000, 1.0, None)] * 2
    assert names(tmp_path / "runs" / "mine") == {"mine.fp32.onnx", "mine.fp32.tflite", "manifest.json", "golden.npz"}
    again = digitedge("verify", "--json")
    assert again.code == 0, "golden.npz is the reference there"
    assert again.document["reference"] == str(tmp_path / "runs" / "mine" / "golden.npz")
    assert {row["accuracy_reference"] for row in again.document["results"]} == {None}


def test_a_keras_file_with_data_is_judged_on_them_and_goes_to_out(digitedge, keras_file, tiny_data, tmp_path):
    document = digitedge("export", keras_file, "--data", tiny_data, "--to", "onnx", "--out", "here", "--json").document
    assert [row["n"] for row in document["verify"]["results"]] == [200]
    assert document["verify"]["results"][0]["accuracy"] > 0.9
    assert document["artifacts"][0]["path"] == str(tmp_path / "here" / "mine.fp32.onnx")


def test_int8_of_a_keras_file_needs_images(digitedge, keras_file, tiny_data, tmp_path):
    ended = digitedge("export", keras_file, "--int8")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: nothing is known of the data of mine.keras")
    assert ended.error.endswith("Name some with --calibrate DATA.")
    assert not (tmp_path / "runs").exists()
    words = ("--int8", "--calibrate", tiny_data, "--data", tiny_data, "--to", "onnx", "--json")
    document = digitedge("export", keras_file, *words).document
    assert [artifact["precision"] for artifact in document["artifacts"]] == ["fp32", "int8"]


def test_after_a_keras_file_the_newest_run_is_still_the_trained_one(digitedge, own_run, keras_file, tmp_path):
    assert digitedge("export", keras_file, "--to", "onnx").code == 0
    assert digitedge("export", "--json").document["artifacts"][0]["path"] == str(own_run / "tiny.fp32.onnx")


def test_calibration_images_of_another_size_are_3(digitedge, trained, tmp_path):
    np.savez(tmp_path / "small.npz", images=np.zeros((20, 8, 8), np.uint8))
    ended = digitedge("export", "--int8", "--calibrate", "small.npz")
    assert ended.code == 3
    assert ended.error.startswith("the model takes 28x28x1 images and those of small.npz are 8x8x1.")
    assert names(trained) == {"model.keras", "train.json"}


@pytest.mark.parametrize("limited", ["fp32", "int8"])
def test_a_file_that_fails_its_parity_is_1_says_how_far_and_never_gets_its_name(
    digitedge, trained, monkeypatch, limited
):
    def corrupt(source, precision, config, calibration):
        network = clone(source.network)
        if precision == limited:
            *rest, bias = network.get_weights()
            network.set_weights([*rest, bias + np.eye(10, dtype=np.float32)[3] * 50.0])
        return convert(replace(source, network=network), precision, config, calibration)

    import tf_keras

    from digitedge.export import tflite

    def clone(network):
        copy = tf_keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        return copy

    convert = tflite.convert
    monkeypatch.setattr(tflite, "convert", corrupt)
    ended = digitedge("export", "--to", "tflite", "--int8", "--json")
    assert ended.code == 1
    document = ended.document
    name = f"tiny.{limited}.tflite"
    assert document["passed"] is False
    (failed,) = [row for row in document["verify"]["results"] if not row["passed"]]
    assert failed["path"] == str(trained / "rejected" / name)
    assert failed["flips"] == 180
    assert "180 of 200 images get another label" in failed["reason"]
    assert [Path(artifact["path"]).name for artifact in document["artifacts"]] == [
        each for each in ("tiny.fp32.tflite", "tiny.int8.tflite") if each != name
    ]
    assert not (trained / name).exists()
    assert (trained / "rejected" / name).exists()
    assert name not in json.loads((trained / "manifest.json").read_text())["files"]


def test_a_failed_parity_is_told_on_the_screen(digitedge, trained, monkeypatch):
    monkeypatch.setitem(LIMITS, "fp32", replace(LIMITS["fp32"], max_abs=0.0))
    ended = digitedge("export", "--to", "onnx")
    assert ended.code == 1
    assert "tiny.fp32.onnx: " in ended.out
    assert "runs/tiny/rejected/tiny.fp32.onnx" in ended.out
    assert "1 of 1 file failed." in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100
    quiet = digitedge("export", "--to", "onnx", "--quiet")
    assert quiet.out.startswith("1 of 1 file failed.\ntiny.fp32.onnx: ")


def test_a_good_file_stays_where_its_successor_fails(digitedge, own_run, monkeypatch):
    before = digests(own_run)
    monkeypatch.setitem(LIMITS, "fp32", replace(LIMITS["fp32"], max_abs=0.0))
    assert digitedge("export", "--to", "onnx", "--opset", "18", "--overwrite").code == 1
    assert digests(own_run) == before


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.keras", None, "gone.keras does not exist. Name a run folder, a .keras file or a SavedModel."),
        ("mine.keras", b"", "mine.keras is empty."),
        ("mine.keras", b"PK\x03\x04 cut off", "mine.keras is not a .keras archive"),
        ("mine.keras", b"garbage", "mine.keras is not a .keras archive"),
        ("mine.onnx", b"garbage", "mine.onnx is not a .keras archive"),
    ],
)
def test_a_source_that_cannot_be_read_is_3_and_leaves_no_folder(digitedge, tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended = digitedge("export", name)
    assert (ended.code, ended.out) == (3, "")
    assert sentence in ended.error
    assert not list(tmp_path.glob("runs/*"))


def test_a_damaged_train_json_is_3(digitedge, trained):
    (trained / "train.json").write_text('{"model": ')
    ended = digitedge("export")
    assert ended.code == 3
    assert f"{trained / 'train.json'} is not JSON" in ended.error


@pytest.mark.parametrize(
    ("package", "extra"),
    [("tensorflow", "train"), ("tf2onnx", "train"), ("onnxruntime", "cpu"), ("ai_edge_litert", "tflite")],
)
def test_a_missing_package_is_4_before_anything_is_loaded(process, ended, own_run, package, extra):
    done = ended(process("export", own_run, without=[package]))
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"error: {package.replace('_', '-')} is not installed; ")
    assert done.error.endswith(f'Type: pip install "digitedge[{extra}]"')


def test_a_converter_that_is_half_installed_is_4_too(digitedge, trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    ended = digitedge("export", "--to", "onnx")
    assert ended.code == 4
    assert ended.error.startswith("tf2onnx is not installed; ")
