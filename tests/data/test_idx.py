import contextlib
import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitedge.data import idx, memory
from digitedge.errors import ContentError

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([2, 0, 1], np.uint8)


def as_idx(array):
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_pair(folder, part="train", *, images=IMAGES, labels=LABELS, mark="-", suffix=""):
    zipped = gzip.compress if suffix else bytes
    path = folder / f"{part}-images{mark}idx3-ubyte{suffix}"
    path.write_bytes(zipped(as_idx(images)))
    (folder / f"{part}-labels{mark}idx1-ubyte{suffix}").write_bytes(zipped(as_idx(labels)))
    return path


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_what_is_written_as_idx_is_parsed_back(array):
    parsed = idx.parse(as_idx(array), "x")
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, array, strict=True)


@given(st.binary(max_size=64))
def test_any_other_bytes_are_refused_and_never_misread(data):
    with contextlib.suppress(ContentError):
        assert as_idx(idx.parse(data, "x")) == data


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_file_of_images_finds_its_labels(tmp_path, mark, suffix):
    source = str(write_pair(tmp_path, mark=mark, suffix=suffix))
    assert idx.accepts(source)
    splits = idx.read(source)
    assert splits.test is None
    np.testing.assert_array_equal(splits.train.images[..., 0], IMAGES)
    np.testing.assert_array_equal(splits.train.labels, [2, 0, 1])
    assert (splits.train.classes, splits.train.name) == (("0", "1", "2"), source)


def test_labels_that_were_unzipped_alone_are_found_too(tmp_path):
    source = write_pair(tmp_path, suffix=".gz")
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(gzip.decompress(labels.read_bytes()))
    labels.unlink()
    assert idx.read(str(source)).train.labels.tolist() == [2, 0, 1]


def test_a_folder_gives_both_parts_with_the_same_classes(tmp_path):
    write_pair(tmp_path, labels=np.array([0, 1, 1], np.uint8))
    write_pair(tmp_path, "t10k", suffix=".gz", labels=np.array([4, 0, 0], np.uint8))
    assert idx.accepts(str(tmp_path))
    splits = idx.read(str(tmp_path))
    assert splits.train.classes == splits.test.classes == ("0", "1", "2", "3", "4")
    assert splits.test.labels.tolist() == [4, 0, 0]


def test_a_folder_without_test_images_has_no_test_part(tmp_path):
    write_pair(tmp_path)
    assert idx.read(str(tmp_path)).test is None


def test_of_two_copies_the_one_that_is_not_gzipped_is_read(tmp_path):
    write_pair(tmp_path)
    write_pair(tmp_path, suffix=".gz", images=IMAGES[::-1])
    np.testing.assert_array_equal(idx.read(str(tmp_path)).train.images[..., 0], IMAGES)


def test_a_folder_with_test_images_alone_is_refused(tmp_path):
    write_pair(tmp_path, "t10k")
    with pytest.raises(ContentError, match="holds t10k-images-idx3-ubyte and no train-images-idx3-ubyte"):
        idx.read(str(tmp_path))


def test_labels_named_instead_of_images_are_refused(tmp_path):
    write_pair(tmp_path)
    source = str(tmp_path / "train-labels-idx1-ubyte")
    assert idx.accepts(source)
    with pytest.raises(ContentError, match=r"is not named like a file of images. Name the images"):
        idx.read(source)


def test_images_without_labels_are_refused(tmp_path):
    source = write_pair(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(
        ContentError, match=r"has no labels beside it. Put train-labels-idx1-ubyte into the same folder"
    ):
        idx.read(str(source))


def test_more_labels_than_images_are_refused(tmp_path):
    source = write_pair(tmp_path, labels=np.array([0, 1, 2, 3], np.uint8))
    with pytest.raises(ContentError, match="holds 3 images and train-labels-idx1-ubyte 4 labels"):
        idx.read(str(source))


@pytest.mark.parametrize(
    ("images", "message"),
    [(IMAGES[0], r"shape \(4, 5\). It must have 3 axes"), (IMAGES[:0], r"shape \(0, 4, 5\). It must have 3 axes")],
)
def test_an_array_of_other_axes_is_refused(tmp_path, images, message):
    source = write_pair(tmp_path, images=images)
    with pytest.raises(ContentError, match=message):
        idx.read(str(source))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0\x08", "x is not an IDX file: it starts with 00 00 08"),
        (b"\x89PNG\r\n\x1a\n", "x is not an IDX file: it starts with 89 50 4e 47"),
        (b"\0\0\x08\0", "x is not an IDX file: it starts with 00 00 08 00"),
        (b"\0\0\x0d\x01\0\0\0\0", "x holds values of the IDX type 0x0d. Only bytes"),
        (b"\0\0\x08\x03\0\0\0\x01", "x ends inside its header, after 8 bytes"),
        (as_idx(IMAGES)[:-1], "x says that it holds 3x4x5 bytes, and 59 follow its header"),
        (as_idx(IMAGES) + b"\0", "x says that it holds 3x4x5 bytes, and more follow its header"),
        (struct.pack(">4B3I", 0, 0, 8, 3, *(2**32 - 1,) * 3), "x says that it holds 4294967295x4294967295x4294967295"),
    ],
)
def test_a_header_that_lies_is_refused(data, message):
    with pytest.raises(ContentError, match=message):
        idx.parse(data, "x")


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:-8] + b"\0" * 8])
def test_a_damaged_gzip_is_refused(tmp_path, damage):
    source = write_pair(tmp_path, suffix=".gz")
    source.write_bytes(damage(source.read_bytes()))
    with pytest.raises(ContentError, match=r"train-images-idx3-ubyte.gz cannot be unzipped"):
        idx.read(str(source))


def zipped(folder, data):
    """A pair of which the images unzip to `data`."""
    path = write_pair(folder, suffix=".gz")
    path.write_bytes(gzip.compress(data))
    return str(path)


def header(*shape, kind=8):
    return struct.pack(f">4B{len(shape)}I", 0, 0, kind, len(shape), *shape)


def test_a_bomb_is_unzipped_no_further_than_its_header_says(tmp_path):
    source = zipped(tmp_path, as_idx(IMAGES) + bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="says that it holds 3x4x5 bytes, and more follow its header"):
            idx.read(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_a_bomb_whose_header_is_true_is_refused_where_it_does_not_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    source = zipped(tmp_path, header(2_000, 1_000, 1) + bytes(2_000_000))
    with pytest.raises(ContentError, match=rf"{source} takes 2.0 MB of memory, and 1.0 MB are free\. Divide it"):
        idx.read(source)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            header(2**32 - 1, 2**32 - 1, 2**32 - 1),
            "says that it holds 4294967295x4294967295x4294967295 bytes, and less",
        ),
        (header(9, 28, 28) + bytes(7 * 784), "says that it holds 9x28x28 bytes, and 5488 follow its header"),
        (header(3, 4, 5, kind=0x0D) + bytes(60), "holds values of the IDX type 0x0d. Only bytes"),
        (b"\0\0\x08", "is not an IDX file: it starts with 00 00 08"),
        (b"", "is not an IDX file: it starts with ."),
        (header(3, 4, 5)[:9], "ends inside its header, after 9 bytes"),
    ],
)
def test_a_zipped_header_that_lies_is_refused(tmp_path, data, message):
    source = zipped(tmp_path, data)
    with pytest.raises(ContentError, match=f"{source} {message}"):
        idx.read(source)


@pytest.mark.parametrize("axes", [64, 65, 255])
def test_more_axes_than_an_array_may_have_are_refused(tmp_path, axes):
    source = zipped(tmp_path, header(*[1] * axes) + b"\0")
    message = "It must have 3 axes" if axes == 64 else f"is not an IDX file: it starts with 00 00 08 {axes:02x}"
    with pytest.raises(ContentError, match=message):
        idx.read(source)


def test_nothing_along_one_axis_and_much_along_the_others_is_refused(tmp_path):
    source = zipped(tmp_path, header(0, 2**32 - 1, 2**32 - 1))
    with pytest.raises(ContentError, match=r"shape \(0, 4294967295, 4294967295\)"):
        idx.read(source)
