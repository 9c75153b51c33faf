import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.data import memory, npz
from digitedge.errors import ContentError

GREY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([2, 0, 1], np.uint8)


def write(folder, **arrays):
    path = folder / "x.npz"
    np.savez_compressed(path, **arrays)
    return str(path)


def refusal(source):
    with pytest.raises(ContentError) as caught:
        npz.read(source)
    return str(caught.value)


def test_the_keys_of_keras_give_two_parts(tmp_path):
    source = write(tmp_path, x_train=GREY, y_train=LABELS, x_test=GREY[:1], y_test=np.array([3]))
    splits = npz.read(source)
    np.testing.assert_array_equal(splits.train.images, GREY[..., np.newaxis])
    assert splits.train.labels.tolist() == [2, 0, 1]
    assert splits.train.labels.dtype == np.int64
    assert splits.test.labels.tolist() == [3]
    assert splits.train.classes == splits.test.classes == ("0", "1", "2", "3")


def test_images_and_labels_give_one_part_and_other_keys_do_not_matter(tmp_path):
    splits = npz.read(write(tmp_path, images=GREY, labels=LABELS, scores=np.array([object()], dtype=object)))
    assert splits.test is None
    assert splits.train.labels.tolist() == [2, 0, 1]


def test_images_alone_are_unlabelled(tmp_path):
    train = npz.read(write(tmp_path, images=GREY)).train
    assert (train.labels, train.classes) == (None, ())


def test_colour_images_keep_their_channels(tmp_path):
    colour = np.zeros((3, 4, 5, 3), np.uint8)
    assert npz.read(write(tmp_path, images=colour, labels=LABELS)).train.image_shape == (4, 5, 3)


def test_classes_are_named_by_the_file(tmp_path):
    source = write(tmp_path, images=GREY, labels=LABELS, classes=np.array(["cat", "dog", "emu", "yak"]))
    assert npz.read(source).train.classes == ("cat", "dog", "emu", "yak")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": GREY}, "holds a. It must hold either x_train and y_train, or images and labels."),
        ({"x_train": GREY, "y_train": LABELS, "images": GREY}, "holds x_train, y_train, images. It must hold either"),
        ({"x_test": GREY, "images": GREY}, "holds x_test, images. It must hold either"),
        ({}, "holds nothing. It must hold either"),
        ({"x_train": GREY}, "has no y_train."),
        ({"x_train": GREY, "y_train": LABELS, "x_test": GREY}, "has no y_test."),
        ({"images": GREY / 255}, "images is float64 (3, 4, 5). It must be uint8"),
        ({"images": GREY.astype(np.int8)}, "images is int8 (3, 4, 5). It must be uint8"),
        ({"images": GREY[0]}, "images is uint8 (4, 5). It must be uint8"),
        ({"images": GREY[:0]}, "images is uint8 (0, 4, 5). It must be uint8"),
        ({"images": np.zeros((2, 4, 5, 4), np.uint8)}, "images are uint8 (2, 4, 5, 4)."),
        ({"images": GREY, "labels": LABELS / 2}, "labels is float64 (3,). It must be whole numbers (n,)."),
        ({"images": GREY, "labels": np.eye(3, dtype=int)}, "labels is int64 (3, 3). It must be whole numbers (n,)."),
        ({"images": GREY, "labels": LABELS[:2]}, "3 images and labels of shape (2,)."),
        ({"images": GREY, "labels": np.array([0, 1, -1])}, "labels from -1 to 1."),
        ({"images": GREY, "labels": np.array([0, 1, 2**64 - 1], np.uint64)}, "labels from -1 to 1."),
        (
            {"images": GREY, "labels": LABELS, "classes": np.array(["a", "b"])},
            "labels from 0 to 2. They must be 0 to 1",
        ),
        (
            {"images": GREY, "labels": LABELS, "classes": np.array(["a", "b", "b"])},
            "classes is <U1 (3,). It must be text",
        ),
        ({"images": GREY, "labels": LABELS, "classes": np.array([1, 2, 3])}, "classes is int64 (3,). It must be text"),
        ({"images": GREY, "labels": np.array([], np.int64)}, "labels is int64 (0,). It must be whole numbers (n,)."),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path, arrays, message):
    source = write(tmp_path, **arrays)
    assert message in refusal(source)
    assert source in refusal(source)


@pytest.mark.parametrize("key", ["images", "labels", "classes"])
def test_pickled_objects_are_refused_unread(tmp_path, key):
    source = write(tmp_path, **{"images": GREY, "labels": LABELS, key: np.array([Bomb()] * 3, dtype=object)})
    message = f"{source}: {key} holds pickled Python objects, and reading those could run any code."
    assert refusal(source) == f"{message} Write an array of numbers with numpy.savez_compressed."


class Bomb:
    """Unpickled, it does not come back."""

    def __reduce__(self):
        return exit, (1,)


def test_arrays_that_do_not_fit_are_refused_before_they_are_unzipped(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    source = write(tmp_path, images=np.zeros((2_000, 50, 20), np.uint8), labels=LABELS, other=np.zeros(9_000_000))
    assert refusal(source).startswith(f"{source} takes 2.0 MB of memory, and 1.0 MB are free. Divide it")


def test_an_array_file_with_the_wrong_suffix_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    with path.open("wb") as stream:
        np.save(stream, GREY)
    assert refusal(str(path)) == f"{path} is not an .npz file. Write it with numpy.savez_compressed."


def _archive():
    stream = io.BytesIO()
    np.savez_compressed(stream, images=GREY, labels=LABELS)
    return stream.getvalue()


ARCHIVE = _archive()


@given(st.integers(2, len(ARCHIVE) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_leaves_the_arrays_alone(tmp_path_factory, position, change):
    damaged = bytearray(ARCHIVE)
    damaged[position] ^= change
    path = tmp_path_factory.mktemp("npz") / "x.npz"
    path.write_bytes(damaged)
    with contextlib.suppress(ContentError):
        train = npz.read(str(path)).train
        np.testing.assert_array_equal(train.images[..., 0], GREY)
        assert train.labels is None or train.labels.tolist() == [2, 0, 1]
