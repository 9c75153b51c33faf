"""A folder of pictures with one sub-folder a class, whose sorted names are the classes.

Where its sub-folders are exactly `train` and `test`, those are the parts, and the classes lie one level deeper.
Hidden files and folders are not looked at.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data import idx
from digitedge.data.decode import FORMATS
from digitedge.data.pictures import read_stored
from digitedge.data.sizing import counted, fitted
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

KIND = "a folder of pictures, one sub-folder a class"

_PARTS = {"train", "test"}
# Usual names of a part that nothing here reads: a folder of these and no classes is never two classes.
_OTHER_PARTS = {"val", "valid", "validation", "dev"}
_RGB = 3
_CURE = "Bring all to one size and one kind, or train with --size."


def accepts(source: str) -> bool:
    """A folder that has sub-folders, unless it holds IDX files: some copies of those bring sub-folders along."""
    path = Path(source)
    return path.is_dir() and not idx.accepts(source) and any(entry.is_dir() for entry in _visible(path))


def read(source: str) -> Splits:
    """Decodes every picture of every class: uint8 (n, height, width, 1 or 3).

    Raises:
        ContentError: fewer than two classes, an empty one, a file that is no picture or lies outside the classes,
            or pictures that differ in size or colours.
    """
    return _read(source, None)


def read_sized(source: str, size: tuple[int, int]) -> Splits:
    """The same where the pictures may differ: each is brought to `size`, and all to RGB where one is RGB.

    Args:
        source: as `read`.
        size: (height, width).

    Raises:
        ContentError: as `read`, but for differences of size and colours.
    """
    return _read(source, size)


def _read(source: str, size: tuple[int, int] | None) -> Splits:
    root = Path(source)
    names = {entry.name for entry in _folders(root)}
    if names == _PARTS:
        return _parts(root, source, size)
    if "train" in names and names <= _PARTS | _OTHER_PARTS:
        found = ", ".join(sorted(names))
        hint = f"Only `train` and `test` together are parts: move the others away, or name {root / 'train'} itself."
        raise ContentError(f"{source} holds {found}.", hint)
    return Splits(_labelled(root, source, size), None)


def _parts(root: Path, source: str, size: tuple[int, int] | None) -> Splits:
    train, test = (_labelled(root / part, source, size) for part in ("train", "test"))
    if train.classes != test.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        raise ContentError(f"{source}: the class {odd[0]} is in one of train and test only.", "Put it into both.")
    if size is not None and train.image_shape != test.image_shape:
        train, test = _coloured(train, root / "train"), _coloured(test, root / "test")
    if train.image_shape != test.image_shape:
        message = f"{source}: train holds {_size(train.images[0])} pictures and test {_size(test.images[0])}."
        raise ContentError(message, _CURE)
    return Splits(train, test)


def _labelled(root: Path, source: str, size: tuple[int, int] | None) -> Dataset:
    classes = _folders(root)
    if len(classes) < 2:  # noqa: PLR2004 (a classifier tells two things apart)
        raise ContentError(f"{root} has {len(classes)} sub-folder.", "There must be one a class, at least two.")
    members = [_members(folder) for folder in classes]
    found = [path for paths in members for path in paths]
    images, changes = (_alike(found), ()) if size is None else _made_alike(found, size, root)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(paths) for paths in members])
    return Dataset(images, labels, tuple(folder.name for folder in classes), source, changes)


def _folders(root: Path) -> list[Path]:
    entries = _visible(root)
    stray = [entry for entry in entries if entry.suffix.lower() in FORMATS and not entry.is_dir()]
    if stray:
        raise ContentError(f"{stray[0]} lies outside the classes.", "Put it into the sub-folder of its class.")
    return [entry for entry in entries if entry.is_dir()]


def _members(folder: Path) -> list[Path]:
    """The pictures of one class. Anything else in there is refused: left out, it would be missed by nobody."""
    entries = _visible(folder)
    foreign = [entry for entry in entries if entry.is_dir() or entry.suffix.lower() not in FORMATS]
    if foreign:
        raise ContentError(f"{foreign[0]} is not a picture that is read.", f"Those end in {', '.join(FORMATS)}.")
    if not entries:
        raise ContentError(f"{folder} is empty.", "Put pictures of that class there, or remove it.")
    return entries


def _alike(paths: Sequence[Path]) -> NDArray[np.uint8]:
    images = [read_stored(path) for path in paths]
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            raise ContentError(f"{path} is {_size(image)}, and {paths[0]} is {_size(images[0])}.", _CURE)
    return np.stack(images)


def _made_alike(paths: Sequence[Path], size: tuple[int, int], root: Path) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Each is resized as soon as it is read: large photographs need not fit into memory together."""
    images, changes = zip(*(fitted(read_stored(path), size) for path in paths), strict=True)
    if len({image.shape for image in images}) > 1:
        images, greys = zip(*map(_rgb, images), strict=True)
        changes += greys
    return np.stack(images), counted(chain(*changes), len(paths), str(root))


def _coloured(dataset: Dataset, root: Path) -> Dataset:
    images, changes = zip(*map(_rgb, dataset.images), strict=True)
    told = counted(chain(*changes), len(dataset), str(root))
    return replace(dataset, images=np.stack(images), changes=(*dataset.changes, *told))


def _rgb(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Grey as three equal channels, which loses nothing, and what was done in words."""
    if image.shape[2] == _RGB:
        return image, ()
    return image.repeat(_RGB, axis=2), ("converted from grey to RGB",)


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise ContentError(f"{folder} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _size(image: NDArray[np.uint8]) -> str:
    """Width x height and colours, for people."""
    height, width, channels = image.shape
    return f"{width}x{height} {'grey' if channels == 1 else 'RGB'}"
