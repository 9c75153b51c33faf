"""A folder of pictures with one sub-folder a class, whose sorted names are the classes.

Where its sub-folders are exactly `train` and `test`, those are the parts, and the classes lie one level deeper.
Hidden files and folders are not looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data import idx
from digitedge.data.decode import FORMATS
from digitedge.data.pictures import read_stored
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

KIND = "a folder of pictures, one sub-folder a class"

_PARTS = {"train", "test"}
# Usual names of a part that nothing here reads: a folder of these and no classes is never two classes.
_OTHER_PARTS = {"val", "valid", "validation", "dev"}


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
    root = Path(source)
    names = {entry.name for entry in _folders(root)}
    if names == _PARTS:
        return _parts(root, source)
    if "train" in names and names <= _PARTS | _OTHER_PARTS:
        found = ", ".join(sorted(names))
        hint = f"Only `train` and `test` together are parts: move the others away, or name {root / 'train'} itself."
        raise ContentError(f"{source} holds {found}.", hint)
    return Splits(_labelled(root, source), None)


def _parts(root: Path, source: str) -> Splits:
    train, test = _labelled(root / "train", source), _labelled(root / "test", source)
    if train.classes != test.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        raise ContentError(f"{source}: the class {odd[0]} is in one of train and test only.", "Put it into both.")
    if train.image_shape != test.image_shape:
        message = f"{source}: train holds {_size(train.images[0])} pictures and test {_size(test.images[0])}."
        raise ContentError(message, "Bring all to one size and one kind.")
    return Splits(train, test)


def _labelled(root: Path, source: str) -> Dataset:
    classes = _folders(root)
    if len(classes) < 2:  # noqa: PLR2004 (a classifier tells two things apart)
        raise ContentError(f"{root} has {len(classes)} sub-folder.", "There must be one a class, at least two.")
    members = [_members(folder) for folder in classes]
    images = _alike([path for paths in members for path in paths])
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(paths) for paths in members])
    return Dataset(images, labels, tuple(folder.name for folder in classes), source)


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
            message = f"{path} is {_size(image)}, and {paths[0]} is {_size(images[0])}."
            raise ContentError(message, "Bring all to one size and one kind.")
    return np.stack(images)


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise ContentError(f"{folder} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _size(image: NDArray[np.uint8]) -> str:
    """Width x height and colours, for people."""
    height, width, channels = image.shape
    return f"{width}x{height} {'grey' if channels == 1 else 'RGB'}"
