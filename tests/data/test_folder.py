import numpy as np
import PIL.Image
import pytest

from digitedge.data import folder
from digitedge.errors import ContentError


def make(root, files):
    """Pictures of one grey value each: {"cat/1.png": 5} and, for other kinds, {"cat/1.png": Image}."""
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = PIL.Image.new("L", (4, 3), value) if isinstance(value, int) else value
        image.save(path)
    return str(root)


def refusal(source):
    with pytest.raises(ContentError) as caught:
        folder.read(source)
    return str(caught.value)


def test_sub_folders_are_the_classes_in_sorted_order(tmp_path):
    source = make(tmp_path, {"dog/b.png": 3, "dog/a.png": 2, "cat/x.bmp": 1})
    assert folder.accepts(source)
    splits = folder.read(source)
    assert splits.test is None
    assert splits.train.images.shape == (3, 3, 4, 1)
    assert splits.train.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert splits.train.labels.tolist() == [0, 1, 1]
    assert splits.train.labels.dtype == np.int64
    assert (splits.train.classes, splits.train.name) == (("cat", "dog"), source)


def test_train_and_test_are_the_parts(tmp_path):
    source = make(tmp_path, {"train/a/1.png": 1, "train/b/1.png": 2, "test/a/1.png": 3, "test/b/1.png": 4})
    splits = folder.read(source)
    assert splits.train.images[:, 0, 0, 0].tolist() == [1, 2]
    assert splits.test.images[:, 0, 0, 0].tolist() == [3, 4]
    assert splits.train.classes == splits.test.classes == ("a", "b")


def test_a_class_may_be_called_train(tmp_path):
    assert folder.read(make(tmp_path, {"train/1.png": 1, "plane/1.png": 2})).train.classes == ("plane", "train")


def test_hidden_entries_and_loose_notes_are_not_looked_at(tmp_path):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 2, ".cache/1.png": 3})
    (tmp_path / "README.txt").touch()
    (tmp_path / "a/.DS_Store").touch()
    assert len(folder.read(source).train) == 2


def test_colour_pictures_have_three_channels(tmp_path):
    red = PIL.Image.new("RGB", (4, 3), (255, 0, 0))
    train = folder.read(make(tmp_path, {"a/1.png": red, "b/1.png": red})).train
    assert train.images[0, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/1.png": 1}, "{source} has 1 sub-folder. There must be one a class, at least two."),
        ({"a/1.png": 1, "b/1.png": 1, "x.png": 1}, "{source}/x.png lies outside the classes."),
        (
            {"a/1.png": 1, "b/1.png": PIL.Image.new("L", (5, 3))},
            "{source}/b/1.png is 5x3 grey, and {source}/a/1.png is 4x3 grey. Bring all to one size",
        ),
        (
            {"a/1.png": 1, "b/1.png": PIL.Image.new("RGB", (4, 3))},
            "{source}/b/1.png is 4x3 RGB, and {source}/a/1.png is 4x3 grey. Bring all to one size",
        ),
        (
            {"a/1.png": 1, "b/1.png": PIL.Image.new("LA", (4, 3))},
            "{source}/b/1.png is LA. A data set takes grey or RGB",
        ),
        ({"a/1.png": 1, "b/c/1.png": 1}, "{source}/b/c is not a picture that is read. Those end in .bmp"),
        (
            {"train/a/1.png": 1, "val/a/1.png": 1},
            "{source} holds train, val. Only `train` and `test` together are parts",
        ),
        ({"train/a/1.png": 1}, "{source} holds train. Only `train` and `test` together are parts"),
        (
            {"train/a/1.png": 1, "train/b/1.png": 1, "test/a/1.png": 1, "test/c/1.png": 1},
            "{source}: the class b is in one of train and test only. Put it into both.",
        ),
        (
            {
                "train/a/1.png": 1,
                "train/b/1.png": 1,
                "test/a/1.png": PIL.Image.new("L", (8, 8)),
                "test/b/1.png": PIL.Image.new("L", (8, 8)),
            },
            "{source}: train holds 4x3 grey pictures and test 8x8 grey. Bring all to one size",
        ),
    ],
)
def test_a_folder_that_is_not_one_data_set_is_refused(tmp_path, files, message):
    source = make(tmp_path, files)
    assert message.format(source=source) in refusal(source)


def test_a_class_without_pictures_is_refused(tmp_path):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 1})
    (tmp_path / "b/1.png").unlink()
    assert refusal(source) == f"{source}/b is empty. Put pictures of that class there, or remove it."


def test_a_file_of_an_unread_kind_is_not_left_out_in_silence(tmp_path):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 1, "b/2.tif": 1})
    assert f"{source}/b/2.tif is not a picture that is read" in refusal(source)


def test_a_damaged_picture_is_named(tmp_path):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 1})
    (tmp_path / "b/1.png").write_bytes(b"no picture")
    assert f"{source}/b/1.png is not a picture of a kind that is read" in refusal(source)


def test_a_folder_without_sub_folders_is_not_accepted(tmp_path):
    PIL.Image.new("L", (4, 3)).save(tmp_path / "x.png")
    assert not folder.accepts(str(tmp_path))
    assert not folder.accepts(str(tmp_path / "missing"))
