"""digitedge verify."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from digitedge.errors import UsageError

KEYS = {"schema_version", "command", "digitedge", "machine", "reference", "test_set", "results", "passed"}
ROW = {
    "path", "format", "precision", "provider", "n", "agreement", "flips", "accuracy", "accuracy_reference", "max_abs",
    "mean_abs", "mcnemar_p", "passed", "reason",
}  # fmt: skip
ARTIFACTS = ["tiny.fp32.onnx", "tiny.fp32.tflite", "tiny.int8.onnx", "tiny.int8.tflite"]


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


def test_every_artefact_of_the_newest_run_passes(digitedge, own_run, tiny_data):
    ended = digitedge("verify", "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() >= KEYS
    assert all(row.keys() >= ROW for row in document["results"])
    assert sorted({row["path"] for row in document["results"]}) == [str(own_run / name) for name in ARTIFACTS]
    assert document["reference"] == str(own_run / "model.keras")
    assert document["test_set"] == str(tiny_data)
    assert {row["n"] for row in document["results"]} == {200}
    assert {row["flips"] for row in document["results"] if row["precision"] == "fp32"} == {0}
    assert max(row["max_abs"] for row in document["results"] if row["precision"] == "fp32") <= 1e-5
    assert document["passed"] is True
    assert json.loads((own_run / "verify.json").read_text()) == document


def test_a_report_that_is_there_says_what_was_found_now(digitedge, own_run):
    digitedge("verify")
    assert not (own_run / "report.html").exists(), "it belongs to a whole run"
    (own_run / "report.html").write_text("old")
    ended = digitedge("verify", "--self-test")
    assert " report   runs/tiny/report.html\n" in ended.out
    assert "Would a wrong file be caught?" in (own_run / "report.html").read_text()


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
    assert len({row["path"] for row in json.loads((own_run / "verify.json").read_text())["results"]}) == 4


def test_a_file_of_another_model_is_3(digitedge, own_run, other_model):
    digitedge("export", other_model, "--to", "onnx", "--out", "other")
    swapped = shutil.copy("other/other.fp32.onnx", own_run / "swapped.onnx")
    ended = digitedge("verify", swapped)
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{swapped} cannot be judged by model.keras: it was made from another model than")


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


def test_an_artefact_may_be_the_reference(digitedge, own_run):
    words = ("--reference", own_run / "tiny.fp32.onnx", "--json")
    ended = digitedge("verify", own_run / "tiny.fp32.tflite", *words)
    assert ended.code == 0
    assert ended.document["reference"] == str(own_run / "tiny.fp32.onnx")
    assert ended.document["results"][0]["n"] == 200


def test_a_folder_that_cannot_be_written_is_said_and_no_failure(digitedge, own_run, monkeypatch):
    def refused(path, document):
        raise UsageError(f"{path} cannot be written: read-only file system.", "Name another folder.")

    monkeypatch.setattr("digitedge.commands.recording.write_json", refused)
    ended = digitedge("verify")
    assert ended.code == 0
    assert "verify.json was not written: " in ended.err
    assert "4 files agree" in ended.out


def test_a_limit_can_be_another_for_once(digitedge, own_run):
    words = ("verify", own_run / "tiny.int8.onnx", "--json")
    assert digitedge(*words).document["limits"] == {}
    strict = digitedge(*words, "--limit", "scores=1e-9", "--limit", "labels=3")
    assert strict.code == 1
    assert strict.document["limits"] == {"scores": 1e-9, "labels": 3.0}
    (row,) = strict.document["results"]
    (failed,) = [check for check in row["checks"] if not check["passed"]]
    assert (failed["name"], failed["limit"], failed["reason"]) == ("scores", 1e-9, row["reason"])
    assert next(check["limit"] for check in row["checks"] if check["name"] == "labels") == 3


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("labels", "labels is no limit."),
        ("lables=3", "unknown limit: lables. Did you mean labels?"),
        ("labels=-1", "the limit labels cannot be -1."),
        ("finite=1", "finite has no limit"),
    ],
)
def test_a_limit_that_is_none_is_2(digitedge, own_run, limit, sentence):
    ended = digitedge("verify", "--limit", limit)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.error


def test_int8_is_judged_on_other_cpus_too(digitedge, own_run):
    rows = digitedge("verify", "--json").document["results"]
    (cpus,) = [row["cpus"] for row in rows if (row["format"], row["precision"]) == ("onnx", "int8")]
    assert [cpu["differs"] for cpu in cpus] == [0] * 4
    assert "AVX2 or AVX-512 without VNNI" in [cpu["cpu"] for cpu in cpus]
    assert [row["cpus"] for row in rows if row["precision"] == "fp32"] == [[]] * sum(
        row["precision"] == "fp32" for row in rows
    )


def test_where_it_broke_what_would_and_whether_the_checks_hold(digitedge, own_run):
    words = ("verify", own_run / "tiny.fp32.onnx", own_run / "tiny.int8.onnx")
    ended = digitedge(*words, "--layers", "--shift", "--self-test")
    assert ended.code == 0
    assert "No layer of 2 files departs by more than its precision explains." in ended.out
    assert "begins to hurt" in ended.out
    assert "wrong files were rejected, each by the check that is meant to catch it." in ended.out
    assert [line for line in ended.out.splitlines() if len(line) > 100 and "judged on" not in line] == []


def test_what_needs_the_original_says_so_before_anything_is_judged(digitedge, own_run):
    (own_run / "model.keras").unlink()
    for option in ("--layers", "--shift"):
        ended = digitedge("verify", option)
        assert (ended.code, ended.out) == (2, "")
        assert f"{option} asks the original, and golden.npz holds only what it gave." in ended.error


def test_on_a_device_the_images_of_golden_npz_judge_by_any_file(digitedge, own_run, tmp_path):
    for name in ("tiny.fp32.onnx", "tiny.int8.tflite", "golden.npz"):
        shutil.copy(own_run / name, tmp_path)
    words = ("tiny.int8.tflite", "--reference", "tiny.fp32.onnx", "--json")
    row = digitedge("verify", *words).document["results"][0]
    assert (row["n"], row["accuracy_reference"]) == (200, 1.0), "not seeded random inputs, which have no labels"


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


def test_on_a_device_golden_npz_is_the_reference_and_says_so(process, ended, own_run, tmp_path, workstation):
    device = tmp_path / "device"
    device.mkdir()
    for name in ("tiny.fp32.onnx", "golden.npz", "manifest.json"):
        shutil.copy(own_run / name, device)
    manifest = json.loads((device / "manifest.json").read_text())
    manifest["files"] = {"tiny.fp32.onnx": manifest["files"]["tiny.fp32.onnx"]}
    (device / "manifest.json").write_text(json.dumps(manifest))
    done = ended(process("verify", device, "--json", without=workstation))
    assert done.code == 0
    assert done.document["reference"] == str(device / "golden.npz")
    assert [row["n"] for row in done.document["results"]] == [200]
    told = ended(process("verify", device, without=workstation))
    assert "1 file agrees with golden.npz" in told.out


def test_with_a_keras_original_but_no_tensorflow_golden_npz_is_the_reference(process, ended, own_run, workstation):
    done = ended(process("verify", own_run / "tiny.fp32.onnx", without=workstation))
    assert done.code == 0
    assert "1 file agrees with golden.npz" in done.out


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
