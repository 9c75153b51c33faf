"""digitedge predict."""

import json
import time

import numpy as np
import pytest
from PIL import Image, ImageOps

KEYS = {"schema_version", "command", "digitedge", "machine", "predictions"}
ROW = {"source", "label", "confidence"}


@pytest.fixture
def digits(tiny_digits, tmp_path):
    """Path of a folder with ten pictures, 0.png to 9.png: one digit of each class, white on black."""
    folder = tmp_path / "digits"
    folder.mkdir()
    test = tiny_digits.test
    for label in range(10):
        Image.fromarray(test.images[list(test.labels).index(label), ..., 0]).save(folder / f"{label}.png")
    return folder


def labels_of(ended):
    return [prediction["label"] for prediction in ended.document["predictions"]]


def test_a_folder_with_the_newest_runs_fp32_onnx_file(digitedge, own_run, digits):
    ended = digitedge("predict", "digits", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.document.keys() >= KEYS
    assert [row.keys() >= ROW for row in ended.document["predictions"]] == [True] * 10
    assert labels_of(ended) == [str(label) for label in range(10)]
    assert [row["source"] for row in ended.document["predictions"]] == [str(digits / f"{n}.png") for n in range(10)]
    assert all(0.1 < row["confidence"] <= 1.0 for row in ended.document["predictions"])


def test_the_table(digitedge, own_run, digits):
    ended = digitedge("predict", "digits/3.png")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1].split()[:2] == ["digits/3.png", "3"]
    assert max(map(len, ended.out.splitlines())) <= 100


def test_quiet_is_label_and_picture(digitedge, own_run, digits):
    assert digitedge("predict", "digits/3.png", "--quiet").out == "3  digits/3.png\n"


@pytest.mark.parametrize(
    "name", ["tiny.fp32.onnx", "tiny.int8.onnx", "tiny.fp32.tflite", "tiny.int8.tflite", "model.keras"]
)
def test_every_format_recognises(digitedge, own_run, digits, name):
    assert labels_of(digitedge("predict", "digits", "--model", own_run / name, "--json")) == [str(n) for n in range(10)]


def test_what_is_changed_in_a_picture_is_said(digitedge, own_run, digits):
    with Image.open(digits / "7.png") as picture:
        picture.convert("RGB").resize((280, 280), Image.Resampling.NEAREST).save(digits / "big.jpg", quality=95)
        picture.resize((56, 84)).save(digits / "tall.png")
    ended = digitedge("predict", "digits/big.jpg", "--json")
    assert labels_of(ended) == ["7"]
    assert "resized from 280x280 to 28x28" in ended.err
    ended = digitedge("predict", "digits/tall.png")
    assert ended.err == "digits/tall.png: resized from 56x84 to 28x28 (its proportions change)\n"
    assert digitedge("predict", "digits/tall.png", "--quiet").err == ""


def test_a_colour_picture_is_made_grey_and_said_so(digitedge, own_run, digits):
    with Image.open(digits / "7.png") as picture:
        ImageOps.colorize(picture, "black", "yellow").save(digits / "yellow.png")
    ended = digitedge("predict", "digits/yellow.png", "--json")
    assert labels_of(ended) == ["7"]
    assert ended.err == "digits/yellow.png: converted from RGB to grey\n"


def test_of_many_pictures_the_changes_are_counted(digitedge, own_run, digits):
    for label in range(3):
        with Image.open(digits / f"{label}.png") as picture:
            picture.resize((56, 56)).save(digits / f"{label}.png")
    assert digitedge("predict", "digits").err == "resized from 56x56 to 28x28: 3 of 10 pictures\n"


def test_dark_on_light_needs_invert(digitedge, own_run, digits):
    with Image.open(digits / "7.png") as picture:
        ImageOps.invert(picture).save(digits / "dark.png")
    assert labels_of(digitedge("predict", "digits/dark.png", "--invert", "--json")) == ["7"]
    upright = digitedge("predict", "digits/7.png", "--json").document["predictions"][0]["confidence"]
    assert (
        digitedge("predict", "digits/dark.png", "--invert", "--json").document["predictions"][0]["confidence"]
        == upright
    )


@pytest.mark.parametrize("labelled", [True, False])
def test_a_kaggle_csv_becomes_a_submission(digitedge, table, own_run, tiny_digits, tmp_path, labelled):
    test = tiny_digits.test.take(slice(0, 30))
    table(tmp_path / "test.csv", test.images.reshape(30, -1), test.labels if labelled else None)
    ended = digitedge("predict", "test.csv", "--csv", "result.csv", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.document["csv"] == str(tmp_path / "result.csv")
    lines = (tmp_path / "result.csv").read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in lines[1:]] == [str(number) for number in range(1, 31)]
    assert [line.split(",")[1] for line in lines[1:]] == labels_of(ended)
    assert np.mean([int(label) for label in labels_of(ended)] == test.labels) > 0.9
    assert ended.document["predictions"][0]["source"] == f"{tmp_path / 'test.csv'}#1"


def test_a_csv_may_be_inverted_too(digitedge, table, own_run, tiny_digits, tmp_path):
    test = tiny_digits.test.take(slice(0, 30))
    table(tmp_path / "light.csv", test.images.reshape(30, -1))
    table(tmp_path / "dark.csv", 255 - test.images.reshape(30, -1))
    dark = digitedge("predict", "dark.csv", "--invert", "--json")
    assert labels_of(dark) == labels_of(digitedge("predict", "light.csv", "--json"))


def test_a_long_list_is_cut_and_says_how_to_have_it_all(digitedge, table, own_run, tiny_digits, tmp_path):
    table(tmp_path / "test.csv", tiny_digits.test.images.reshape(200, -1))
    assert "and 180 more; --csv FILE writes them all" in digitedge("predict", "test.csv").out


@pytest.mark.parametrize("option", ["--csv", "--picture"])
def test_a_file_that_the_user_named_is_never_replaced_without_overwrite(digitedge, own_run, digits, tmp_path, option):
    (tmp_path / "mine").write_text("precious")
    ended = digitedge("predict", "digits", option, "mine")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: mine exists already. Add --overwrite to replace it, or choose another output.\n"
    assert (tmp_path / "mine").read_text() == "precious"
    assert digitedge("predict", "digits", option, "mine", "--overwrite").code == 0
    assert (tmp_path / "mine").read_bytes() != b"precious"


@pytest.mark.parametrize("sources", [["digits"], ["test.csv"]])
def test_the_picture_is_a_png(digitedge, table, own_run, digits, tiny_digits, tmp_path, *, sources):
    table(tmp_path / "test.csv", tiny_digits.test.images.reshape(200, -1))
    ended = digitedge("predict", *sources, "--picture", "sheet.png", "--json")
    assert ended.code == 0
    assert ended.document["picture"] == str(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.format == "PNG"
        assert np.asarray(picture.convert("L")).std() > 0


def test_a_place_that_cannot_be_written_is_2(digitedge, own_run, digits, tmp_path):
    (tmp_path / "file").touch()
    ended = digitedge("predict", "digits", "--csv", "file/result.csv")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "file/result.csv cannot be written: a file is in the way. Choose a folder that you may write."


ZEROS = [0] * 784


@pytest.mark.parametrize(
    ("rows", "labels", "sentence"),
    [
        ([ZEROS, ZEROS[1:]], None, "test.csv, line 3 has 783 columns, and the header 784."),
        ([ZEROS, [*ZEROS, 0]], None, "test.csv, line 3 has 785 columns, and the header 784."),
        ([ZEROS, [*ZEROS[1:], "x"]], None, "test.csv, line 3 has the pixel 'x'."),
        ([["300", *ZEROS[1:]]], None, "test.csv, line 2 has the pixel '300'."),
        ([["1.5", *ZEROS[1:]]], None, "test.csv, line 2 has the pixel '1.5'."),
        ([["", *ZEROS[1:]]], None, "test.csv, line 2 has the pixel ''."),
        ([ZEROS, ZEROS], [1, -1], "test.csv, line 3 has the label '-1'."),
        ([ZEROS, ZEROS], [1, 2.5], "test.csv, line 3 has the label '2.5'."),
    ],
)
def test_a_csv_that_is_wrong_names_the_line(digitedge, table, own_run, tmp_path, *, rows, labels, sentence):
    table(tmp_path / "test.csv", rows, labels)
    ended = digitedge("predict", "test.csv", "--csv", "result.csv")
    assert (ended.code, ended.out) == (3, "")
    assert sentence in ended.error
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "result.csv").exists()


def test_a_csv_of_another_size_is_3(digitedge, table, own_run, tmp_path):
    table(tmp_path / "test.csv", [[0] * 64], pixels=64)
    ended = digitedge("predict", "test.csv")
    assert ended.code == 3
    assert ended.error == "the rows of test.csv are 8x8x1 images and the model takes 28x28x1. Name another --model."


def test_a_csv_of_another_size_is_resized_where_the_run_was_trained_with_a_size(digitedge, table, own_run, tmp_path):
    document = json.loads((own_run / "train.json").read_text())
    document["config"]["size"] = "28"
    (own_run / "train.json").write_text(json.dumps(document))
    table(tmp_path / "test.csv", [[0] * 64], pixels=64)
    ended = digitedge("predict", "test.csv")
    assert ended.code == 0
    assert ended.err == "1 of 1 images of test.csv resized to 28x28\n"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.png", None, "gone.png does not exist."),
        ("bad.png", b"", "bad.png is empty."),
        ("bad.png", b"garbage", "bad.png is not a picture"),
        ("bad.png", b"\x89PNG\r\n\x1a\ncut off", "bad.png"),
        ("notes.txt", b"text", "notes.txt is not a picture"),
        ("gone.csv", None, "gone.csv does not exist."),
        ("bad.csv", b"", "bad.csv is empty."),
    ],
)
def test_what_is_no_picture_is_3(digitedge, own_run, tmp_path, *, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended = digitedge("predict", name)
    assert (ended.code, ended.out) == (3, "")
    assert sentence in ended.error
    assert len(ended.err.splitlines()) == 1


def test_an_empty_folder_is_3(digitedge, own_run, tmp_path):
    (tmp_path / "empty").mkdir()
    ended = digitedge("predict", "empty")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith("empty holds no pictures.")


def test_a_csv_and_pictures_do_not_mix(digitedge, table, own_run, digits, tmp_path):
    table(tmp_path / "test.csv", [ZEROS])
    ended = digitedge("predict", "test.csv", "digits")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "test.csv is a CSV and cannot be mixed with other inputs. Name it alone."


def test_no_run_at_all_is_3(digitedge, digits, tmp_path):
    ended = digitedge("predict", "digits")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"error: there is no run in {tmp_path / 'runs'}. Type: digitedge train\n"


def test_a_run_without_an_fp32_onnx_file_is_3(digitedge, own_run, digits):
    (own_run / "manifest.json").unlink()
    ended = digitedge("predict", "digits")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error == f"{own_run} holds no fp32 ONNX file. Type: digitedge export {own_run}"


def test_the_newest_runs_file_that_was_changed_is_refused(digitedge, own_run, digits):
    path = own_run / "tiny.fp32.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ended = digitedge("predict", "digits")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{path} has changed since it was exported")


def test_a_model_that_is_none_is_3(digitedge, digits, tmp_path):
    (tmp_path / "mine.onnx").write_bytes(b"garbage")
    ended = digitedge("predict", "digits", "--model", "mine.onnx")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{tmp_path / 'mine.onnx'} is not an ONNX model")


def test_a_folder_is_a_model_by_its_fp32_onnx_file(digitedge, own_run, digits):
    assert labels_of(digitedge("predict", "digits", "--model", own_run, "--json")) == [str(n) for n in range(10)]


def test_scores_that_are_no_numbers_are_3(digitedge, own_run, digits, monkeypatch):
    monkeypatch.setattr("digitedge.runtime.loading.score", lambda _, images: np.full((len(images), 10), np.nan))
    ended = digitedge("predict", "digits")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"the model gives no finite number for {digits / '0.png'}.")


def test_without_onnx_runtime_it_is_4_with_the_pip_command(process, ended, own_run, digits):
    done = ended(process("predict", "digits", without=["onnxruntime"]))
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        'error: onnxruntime is not installed; running an .onnx file needs it. Type: pip install "digitedge[cpu]"\n'
    )


def test_on_a_device_it_needs_onnx_runtime_alone_and_is_quick(process, ended, own_run, digits, workstation):
    started = time.perf_counter()
    done = ended(process("predict", "digits/7.png", "--json", without=workstation))
    seconds = time.perf_counter() - started
    assert labels_of(done) == ["7"]
    assert seconds < 6.0, "1.2 on a quiet machine"


def test_a_file_that_gives_labels_is_not_sure_of_anything(digitedge, label_file, digits, tmp_path):
    ended = digitedge("predict", "digits", "--model", label_file, "--picture", "labels.png", "--json")
    assert labels_of(ended) == [str(n) for n in range(10)]
    assert {row["confidence"] for row in ended.document["predictions"]} == {None}
    assert (tmp_path / "labels.png").exists()
    assert digitedge("predict", "digits/3.png", "--model", label_file).out.splitlines()[1].split()[1:] == ["3", "–"]  # noqa: RUF001
