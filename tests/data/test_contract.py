"""What holds for every data source: each file of digitedge/data that defines `read`."""

import gzip
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from digitedge.data.loading import kinds, load
from digitedge.data.sizing import fitted
from digitedge.errors import ContentError
from digitedge.registry import entries

SOURCES = entries("digitedge.data", "read")
LABELS = [0, 1, 1, 0]
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 6, 6), np.uint8)


def make_csv(folder):
    rows = [["label", *(f"pixel{i}" for i in range(36))]]
    rows += [[label, *image.ravel()] for label, image in zip(LABELS, IMAGES, strict=True)]
    path = folder / "x.csv"
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def make_folder(folder):
    for number, (label, image) in enumerate(zip(LABELS, IMAGES, strict=True)):
        (folder / "x" / f"{label}").mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(folder / "x" / f"{label}" / f"{number}.png")
    return folder / "x"


def make_idx(folder):
    header = struct.pack(">4B3I", 0, 0, 8, 3, *IMAGES.shape)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + IMAGES.tobytes()))
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes(LABELS))
    return folder / "train-images-idx3-ubyte.gz"


def make_npz(folder):
    path = folder / "x.npz"
    np.savez_compressed(path, images=IMAGES, labels=LABELS)
    return path


# A tiny source of each kind. A new file in digitedge/data needs its line here, and is then held to all that follows.
MAKERS = {"csv": make_csv, "folder": make_folder, "idx": make_idx, "npz": make_npz}
BUILT_IN = {"mnist"}  # their content is fixed: tests/data/test_mnist.py damages it

on_each_file_source = pytest.mark.parametrize("kind", sorted(MAKERS))


def files_of(path):
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def test_every_source_is_held_to_the_contract():
    assert set(SOURCES) == set(MAKERS) | BUILT_IN


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_a_source_says_what_it_reads(kind):
    assert SOURCES[kind].KIND in kinds()
    assert (kind in BUILT_IN) == bool(getattr(SOURCES[kind], "NAMES", ()))


@pytest.mark.parametrize("name", [name for kind in sorted(BUILT_IN) for name in SOURCES[kind].NAMES])
def test_exactly_one_source_accepts_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert [kind for kind, module in SOURCES.items() if module.accepts(name)] == ["mnist"]


@on_each_file_source
def test_exactly_one_source_accepts_its_path_and_its_folder(tmp_path, kind):
    path = MAKERS[kind](tmp_path)
    assert [other for other, module in SOURCES.items() if module.accepts(str(path))] == [kind]
    assert len([other for other, module in SOURCES.items() if module.accepts(str(path.parent))]) <= 1


def test_a_folder_that_holds_everything_is_accepted_once(tmp_path):
    for make in MAKERS.values():
        make(tmp_path)
    assert len([kind for kind, module in SOURCES.items() if module.accepts(str(tmp_path))]) == 1


@on_each_file_source
def test_the_images_come_back_as_they_were_written(tmp_path, kind):
    source = str(MAKERS[kind](tmp_path))
    splits = load(source)
    train = splits.train
    order = np.argsort(LABELS, kind="stable") if kind == "folder" else np.arange(4)
    assert splits.test is None
    assert (train.images.dtype, train.labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(train.images, IMAGES[order][..., np.newaxis])
    assert train.labels.tolist() == [LABELS[index] for index in order]
    assert (train.classes, train.name) == (("0", "1"), source)


@on_each_file_source
def test_every_kind_gives_the_same_digest_for_the_same_images(tmp_path, kind):
    reference = load(str(make_npz(tmp_path))).train
    order = np.argsort(LABELS, kind="stable") if kind == "folder" else np.arange(4)
    assert load(str(MAKERS[kind](tmp_path))).train.sha256 == reference.take(order).sha256


@on_each_file_source
@pytest.mark.parametrize("size", [(3, 3), (9, 5)])
def test_every_kind_is_resized_alike(tmp_path, kind, size):
    order = np.argsort(LABELS, kind="stable") if kind == "folder" else np.arange(4)
    source = str(MAKERS[kind](tmp_path))
    sized = load(source, size).train
    reference = [fitted(image[..., np.newaxis], size)[0] for image in IMAGES[order]]
    np.testing.assert_array_equal(sized.images, np.stack(reference))
    assert sized.labels.tolist() == [LABELS[index] for index in order]
    assert sized.changes[0].startswith(f"4 of 4 images of {source} resized to {size[0]}x{size[1]}")
    assert load(source, (6, 6)).train.changes == load(source).train.changes == ()


@on_each_file_source
def test_an_empty_file_is_refused_by_name(tmp_path, kind):
    path = MAKERS[kind](tmp_path)
    files_of(path)[0].write_bytes(b"")
    with pytest.raises(ContentError, match=f"{files_of(path)[0].name} is empty"):
        load(str(path))


@on_each_file_source
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_by_name(tmp_path, kind, part):
    path = MAKERS[kind](tmp_path)
    file = files_of(path)[0]
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * part)])
    with pytest.raises(ContentError, match=file.name):
        load(str(path))


@on_each_file_source
def test_bytes_of_another_kind_are_refused_by_name(tmp_path, kind):
    path = MAKERS[kind](tmp_path)
    file = files_of(path)[0]
    file.write_bytes(b"\x7fELF" + bytes(range(256)))
    with pytest.raises(ContentError, match=file.name):
        load(str(path))


@on_each_file_source
def test_a_source_that_is_gone_is_refused_by_name(tmp_path, kind):
    path = MAKERS[kind](tmp_path)
    moved = path.rename(tmp_path / "moved")
    assert isinstance(moved, Path)
    with pytest.raises(ContentError, match="does not exist"):
        load(str(path))
