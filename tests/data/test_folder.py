from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from digitedge.data import folder, memory
from digitedge.data.picture_files import PictureFiles
from digitedge.errors import ContentError

CURE = "Bring all to one size and one kind, or train with --size."


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
            "{source}/b/1.png is 5x3 grey, and {source}/a/1.png is 4x3 grey. {cure}",
        ),
        (
            {"a/1.png": 1, "b/1.png": PIL.Image.new("RGB", (4, 3))},
            "{source}/b/1.png is 4x3 RGB, and {source}/a/1.png is 4x3 grey. {cure}",
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
            "{source}: train holds 4x3 grey pictures and test 8x8 grey. {cure}",
        ),
    ],
)
def test_a_folder_that_is_not_one_data_set_is_refused(tmp_path, files, message):
    source = make(tmp_path, files)
    assert message.format(source=source, cure=CURE) in refusal(source)


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


def colour(size, value):
    return PIL.Image.new("RGB", size, value)


def test_with_a_size_pictures_may_differ_and_every_change_is_counted(tmp_path):
    files = {"a/1.png": 1, "a/2.png": PIL.Image.new("L", (8, 6), 2), "b/1.png": PIL.Image.new("L", (9, 9), 3)}
    source = make(tmp_path, files)
    train = folder.read_sized(source, (3, 4)).train
    assert train.images.shape == (3, 3, 4, 1)
    assert train.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert train.labels.tolist() == [0, 0, 1]
    assert train.changes == (
        f"2 of 3 images of {source} resized to 3x4 (height x width)",
        f"1 of 3 images of {source} stretched to other proportions",
    )


def test_with_a_size_all_become_colour_where_one_is(tmp_path):
    source = make(tmp_path, {"a/1.png": 7, "a/2.png": 9, "b/1.png": colour((4, 3), (255, 0, 0))})
    train = folder.read_sized(source, (3, 4)).train
    assert train.images[:, 0, 0].tolist() == [[7, 7, 7], [9, 9, 9], [255, 0, 0]]
    assert train.changes == (f"2 of 3 images of {source} converted from grey to RGB",)


def test_with_a_size_grey_stays_grey_and_what_fits_is_not_touched(tmp_path):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 2})
    plain, sized = folder.read(source).train, folder.read_sized(source, (3, 4)).train
    assert sized.sha256 == plain.sha256
    assert sized.changes == ()


@pytest.mark.parametrize("grey", ["train", "test"])
def test_with_a_size_colour_in_one_part_colours_the_other(tmp_path, grey):
    other = {"train": "test", "test": "train"}[grey]
    files = {f"{grey}/a/1.png": 1, f"{grey}/b/1.png": 2}
    files |= {f"{other}/a/1.png": colour((9, 9), (3, 0, 0)), f"{other}/b/1.png": colour((9, 9), (4, 0, 0))}
    splits = folder.read_sized(make(tmp_path, files), (3, 4))
    greys, others = (splits.train, splits.test) if grey == "train" else (splits.test, splits.train)
    assert greys.images[:, 0, 0].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert others.images[:, 0, 0].tolist() == [[3, 0, 0], [4, 0, 0]]
    assert greys.changes == (f"2 of 2 images of {tmp_path / grey} converted from grey to RGB",)
    assert others.changes[0] == f"2 of 2 images of {tmp_path / other} resized to 3x4 (height x width)"


def test_a_size_is_no_pardon_for_what_is_no_data_set(tmp_path):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": PIL.Image.new("LA", (4, 3))})
    with pytest.raises(ContentError, match=r"b/1.png is LA. A data set takes grey or RGB"):
        folder.read_sized(source, (3, 4))


def lazily(monkeypatch, limit=0):
    monkeypatch.setattr(memory, "resident_limit_bytes", lambda: limit)


MIXED = {
    "train/a/1.png": 1,
    "train/a/2.png": PIL.Image.new("L", (8, 6), 2),
    "train/b/1.png": colour((9, 9), (3, 1, 2)),
    "test/a/1.png": 4,
    "test/b/1.png": PIL.Image.new("L", (9, 9), 5),
}


@pytest.mark.parametrize("limit", [5 * 36 - 1, 0])
def test_what_is_larger_than_the_limit_is_read_as_it_is_needed_and_is_the_same(tmp_path, monkeypatch, limit):
    source = make(tmp_path, MIXED)
    lazily(monkeypatch, 5 * 36)  # 3x4 RGB, five of them
    resident = folder.read_sized(source, (3, 4))
    lazily(monkeypatch, limit)
    lazy = folder.read_sized(source, (3, 4))
    for one, other in ((resident.train, lazy.train), (resident.test, lazy.test)):
        assert isinstance(one.images, np.ndarray)
        assert isinstance(other.images, PictureFiles)
        np.testing.assert_array_equal(other.images[:], one.images, strict=True)
        assert other.labels.tolist() == one.labels.tolist()
        assert (other.classes, other.name, other.sha256) == (one.classes, one.name, one.sha256)
        assert other.changes[:-1] == one.changes
    assert lazy.train.changes[-1] == f"{source}/train: 0.0 MB decoded, read from disk as needed"
    assert lazy.test.changes[-1] == f"{source}/test: 0.0 MB decoded, read from disk as needed"


def test_without_a_size_it_is_the_same_too(tmp_path, monkeypatch):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 2})
    resident = folder.read(source).train
    lazily(monkeypatch)
    lazy = folder.read(source).train
    assert isinstance(lazy.images, PictureFiles)
    assert lazy.sha256 == resident.sha256
    assert lazy.changes == (f"{source}: 0.0 MB decoded, read from disk as needed",)


def test_where_nothing_is_known_of_the_memory_all_is_read_at_once(tmp_path, monkeypatch):
    lazily(monkeypatch, None)
    assert isinstance(folder.read(make(tmp_path, {"a/1.png": 1, "b/1.png": 2})).train.images, np.ndarray)


def test_pictures_that_differ_are_refused_by_their_headers_however_many_there_are(tmp_path, monkeypatch):
    lazily(monkeypatch)
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": PIL.Image.new("L", (5, 3))})
    assert refusal(source) == f"{source}/b/1.png is 5x3 grey, and {source}/a/1.png is 4x3 grey. {CURE}"


def test_a_damage_that_no_header_shows_is_told_when_the_picture_is_read(tmp_path, monkeypatch):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 1})
    path = tmp_path / "b/1.png"
    path.write_bytes(path.read_bytes()[:-14])
    message = f"{path} cannot be decoded"
    assert message in refusal(source)
    lazily(monkeypatch)
    train = folder.read(source).train
    assert train.images[:1].shape == (1, 3, 4, 1)
    for reads in (lambda: train.sha256, lambda: train.take(np.array([1])).images[:]):
        with pytest.raises(ContentError, match=message):
            reads()


def test_a_folder_may_not_be_entered(tmp_path, monkeypatch):
    source = make(tmp_path, {"a/1.png": 1, "b/1.png": 1})

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert refusal(source) == f"{source} cannot be read: Permission denied. Check its permissions."
