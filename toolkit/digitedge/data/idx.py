"""IDX files, the form in which MNIST and its relatives are published, gzipped or not.

A file is two zero bytes, a type code, the number of axes, one big-endian 32-bit size an axis, then the values.
The format is described at the end of http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data import memory
from digitedge.data.labels import numbered
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError
from digitedge.files import read_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "IDX files (train-images-idx3-ubyte with its labels, .gz or not, or the folder that holds them)"

_UINT8 = 0x08
_GZIP_MAGIC = b"\x1f\x8b"
_HIGHEST_RATIO = 1032  # of deflate: https://zlib.net/zlib_tech.html
_MOST_AXES = 64  # of an array of NumPy's
_LONGEST_HEADER = 4 + 4 * _MOST_AXES
_ANY_IDX = re.compile(r"[-.]idx\d-ubyte(\.gz)?$")
# Some copies are named train-images.idx3-ubyte: both marks are in use, and several copies may lie in one folder.
_IMAGES = re.compile(r"(?P<before>.*)images(?P<mark>[-.])idx3-ubyte(?P<gz>\.gz)?")


def accepts(source: str) -> bool:
    """A path named like an IDX file, or a folder that holds the usual training or test images."""
    path = Path(source)
    if path.is_dir():
        return any(_images_in(path, part) for part in ("train", "t10k"))
    return _ANY_IDX.search(path.name) is not None


def read(source: str) -> Splits:
    """Reads one file of images with its labels, or a folder's `train` files and, where there are any, its `t10k` files.

    Where a folder holds the same file twice, the one that is not gzipped is read.

    Raises:
        ContentError: a file is missing or damaged, its header lies, or images and labels do not fit each other.
    """
    path = Path(source)
    if not path.is_dir():
        images, labels = _pair(path)
        return Splits(_dataset(images, labels, numbered(source, labels), source), None)
    train_path, test_path = _images_in(path, "train"), _images_in(path, "t10k")
    if train_path is None:
        message = f"{source} holds {test_path.name if test_path else 'no images'} and no train-images-idx3-ubyte."
        raise ContentError(message, "Add it with its labels, or name the file of images itself.")
    parts = [_pair(found) for found in (train_path, test_path) if found]
    classes = numbered(source, *(labels for _, labels in parts))
    train, *test = (_dataset(images, labels, classes, source) for images, labels in parts)
    return Splits(train, test[0] if test else None)


def parse(data: bytes, name: str) -> NDArray[np.uint8]:
    """The array of an IDX file of bytes, of the shape that its header says; a read-only view of `data`.

    Args:
        data: the whole file, not gzipped.
        name: for error messages.

    Raises:
        ContentError: it is no IDX file, or holds no bytes, or is longer or shorter than its header says.
    """
    start, shape = _layout(data, name)
    said, found = math.prod(shape), len(data) - start
    if said != found:
        raise _lie(name, shape, "more follow" if said < found else f"{found} follow")
    try:
        return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
    except ValueError as error:  # one size is 0, and the product of the others beyond any address
        raise ContentError(f"{name} holds an array of shape {shape}.", "It is damaged: get it again.") from error


def _layout(data: bytes, name: str) -> tuple[int, tuple[int, ...]]:
    """Where the values begin, and the shape that the header says."""
    if len(data) < 4 or data[:2] != b"\0\0" or not 1 <= data[3] <= _MOST_AXES:  # noqa: PLR2004 (the magic number)
        raise ContentError(f"{name} is not an IDX file: it starts with {data[:4].hex(' ')}.", "Get it again.")
    if data[2] != _UINT8:
        message = f"{name} holds values of the IDX type 0x{data[2]:02x}."
        raise ContentError(message, f"Only bytes (0x{_UINT8:02x}) are read.")
    axes = data[3]
    start = 4 + 4 * axes
    if len(data) < start:
        raise ContentError(f"{name} ends inside its header, after {len(data)} bytes.", "Get it again.")
    return start, tuple(int(size) for size in np.frombuffer(data, ">u4", axes, 4))


def _lie(name: str, shape: tuple[int, ...], found: str) -> ContentError:
    sizes = "x".join(str(size) for size in shape)
    message = f"{name} says that it holds {sizes} bytes, and {found} its header."
    return ContentError(message, "It is damaged: get it again.")


def _images_in(folder: Path, part: str) -> Path | None:
    names = [f"{part}-images{mark}idx3-ubyte{suffix}" for suffix in ("", ".gz") for mark in "-."]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _labels_beside(images: Path) -> Path:
    match = _IMAGES.fullmatch(images.name)
    if match is None:
        message = f"{images} is not named like a file of images."
        raise ContentError(
            message, "Name the images, such as train-images-idx3-ubyte; the labels are found beside them."
        )
    labels = images.with_name(f"{match['before']}labels{match['mark']}idx1-ubyte")
    zipped = labels.with_name(f"{labels.name}.gz")
    found = [path for path in ((zipped, labels) if match["gz"] else (labels, zipped)) if path.is_file()]
    if not found:
        raise ContentError(f"{images} has no labels beside it.", f"Put {labels.name} into the same folder.")
    return found[0]


def _pair(images_path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels_path = _labels_beside(images_path)
    images, labels = _array(images_path, axes=3), _array(labels_path, axes=1)
    if len(images) != len(labels):
        message = f"{images_path} holds {len(images)} images and {labels_path.name} {len(labels)} labels."
        raise ContentError(message, "Get both from the same place.")
    return images, labels.astype(np.int64)


def _array(path: Path, *, axes: int) -> NDArray[np.uint8]:
    array = parse(_unzipped(read_bytes(path), path), str(path))
    if array.ndim != axes or not array.size:
        raise ContentError(f"{path} holds an array of shape {array.shape}.", f"It must have {axes} axes, none empty.")
    return array


def _unzipped(data: bytes, path: Path) -> bytes:
    """What is zipped, no further than its header says and one byte: a bomb may be a thousand times as large."""
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            start, shape = _layout(stream.read(_LONGEST_HEADER), str(path))
            promised = start + math.prod(shape)
            if promised > len(data) * _HIGHEST_RATIO:
                raise _lie(str(path), shape, "less can follow")
            memory.require(promised, str(path))
            stream.seek(0)
            return stream.read(promised + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ContentError(f"{path} cannot be unzipped: {error}.", "It is damaged: get it again.") from error


def _dataset(images: NDArray[np.uint8], labels: NDArray[np.int64], classes: tuple[str, ...], source: str) -> Dataset:
    return Dataset(images[..., np.newaxis], labels, classes, source)
