"""digitedge verify."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

KEYS = {"schema_version", "command", "digitedge", "machine", "reference", "test_set", "results", "passed"}
ROW = {
    "path", "format", "precision", "provider", "n", "agreement", "flips", "accuracy", "accuracy_reference", "max_abs",
    "mean_abs", "mcnemar_p", "passed", "reason",
}  # fmt: skip
ARTIFACTS = ["tiny.fp32.onnx", "tiny.fp32.tflite", "tiny.int8.onnx", "tiny.int8.tflite"]
DEVICE = ("tensorflow", "tf_keras", "keras", "onnx", "tf2onnx", "ai_edge_litert", "matplotlib", "jinja2", "filelock")


@pytest.fixture
def other_model(tiny_network, tmp_path):
    """Path of a .keras file of the same architecture, whose last bias makes it say 3 to everything."""
    import tf_keras

    network = tf_keras.models.clone_model(tiny_network)
    *rest, bias = tiny_network.get_weights()
    network.set_weights([*rest, bias + np.eye(10, dtype=np.float32)[3] * 50.0])
    path = tmp_path / "other.keras"
    network.save(path)
    return path


def change_a_weight(source, target, value):
    """Writes an .onnx file with one number of its largest weight replaced."""
    model = onnx.load(source)
    tensor = max(model.graph.initializer, key=lambda each: np.prod(each.dims))
    array = onnx.numpy_helper.to_array(tensor).copy()
    array.flat[:] = value
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, target)
    return target


def test_every_artefact_of_the_newest_run_passes(digitedge, own_run, tiny_data):
    ended = digitedge("verify", "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() >= KEYS
    assert [row.keys() >= ROW for row in document["results"]] == [True] * 4
    assert sorted(row["path"] for row in document["results"]) == [str(own_run / name) for name in ARTIFACTS]
    assert document["reference"] == str(own_run / "model.keras")
    assert document["test_set"] == str(tiny_data)
    assert {row["n"] for row in document["results"]} == {200}
    assert [row["flips"] for row in document["results"] if row["precision"] == "fp32"] == [0, 0]
    assert max(row["max_abs"] for row in document["results"] if row["precision"] == "fp32") <= 1e-5
    assert document["passed"] is True
    assert json.loads((own_run / "verify.json").read_text()) == document


def test_the_table_fits(digitedge, own_run):
    ended = digitedge("verify")
    assert ended.code == 0
    assert "200 of 200" in ended.out
    assert "4 files agree with model.keras" in ended.out
    assert max(map(len, ended.out.splitlines()[1:])) <= 100


def test_quiet_is_the_verdict_alone(digitedge, own_run):
    ended = digitedge("verify", "--quiet")
    assert ended.out == "4 files agree with model.keras within the limits of the precision.\n"
    assert ended.err == ""


def test_verify_json_is_replaced_by_a_whole_verification_only(digitedge, own_run):
    (own_run / "verify.json").write_text("old")
    assert digitedge("verify", own_run / "tiny.fp32.onnx").code == 0
    assert (own_run / "verify.json").read_text() == "old", "one file of four says nothing of the run"
    assert digitedge("verify", own_run, own_run).code == 0
    assert len(json.loads((own_run / "verify.json").read_text())["results"]) == 4


def test_a_changed_byte_is_3(digitedge, own_run):
    path = own_run / "tiny.int8.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ended = digitedge("verify")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{path} has changed since it was exported (sha256 differs). Export it again")


def test_a_file_of_another_model_is_3(digitedge, own_run, other_model):
    digitedge("export", other_model, "--to", "onnx", "--out", "other")
    swapped = shutil.copy("other/other.fp32.onnx", own_run / "swapped.onnx")
    ended = digitedge("verify", swapped)
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{swapped} was made from another model than model.keras beside it.")


def test_a_foreign_file_is_compared_with_reference_and_fails_with_the_figures(
    digitedge, own_run, other_model, tiny_data
):
    digitedge("export", other_model, "--to", "onnx", "--out", "other")
    words = ("verify", "other/other.fp32.onnx", "--reference", own_run / "model.keras")
    ended = digitedge(*words, "--json")
    assert ended.code == 1
    (row,) = ended.document["results"]
    assert (row["passed"], row["flips"], row["n"], row["accuracy"]) == (False, 180, 200, 0.1)
    assert row["reason"] == "180 of 200 images get another label than the reference gives; none may"
    assert ended.document["passed"] is False
    assert ended.document["test_set"] == str(tiny_data), "the reference lies in a run, and brings its images along"
    assert not Path("other/verify.json").exists()
    printed = digitedge(*words)
    assert printed.code == 1
    assert "1 of 1 file failed." in printed.out
    assert "20 of class 0" in printed.out
    assert max(map(len, printed.out.splitlines()[1:])) <= 100
    assert digitedge(*words, "--quiet").out.startswith("1 of 1 file failed.\nother.fp32.onnx: 180 of 200 images")


def test_a_perturbed_file_fails(digitedge, own_run, tmp_path):
    perturbed = change_a_weight(own_run / "tiny.fp32.onnx", tmp_path / "perturbed.onnx", 0.01)
    assert digitedge("verify", perturbed, "--reference", own_run / "model.keras").code == 1
    same = shutil.copy(own_run / "tiny.fp32.onnx", tmp_path / "same.onnx")
    assert digitedge("verify", same, "--reference", own_run / "model.keras").code == 0


def test_an_artefact_may_be_the_reference(digitedge, own_run):
    words = ("--reference", own_run / "tiny.fp32.onnx", "--json")
    ended = digitedge("verify", own_run / "tiny.fp32.tflite", *words)
    assert ended.code == 0
    assert ended.document["reference"] == str(own_run / "tiny.fp32.onnx")
    assert ended.document["results"][0]["n"] == 200


def test_a_model_that_gives_nan_is_1_and_null(digitedge, own_run, tmp_path):
    broken = change_a_weight(own_run / "tiny.fp32.onnx", tmp_path / "nan.onnx", np.nan)
    ended = digitedge("verify", broken, "--reference", own_run / "model.keras", "--json")
    assert ended.code == 1
    (row,) = ended.document["results"]
    assert (row["max_abs"], row["mean_abs"], row["passed"]) == (None, None, False)
    assert row["reason"] == "200 of 200 images give a score that is not a finite number"


def test_a_reference_that_gives_nan_agrees_with_nothing(digitedge, own_run, tmp_path):
    broken = change_a_weight(own_run / "tiny.fp32.onnx", tmp_path / "nan.onnx", np.nan)
    assert digitedge("verify", broken, "--reference", broken).code == 1


def test_data_judges_instead_of_the_runs_own_test_set(digitedge, own_run, tmp_path, tiny_digits):
    test = tiny_digits.test.take(slice(0, 30))
    np.savez(tmp_path / "mine.npz", images=test.images, labels=np.append(test.labels[:-1], 9))
    document = digitedge("verify", "--data", "mine.npz", "--json").document
    assert {row["n"] for row in document["results"]} == {30}
    assert document["test_set"] == str(tmp_path / "mine.npz")


def test_data_without_labels_judges_agreement(digitedge, own_run, tmp_path, tiny_digits):
    np.savez(tmp_path / "mine.npz", images=tiny_digits.test.images)
    document = digitedge("verify", own_run / "tiny.fp32.onnx", "--data", "mine.npz", "--json").document
    (row,) = document["results"]
    assert (row["agreement"], row["accuracy"], row["accuracy_reference"], row["mcnemar_p"]) == (1.0, None, None, None)


def test_on_a_device_golden_npz_is_the_reference_and_says_so(process, ended, own_run, tmp_path):
    device = tmp_path / "device"
    device.mkdir()
    for name in ("tiny.fp32.onnx", "golden.npz", "manifest.json"):
        shutil.copy(own_run / name, device)
    manifest = json.loads((device / "manifest.json").read_text())
    manifest["files"] = {"tiny.fp32.onnx": manifest["files"]["tiny.fp32.onnx"]}
    (device / "manifest.json").write_text(json.dumps(manifest))
    done = ended(process("verify", device, "--json", without=DEVICE))
    assert done.code == 0
    assert done.document["reference"] == str(device / "golden.npz")
    assert [row["n"] for row in done.document["results"]] == [200]
    told = ended(process("verify", device, without=DEVICE))
    assert "1 file agrees with golden.npz" in told.out


def test_with_a_keras_original_but_no_tensorflow_golden_npz_is_the_reference(process, ended, own_run):
    done = ended(process("verify", own_run / "tiny.fp32.onnx", without=DEVICE))
    assert done.code == 0
    assert "1 file agrees with golden.npz" in done.out


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
@pytest.mark.parametrize("damage", ["empty", "cut", "garbage"])
def test_a_damaged_file_is_3(digitedge, own_run, suffix, damage):
    whole = (own_run / f"tiny.fp32.{suffix}").read_bytes()
    path = own_run / f"mine.{suffix}"
    path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 3], "garbage": b"garbage" * 9}[damage])
    ended = digitedge("verify", path)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"error: {path} ")
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("gone", "gone does not exist. Name a run folder or a model file."),
        ("gone.onnx", "gone.onnx does not exist. Name a run folder or a model file."),
        ("text.txt", "text.txt is not a model that digitedge reads. It must end in one of .c, .keras, .onnx, .tflite."),
        ("bare", "bare holds no exported files. Type: digitedge export"),
    ],
)
def test_a_source_that_is_none_is_3(digitedge, tmp_path, source, sentence):
    (tmp_path / "bare").mkdir()
    (tmp_path / "text.txt").write_text("text")
    ended = digitedge("verify", source)
    assert (ended.code, ended.out) == (3, "")
    assert sentence in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_file_that_the_manifest_names_and_that_is_gone_is_3(digitedge, own_run):
    (own_run / "tiny.fp32.onnx").unlink()
    ended = digitedge("verify")
    assert ended.code == 3
    assert ended.error.startswith(f"{own_run / 'tiny.fp32.onnx'} does not exist.")


def test_of_labels_no_difference_of_scores_is_told(digitedge, own_run, label_file, tiny_data):
    for words in (
        (label_file, "--reference", own_run / "model.keras"),
        (own_run / "tiny.fp32.onnx", "--reference", label_file, "--data", tiny_data),
    ):
        ended = digitedge("verify", *words, "--json")
        assert ended.code == 0
        (row,) = ended.document["results"]
        assert (row["flips"], row["n"], row["max_abs"], row["mean_abs"]) == (0, 200, None, None)


def test_labels_that_differ_fail(digitedge, other_model, label_file, tiny_data):
    ended = digitedge("verify", label_file, "--reference", other_model, "--data", tiny_data, "--json")
    assert ended.code == 1
    (row,) = ended.document["results"]
    assert row["reason"] == "180 of 200 images get another label than the reference gives; none may"
