import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from digitedge import images
from digitedge.data import picture_files
from digitedge.data.picture_files import PictureFiles, headers, spelled
from digitedge.errors import ContentError

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 6, 5, 3), np.uint8)


def save(folder, pixels):
    """Paths of PNG files with these images."""
    paths = [folder / f"{number}.png" for number in range(len(pixels))]
    for path, image in zip(paths, pixels, strict=True):
        PIL.Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(path)
    return paths


def files_of(paths, shape=None):
    stored = headers(paths)
    return PictureFiles(np.array(paths, object), stored, shape or tuple(stored[0].tolist()))


@pytest.fixture
def files(tmp_path):
    return files_of(save(tmp_path, PIXELS))


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def threads(request, monkeypatch):
    monkeypatch.setattr(picture_files, "_threads", lambda _: request.param)


def test_they_say_what_an_array_would(files):
    assert (files.shape, files.dtype, files.ndim, len(files)) == (PIXELS.shape, PIXELS.dtype, PIXELS.ndim, len(PIXELS))
    assert files.nbytes == PIXELS.nbytes


@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(2, 5),
        slice(7, 99),
        slice(None, None, -2),
        slice(3, 3),
        np.array([4, 0, 4, -1]),
        np.array([], np.int64),
        0,
        -1,
        np.int64(3),
    ],
    ids=str,
)
def test_an_index_gives_what_it_gives_of_an_array(files, threads, key):
    found = files[key]
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, PIXELS[key], strict=True)


@pytest.mark.parametrize("key", [9, -10, np.array([0, 9])])
def test_an_index_beyond_the_end_is_an_index_error(files, key):
    with pytest.raises(IndexError):
        files[key]


def test_they_are_walked_through_in_blocks(files, monkeypatch):
    monkeypatch.setattr(images, "BLOCK_BYTES", 2 * 6 * 5 * 3)
    for found, image in zip(files, PIXELS, strict=True):
        np.testing.assert_array_equal(found, image, strict=True)


def test_taking_some_reads_none(files):
    for path in files.paths:
        path.unlink()
    taken = files.take(np.array([5, 1])).take(slice(1))
    assert taken.shape == (1, 6, 5, 3)
    with pytest.raises(ContentError, match=r"5.png does not exist"):
        taken[:]


def test_taking_of_what_was_taken_keeps_the_order(files):
    order = np.random.default_rng(1).permutation(9)
    np.testing.assert_array_equal(files.take(order).take(slice(3, 7))[:], PIXELS[order][3:7])


@pytest.mark.parametrize("whole", [np.asarray, np.array, np.ascontiguousarray])
def test_they_never_become_an_array_by_accident(files, whole):
    with pytest.raises(TypeError, match="read as they are needed: take a slice"):
        whole(files)


def test_pictures_that_differ_are_made_alike_as_they_are_read(tmp_path, threads):
    grey = np.full((1, 6, 5, 1), 7, np.uint8)
    paths = [*save(tmp_path, PIXELS[:1]), grey_path := tmp_path / "grey.png"]
    PIL.Image.fromarray(grey[0, ..., 0]).save(grey_path)
    files = files_of(paths, (3, 5, 3))
    assert files.changes() == [
        *["resized to 3x5 (height x width)", "stretched to other proportions"] * 2,
        "converted from grey to RGB",
    ]
    assert files[:].shape == (2, 3, 5, 3)
    assert np.unique(files[1]).tolist() == [7]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_headers_say_what_is_decoded(tmp_path, mode):
    path = tmp_path / "x.png"
    PIL.Image.new("RGB", (5, 4), (200, 10, 10)).convert(mode).save(path)
    files = files_of([path])
    assert files[0].shape == tuple(headers([path])[0].tolist()) == (4, 5, 3 if mode in ("P", "RGB") else 1)


def test_headers_of_no_pictures_are_none():
    assert headers([]).shape == (0, 3)


def test_a_picture_damaged_since_is_named_when_it_is_read(files, threads):
    path = files.paths[4]
    path.write_bytes(path.read_bytes()[:-20])
    np.testing.assert_array_equal(files[:4], PIXELS[:4])
    for key in (4, slice(None), np.array([8, 4])):
        with pytest.raises(ContentError) as caught:
            files[key]
        assert str(caught.value).startswith(f"{path} cannot be decoded: ")
        assert str(caught.value).endswith("It is damaged: save or copy it again.")


@pytest.mark.parametrize(
    ("pixels", "found"), [(np.zeros((5, 6, 3), np.uint8), "6x5 RGB"), (np.zeros((6, 5), np.uint8), "5x6 grey")]
)
def test_a_picture_replaced_since_by_one_of_another_kind_is_refused(files, pixels, found):
    path = files.paths[0]
    PIL.Image.fromarray(pixels).save(path)
    with pytest.raises(ContentError) as caught:
        files.take(slice(1))[:]
    assert str(caught.value) == f"{path} was 5x6 RGB and is {found} now. It has changed meanwhile: start again."


def test_large_pictures_are_decoded_by_several_threads_and_small_ones_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_files.os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    paths = save(tmp_path, PIXELS)
    large = np.full((9, 3), (1200, 1600, 3), np.int32)
    for stored, number in ((headers(paths), 1), (large, 8), (large[:2], 2), (large[:0], 1)):
        assert picture_files._threads(PictureFiles(np.array(paths, object)[: len(stored)], stored, (8, 8, 3))) == number


def test_sizes_for_people_are_width_times_height():
    assert (spelled((2, 3, 1)), spelled([2, 3, 3])) == ("3x2 grey", "3x2 RGB")


READS = """
import sys
from pathlib import Path
from digitedge.data import folder, memory

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024

memory.resident_limit_bytes = lambda: int(sys.argv[2])
before = peak()
train = folder.read(sys.argv[1]).train
train.sha256
print(train.images.nbytes, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_a_folder_larger_than_the_limit_is_never_in_memory_as_a_whole(tmp_path):
    for name in "ab":
        first = tmp_path / name / "0.png"
        first.parent.mkdir()
        PIL.Image.new("RGB", (600, 600), (9, 8, 7)).save(first)
        for number in range(1, 120):
            first.with_name(f"{number}.png").hardlink_to(first)

    def growth(limit):
        command = [sys.executable, "-c", READS, str(tmp_path), str(limit)]
        env = {"PYTHONPATH": ":".join(filter(None, sys.path))}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
        return map(int, done.stdout.split())

    decoded, lazily = growth(200 * 10**6)
    assert decoded == 240 * 600 * 600 * 3 > 250 * 10**6
    assert lazily < 110 * 10**6
    _, at_once = growth(300 * 10**6)
    assert at_once > decoded, "the measurement would not notice"
