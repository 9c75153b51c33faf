"""Which images a model is judged on, and with what it is compared, as every command that judges one sees it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from digitedge.commands.judging import INPUTS, lasting, seeded_images

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"


@pytest.fixture
def record(own_run, tmp_path):
    """record(**keys) changes train.json of `own_run`, as if the run had been trained with other data."""

    def change(**keys):
        document = json.loads((own_run / "train.json").read_text())
        (own_run / "train.json").write_text(json.dumps(document | keys))
        return document

    return change


@pytest.fixture
def relabelled(tiny_digits, tmp_path):
    """Path of an .npz with the images of the run and wrong labels: the same file name, another content."""
    train, test = tiny_digits.train, tiny_digits.test
    path = tmp_path / "relabelled.npz"
    parts = {"x_train": train.images, "y_train": train.labels, "x_test": test.images, "y_test": test.labels}
    np.savez(path, **{key: np.roll(array, 1) if key[0] == "y" else array for key, array in parts.items()})
    return path


@pytest.mark.parametrize("words", [("verify",), ("export",)])
def test_a_test_set_that_has_changed_is_refused(digitedge, own_run, record, relabelled, words):
    recorded = record()["test"]
    record(test=recorded | {"name": str(relabelled)})
    ended = digitedge(*words)
    assert (ended.code, ended.out) == (3, "")
    assert ended.error == (
        f"{relabelled} is not the data set that tiny was trained with: it has changed. "
        "Put the old one back, or name other images with --data (for int8, with --calibrate too)."
    )


def test_the_way_out_that_it_names_is_one(digitedge, own_run, record, relabelled):
    record(test=record()["test"] | {"name": str(relabelled)})
    assert digitedge("verify", "--data", relabelled).code == 0


def test_training_data_that_have_changed_are_refused_where_int8_needs_them(digitedge, own_run, record, relabelled):
    record(data=record()["data"] | {"name": str(relabelled)})
    ended = digitedge("export", "--int8", "--overwrite")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{relabelled} is not the data set that tiny was trained with: it has changed.")


def test_without_a_test_set_the_held_out_part_judges(digitedge, own_run, record):
    record(test=None)
    ended = digitedge("verify", "--json")
    assert ended.code == 0
    assert ended.document["test_set"] == "validation"
    assert {row["n"] for row in ended.document["results"]} == {48}


def test_a_held_out_part_that_has_changed_is_refused(digitedge, own_run, record):
    record(test=None, validation_sha256="another")
    ended = digitedge("verify")
    assert ended.code == 3
    assert "has changed" in ended.error


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"test": null}', '{"test": {}, "classes": [0,1,2,3,4,5,6,7,8,9]}']
)
def test_a_damaged_train_json_is_3(digitedge, own_run, content):
    (own_run / "train.json").write_text(content)
    for words in (("verify",), ("export",), ("export", "--int8")):
        ended = digitedge(*words)
        assert (ended.code, ended.out) == (3, "")
        assert str(own_run / "train.json") in ended.error


def test_golden_npz_has_no_scores_for_other_data(digitedge, own_run, tiny_data):
    (own_run / "model.keras").unlink()
    ended = digitedge("verify", own_run / "tiny.fp32.onnx", "--data", tiny_data)
    assert ended.code == 2
    assert ended.error.startswith(f"{own_run / 'golden.npz'} holds the scores of its own images only.")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"garbage"])
def test_a_damaged_golden_npz_is_3(digitedge, own_run, content):
    (own_run / "model.keras").unlink()
    (own_run / "golden.npz").write_bytes(content)
    ended = digitedge("verify", own_run / "tiny.fp32.onnx")
    assert ended.code == 3
    assert ended.error.startswith(str(own_run / "golden.npz"))


def test_nothing_to_compare_with_is_3(digitedge, own_run):
    (own_run / "model.keras").unlink()
    (own_run / "golden.npz").unlink()
    ended = digitedge("verify")
    assert ended.code == 3
    assert ended.error == (
        f"{own_run} holds neither model.keras nor golden.npz: there is nothing to compare with. "
        "Name the original with --reference FILE."
    )


@pytest.mark.parametrize(
    ("shape", "highest", "sentence"),
    [
        ((4, 8, 8), 9, "the model takes 28x28x1 images and those of mine.npz are 8x8x1."),
        ((4, 28, 28, 3), 9, "the model takes 28x28x1 images and those of mine.npz are 28x28x3."),
        ((4, 28, 28), 2, "the model knows 10 classes and mine.npz has 3."),
    ],
)
def test_data_that_do_not_fit_the_model_are_3(digitedge, own_run, tmp_path, *, shape, highest, sentence):
    np.savez(tmp_path / "mine.npz", images=np.zeros(shape, np.uint8), labels=np.array([0, 1, 2, highest]))
    ended = digitedge("verify", "--data", "mine.npz")
    assert (ended.code, ended.out) == (3, "")
    assert sentence in ended.error.replace(f"{tmp_path}/", "")


def test_a_data_source_is_recorded_by_name_or_by_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.npz").touch()
    (tmp_path / "mnist").mkdir()
    assert lasting("mnist") == "mnist", "a built-in name wins over a folder of that name"
    assert lasting("./mnist") == str(tmp_path / "mnist")
    assert lasting("mine.npz") == str(tmp_path / "mine.npz")
    assert lasting("gone.npz") == "gone.npz"


def test_seeded_images_are_the_same_for_ever():
    images = seeded_images((2, 2, 1))
    assert (images.shape, images.dtype) == ((INPUTS, 2, 2, 1), np.uint8)
    assert images[:2].ravel().tolist() == [172, 10, 127, 140, 47, 170, 196, 151]


@pytest.fixture
def sized_run(digitedge, tiny_digits, tmp_path):
    """Path of a run that was trained with --size 28x32 on small.npz, and exported for ONNX."""
    train = tiny_digits.train.take(slice(200))
    np.savez(tmp_path / "small.npz", images=train.images[:, 4:24, 4:24], labels=train.labels)
    words = ("--model", ARCHITECTURE, "--data", "small.npz", "--size", "28x32", "--epochs", "1", "--out", "runs/sized")
    assert digitedge("train", *words).code == 0
    assert digitedge("export", "--to", "onnx").code == 0
    return tmp_path / "runs" / "sized"


def test_a_run_with_a_size_reads_its_images_at_that_size_again_and_says_so(digitedge, sized_run, tmp_path):
    said = f"200 of 200 images of {tmp_path / 'small.npz'} resized to 28x32 (height x width)\n"
    verified = digitedge("verify", "--json")
    assert (verified.code, verified.document["test_set"]) == (0, "validation")
    exported = digitedge("export", "--int8", "--to", "onnx")
    assert exported.code == 0
    for ended in (verified, exported):
        assert ended.err.count(said) == 1


def test_other_data_are_brought_to_the_size_of_the_run(digitedge, sized_run, tiny_digits, tmp_path):
    test = tiny_digits.test.take(slice(40))
    np.savez(tmp_path / "mine.npz", images=test.images, labels=test.labels)
    said = f"40 of 40 images of {tmp_path / 'mine.npz'} resized to 28x32 (height x width)\n"
    verified = digitedge("verify", "--data", "mine.npz", "--json")
    assert verified.code == 0
    assert verified.document["results"][0]["n"] == 40
    assert verified.err.count(said) == 1
    words = ("--int8", "--to", "onnx", "--calibrate", "mine.npz", "--overwrite")
    calibrated = digitedge("export", *words, "--json")
    assert calibrated.code == 0
    assert said.replace(str(tmp_path / "mine.npz"), "mine.npz") in calibrated.err
    judged = digitedge("export", "--to", "onnx", "--data", "mine.npz")
    assert judged.code == 0
    assert judged.err.count(said) == 1


def test_data_of_the_size_of_the_run_need_no_word(digitedge, sized_run, tmp_path):
    np.savez(tmp_path / "fit.npz", images=np.zeros((4, 28, 32), np.uint8), labels=np.array([0, 1, 2, 9]))
    ended = digitedge("verify", "--data", "fit.npz")
    assert ended.code == 0
    assert "resized" not in ended.err


def test_where_no_run_says_a_size_other_images_are_still_refused(digitedge, sized_run, tmp_path):
    original = shutil.copy(sized_run / "model.keras", tmp_path / "mine.keras")
    ended = digitedge("export", original, "--data", "small.npz")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith("the model takes 28x32x1 images and those of")


@pytest.mark.parametrize("size", ["big", 28, [28, 32], True])
def test_a_size_that_is_none_in_train_json_is_3(digitedge, own_run, record, size):
    config = record()["config"]
    record(config=config | {"size": size})
    ended = digitedge("verify")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{own_run / 'train.json'} cannot be understood: ")


def test_the_images_that_judge_depend_on_the_recorded_size(digitedge, own_run, record):
    """The negative control: another size makes other images of the same data."""
    record(config=record()["config"] | {"size": "20"})
    ended = digitedge("verify")
    assert ended.code == 3
    assert "is not the data set that tiny was trained with: it has changed." in ended.error
