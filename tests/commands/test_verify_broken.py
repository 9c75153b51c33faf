"""digitedge verify, of files that are not what they should be."""

import shutil

import numpy as np
import onnx
import pytest
from PIL import Image


def change_a_weight(source, target, value):
    """Writes an .onnx file with one number of its largest weight replaced."""
    model = onnx.load(source)
    tensor = max(model.graph.initializer, key=lambda each: np.prod(each.dims))
    array = onnx.numpy_helper.to_array(tensor).copy()
    array.flat[:] = value
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, target)
    return target


def test_a_changed_byte_is_3(digitedge, own_run):
    path = own_run / "tiny.int8.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ended = digitedge("verify")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{path} has changed since it was exported (sha256 differs). Export it again")


def test_a_perturbed_file_fails(digitedge, own_run, tmp_path):
    perturbed = change_a_weight(own_run / "tiny.fp32.onnx", tmp_path / "perturbed.onnx", 0.01)
    assert digitedge("verify", perturbed, "--reference", own_run / "model.keras").code == 1
    same = shutil.copy(own_run / "tiny.fp32.onnx", tmp_path / "same.onnx")
    assert digitedge("verify", same, "--reference", own_run / "model.keras").code == 0


def test_a_file_that_decides_otherwise_has_a_picture_beside_it(digitedge, own_run, tmp_path):
    perturbed = change_a_weight(own_run / "tiny.fp32.onnx", tmp_path / "perturbed.onnx", 0.01)
    words = ("verify", perturbed, "--reference", own_run / "model.keras")
    (row,) = digitedge(*words, "--json").document["results"]
    assert row["picture"] == str(tmp_path / "perturbed.onnx.flips.png")
    with Image.open(row["picture"]) as picture:
        assert picture.width > 200
    first = row["flip_details"][0]
    assert first["place"] == row["flipped"][0]
    assert first["class_reference"] != first["class_candidate"] == str(row["flipped_to"][0])
    assert 0 < first["margin_reference"] <= first["confidence_reference"] <= 1
    assert f"picture: {perturbed.name}.flips.png" in digitedge(*words).out
    shutil.copy(own_run / "tiny.fp32.onnx", perturbed)
    assert digitedge(*words).code == 0
    assert not (tmp_path / "perturbed.onnx.flips.png").exists(), "it would show what is no longer so"


def test_a_file_that_crashes_fails_and_the_others_are_judged(digitedge, own_run, every_file, tmp_path):
    for suffix in (".c", ".h"):
        shutil.copy(every_file / f"tiny.fp32{suffix}", tmp_path)
    source = tmp_path / "tiny.fp32.c"
    lines = source.read_text()
    at = lines.index(
        "{", lines.index("\nint tiny_fp32_predict(" if "tiny_fp32_predict" in lines else "\nint tiny_predict(")
    )
    source.write_text(lines[: at + 1] + " volatile int *nowhere = 0; *nowhere = 1;" + lines[at + 1 :])
    words = (source, own_run / "tiny.fp32.onnx", "--reference", own_run / "model.keras", "--json")
    ended = digitedge("verify", *words)
    assert ended.code == 1
    *crashed, right = ended.document["results"]
    assert {(row["format"], row["passed"], row["reason"]) for row in crashed} == {
        ("c99", False, "its process was ended by SIGSEGV")
    }
    assert {row["n"] for row in crashed} == {None}, "what was not measured is not 0"
    assert (right["passed"], right["n"]) == (True, 200)


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
