"""Arrays in an .npz file, as Keras and NumPy write them.

Keys: `x_train` and `y_train`, and `x_test` and `y_test` where a part is set apart; or `images` and `labels`, the
labels being left out for unlabelled images. `classes`, an array of text, names the classes. Other keys are not read.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data import memory
from digitedge.data.labels import numbered
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError
from digitedge.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.lib.npyio import NpzFile
    from numpy.typing import NDArray

KIND = "an .npz file (x_train, y_train, x_test, y_test; or images, labels)"

_PAIRS = (("x_train", "y_train"), ("x_test", "y_test"), ("images", "labels"))
_KEYS = {*(key for pair in _PAIRS for key in pair), "classes"}
_ZIP_MAGIC = b"PK"
# What zipfile and NumPy raise for 60,000 randomly damaged files; RuntimeError is an encrypted or foreign compression.
_DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError, MemoryError)


def accepts(source: str) -> bool:
    """A path that ends in .npz, there or not."""
    path = Path(source)
    return path.suffix.lower() == ".npz" and not path.is_dir()


def read(source: str) -> Splits:
    """The images uint8 (n, h, w) or (n, h, w, channels) and the integer labels (n,) under the usual keys.

    Pickled objects are refused: reading one runs the code in it.

    Raises:
        ContentError: the file is missing or damaged, a key is missing, or an array is of another type or shape.
    """
    arrays = _arrays(source)
    pairs = [pair for pair in _PAIRS if pair[0] in arrays]
    images = [_images(arrays, key, source) for key, _ in pairs]
    labels = [_labels(arrays, key, source) for _, key in pairs]
    classes = _classes(arrays, [part for part in labels if part is not None], source)
    train, *test = (Dataset(*part, classes, source) for part in zip(images, labels, strict=True))
    return Splits(train, test[0] if test else None)


def _arrays(source: str) -> dict[str, NDArray[Any]]:
    data = read_bytes(Path(source))
    if not data.startswith(_ZIP_MAGIC):
        raise ContentError(f"{source} is not an .npz file.", "Write it with numpy.savez_compressed.")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            _check_keys(archive.files, source)
            members = {entry.filename.removesuffix(".npy"): entry.file_size for entry in archive.zip.infolist()}
            memory.require(sum(members[key] for key in _KEYS & members.keys()), source)
            return {key: _array(archive, key, source) for key in archive.files if key in _KEYS}
    except _DAMAGE as error:
        message = f"{source} cannot be read: {error}."
        raise ContentError(message, "Write it again with numpy.savez_compressed.") from error


def _array(archive: NpzFile[Any], key: str, source: str) -> NDArray[Any]:
    try:
        return np.asarray(archive[key])
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        message = f"{source}: {key} holds pickled Python objects, and reading those could run any code."
        raise ContentError(message, "Write an array of numbers with numpy.savez_compressed.") from error


def _check_keys(found: Sequence[str], source: str) -> None:
    images = {key for key, _ in _PAIRS} & set(found)
    if images not in ({"x_train"}, {"x_train", "x_test"}, {"images"}):
        message = f"{source} holds {', '.join(found) or 'nothing'}."
        raise ContentError(message, "It must hold either x_train and y_train, or images and labels.")


def _images(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> NDArray[np.uint8]:
    images = arrays[key]
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
        message = f"{source}: {key} is {images.dtype} {images.shape}."
        raise ContentError(message, "It must be uint8 (n, height, width) or (n, height, width, channels), 0 to 255.")
    return images[..., np.newaxis] if images.ndim == 3 else images  # noqa: PLR2004 (n, height, width)


def _labels(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> NDArray[np.int64] | None:
    if key not in arrays:
        if key == "labels":
            return None
        raise ContentError(f"{source} has no {key}.", "Images under x_train and x_test have their labels under y_.")
    labels = arrays[key]
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or not labels.size:
        raise ContentError(f"{source}: {key} is {labels.dtype} {labels.shape}.", "It must be whole numbers (n,).")
    return labels.astype(np.int64)


def _classes(arrays: Mapping[str, NDArray[Any]], labels: list[NDArray[np.int64]], source: str) -> tuple[str, ...]:
    if "classes" not in arrays:
        return numbered(source, *labels) if labels else ()
    classes = arrays["classes"]
    if classes.dtype.kind != "U" or classes.ndim != 1 or len(set(classes.tolist())) != len(classes) or len(classes) < 2:  # noqa: PLR2004
        message = f"{source}: classes is {classes.dtype} {classes.shape}."
        raise ContentError(message, "It must be text (n,): at least two names, no two alike.")
    return tuple(classes.tolist())
