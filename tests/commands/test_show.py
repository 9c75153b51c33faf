"""digitedge show."""

import gzip
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from digitedge.config import AUGMENTATIONS
from digitedge.report.sheet import CAPTION, GAP, MARGIN, TILE

KEYS = {"schema_version", "command", "digitedge", "machine", "data", "labels", "augmentation", "picture"}


def test_the_first_five_digits_of_mnist_by_default(digitedge, tmp_path):
    ended = digitedge("show", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.document.keys() >= KEYS
    assert ended.document["labels"] == ["5", "0", "4", "1", "9"]
    assert ended.document["picture"] == str(tmp_path / "show.png")
    with Image.open(tmp_path / "show.png") as picture:
        assert picture.format == "PNG"


def test_the_default_picture_is_replaced(digitedge, tmp_path):
    (tmp_path / "show.png").write_text("old")
    assert digitedge("show").code == 0
    assert (tmp_path / "show.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_the_user_named_is_not(digitedge, tmp_path):
    (tmp_path / "mine.png").write_text("old")
    ended = digitedge("show", "--out", "mine.png")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "mine.png exists already. Add --overwrite to replace it, or choose another output."
    assert (tmp_path / "mine.png").read_text() == "old"
    assert digitedge("show", "--out", "mine.png", "--overwrite").code == 0
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")


def test_unlabelled_images_have_no_labels(digitedge, tmp_path):
    (tmp_path / "digits.csv").write_text("pixel0,pixel1,pixel2,pixel3\n0,255,0,255\n")
    document = digitedge("show", "--data", "digits.csv", "--json").document
    assert document["labels"] == [None]
    assert document["data"] == str(tmp_path / "digits.csv")


def test_colour_images_are_shown(digitedge, tmp_path):
    images = np.zeros((2, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "colour.npz", images=images, labels=np.array([0, 1]))
    assert digitedge("show", "--data", "colour.npz", "--json").document["labels"] == ["0", "1"]


def test_a_folder_of_several_sizes_is_shown_at_the_one_that_is_asked_for(digitedge, tmp_path):
    for label, side in (("a", 6), ("b", 9)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        Image.new("L", (side, side)).save(tmp_path / "photos" / label / "1.png")
    refused = digitedge("show", "--data", "photos")
    assert refused.code == 3
    assert refused.error.endswith("Bring all to one size and one kind, or train with --size.")
    ended = digitedge("show", "--data", "photos", "--size", "6")
    assert ended.code == 0
    assert ended.err == "1 of 2 images of photos resized to 6x6\n"


def test_limit_is_how_many(digitedge):
    assert len(digitedge("show", "--limit", "12", "--json").document["labels"]) == 12


def tile(picture, row, column):
    """The pixels of one image of a sheet, without its caption."""
    left, top = MARGIN + column * (TILE + GAP), MARGIN + row * (TILE + CAPTION + GAP)
    return np.asarray(picture)[top : top + TILE, left : left + TILE]


def test_augment_draws_beside_each_image_what_training_sees_of_it(digitedge, tmp_path):
    plain = digitedge("show", "--limit", "3", "--out", "plain.png", "--json").document
    document = digitedge("show", "--limit", "3", "--augment", "digits", "--json").document
    assert plain["augmentation"] is None
    assert document["augmentation"] == asdict(AUGMENTATIONS["digits"])
    assert document["labels"] == plain["labels"] == ["5", "0", "4"]
    with Image.open(tmp_path / "plain.png") as before, Image.open(tmp_path / "show.png") as picture:
        columns, rows = 6, 3
        assert picture.size == (
            2 * MARGIN + columns * TILE + (columns - 1) * GAP,
            2 * MARGIN + rows * (TILE + CAPTION) + (rows - 1) * GAP,
        )
        for row in range(rows):
            np.testing.assert_array_equal(tile(picture, row, 0), tile(before, 0, row))
            seen = {tile(picture, row, column).tobytes() for column in range(columns)}
            assert len(seen) == columns, "every epoch sees another image"


def test_augment_says_so_in_the_table(digitedge):
    ended = digitedge("show", "--augment", "photo")
    assert ended.code == 0
    assert "each as it is, then as training sees it" in ended.out
    assert "as training sees it" not in digitedge("show").out


def test_none_changes_nothing(digitedge, tmp_path):
    document = digitedge("show", "--limit", "1", "--augment", "none", "--json").document
    assert set(document["augmentation"].values()) == {0.0}
    with Image.open(tmp_path / "show.png") as picture:
        for column in range(1, 6):
            np.testing.assert_array_equal(tile(picture, 0, column), tile(picture, 0, 0))


def test_a_knob_turns_what_the_preset_says(digitedge):
    document = digitedge("show", "--augment", "digits", "--shift", "0.3", "--flip", "--json").document
    assert document["augmentation"] == asdict(AUGMENTATIONS["digits"]) | {"shift": 0.3, "flip": True}


@pytest.mark.parametrize("knob", [("--shift", "0.1"), ("--rotation", "0"), ("--no-flip",), ("--contrast", "0.2")])
def test_a_knob_without_augment_is_refused(digitedge, tmp_path, knob):
    ended = digitedge("show", *knob)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "a change of the images without --augment. Add --augment none, digits or photo."
    assert not (tmp_path / "show.png").exists()


def test_a_knob_out_of_range_is_refused(digitedge, tmp_path):
    ended = digitedge("show", "--augment", "digits", "--zoom", "1.5")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "--zoom is 1.5. It must be at least 0 and below 1."
    assert not (tmp_path / "show.png").exists()


def test_colour_images_without_labels_are_augmented_too(digitedge, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8)
    np.savez(tmp_path / "colour.npz", images=images)
    document = digitedge("show", "--data", "colour.npz", "--augment", "photo", "--json").document
    assert (document["labels"], document["augmentation"]["flip"]) == ([None, None], True)
    with Image.open(tmp_path / "show.png") as picture:
        assert picture.width == 2 * MARGIN + 6 * TILE + 5 * GAP


def test_augmentation_without_tensorflow_is_4_with_the_pip_command(process, ended, tmp_path):
    done = ended(process("show", "--augment", "digits", without=["tensorflow"]))
    assert (done.code, done.out) == (4, "")
    assert done.error == ('tensorflow is not installed; augmentation needs it. Type: pip install "digitedge[train]"')
    assert ended(process("show", without=["tensorflow"])).code == 0, "without augmentation nothing needs it"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("d.csv", None, "d.csv does not exist."),
        ("d.csv", b"", "d.csv is empty."),
        ("d.csv", b"label,pixel0\n1\n", "d.csv, line 2 has 1 columns, and the header 2."),
        ("d.csv", b"label,pixel0\n1,x\n", "d.csv, line 2 has the pixel 'x'."),
        ("d.csv", b"label,pixel0\n0,1\n1,300\n", "d.csv, line 3 has the pixel '300'."),
        ("d.csv", b"label,pixel0\n-1,0\n", "d.csv, line 2 has the label '-1'."),
        ("d.csv", b"label,pixel0\n2.5,0\n", "d.csv, line 2 has the label '2.5'."),
        ("d.npz", b"garbage", "d.npz is not an .npz file."),
        ("d.npz", b"PK\x03\x04garbage", "d.npz cannot be read"),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"\x00\x00\x08\x03", mtime=0), "train-images-idx3-ubyte.gz"),
        ("d.txt", b"text", "d.txt is not a data set of a kind that is read."),
    ],
)
def test_data_that_cannot_be_read_is_3_and_writes_nothing(digitedge, tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended = digitedge("show", "--data", name)
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(sentence)
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "show.png").exists()


def test_an_unknown_name_lists_the_choices(digitedge):
    ended = digitedge("show", "--data", "mnits")
    assert ended.code == 2
    assert ended.error == "unknown data set: mnits. Did you mean mnist? Choose from: mnist, mnist-kaggle."


def test_a_folder_that_cannot_be_written_is_2(digitedge, tmp_path):
    (tmp_path / "file").touch()
    ended = digitedge("show", "--out", "file/picture.png")
    assert ended.code == 2
    assert (
        ended.error == "file/picture.png cannot be written: a file is in the way. Choose a folder that you may write."
    )
