"""A folder of pictures with one sub-folder a class, whose sorted names are the classes.

Where its sub-folders are exactly `train` and `test`, those are the parts, and the classes lie one level deeper.
Hidden files and folders are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data import idx, memory
from digitedge.data.decode import FORMATS
from digitedge.data.picture_files import PictureFiles, headers, spelled
from digitedge.data.sizing import counted
from digitedge.dataset import Dataset, Splits
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

KIND = "a folder of pictures, one sub-folder a class"

_PARTS = {"train", "test"}
# Usual names of a part that nothing here reads: a folder of these and no classes is never two classes.
_OTHER_PARTS = {"val", "valid", "validation", "dev"}
_CURE = "Bring all to one size and one kind, or train with --size."


def accepts(source: str) -> bool:
    """A folder that has sub-folders, unless it holds IDX files: some copies of those bring sub-folders along."""
    path = Path(source)
    return path.is_dir() and not idx.accepts(source) and any(entry.is_dir() for entry in _visible(path))


@dataclass(frozen=True)
class _Part:
    """The pictures of all classes, of which only the headers have been read."""

    root: Path
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    paths: NDArray[np.object_]
    stored: NDArray[np.int32]

    @property
    def one_shape(self) -> tuple[int, int, int]:
        """Of every picture.

        Raises:
            ContentError: they differ.
        """
        height, width, channels = self.stored[0].tolist()
        odd = np.flatnonzero((self.stored != self.stored[0]).any(axis=1))
        if odd.size:
            first, other = (spelled(self.stored[at].tolist()) for at in (0, odd[0]))
            raise ContentError(f"{self.paths[odd[0]]} is {other}, and {self.paths[0]} is {first}.", _CURE)
        return height, width, channels


def read(source: str) -> Splits:
    """Every picture of every class: uint8 (n, height, width, 1 or 3).

    Where all of them, decoded, would take more than a quarter of the memory that is available, they are decoded as they
    are needed, and `changes` says so.

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
    parts = _parts(Path(source), source)
    shape = _shape(parts, source) if size is None else (*size, max(int(part.stored[:, 2].max()) for part in parts))
    files = [PictureFiles(part.paths, part.stored, shape) for part in parts]
    limit = memory.resident_limit_bytes()
    stay = limit is not None and sum(images.nbytes for images in files) > limit
    train, *test = (_dataset(*pair, source, stay=stay) for pair in zip(parts, files, strict=True))
    return Splits(train, test[0] if test else None)


def _dataset(part: _Part, files: PictureFiles, source: str, *, stay: bool) -> Dataset:
    changes = counted(files.changes(), len(files), str(part.root))
    if stay:
        told = f"{part.root}: {memory.spelled(files.nbytes)} decoded, read from disk as needed"
        return Dataset(files, part.labels, part.classes, source, (*changes, told))
    return Dataset(files[:], part.labels, part.classes, source, changes)


def _parts(root: Path, source: str) -> list[_Part]:
    """All of it, or what lies in `train` and in `test`."""
    names = {entry.name for entry in _folders(root)}
    if names != _PARTS:
        if "train" in names and names <= _PARTS | _OTHER_PARTS:
            found = ", ".join(sorted(names))
            hint = f"Only `train` and `test` together are parts: move the others away, or name {root / 'train'} itself."
            raise ContentError(f"{source} holds {found}.", hint)
        return [_part(root)]
    train, test = parts = [_part(root / name) for name in ("train", "test")]
    if train.classes != test.classes:
        odd = sorted(set(train.classes) ^ set(test.classes))
        raise ContentError(f"{source}: the class {odd[0]} is in one of train and test only.", "Put it into both.")
    return parts


def _part(root: Path) -> _Part:
    classes = _folders(root)
    if len(classes) < 2:  # noqa: PLR2004 (a classifier tells two things apart)
        raise ContentError(f"{root} has {len(classes)} sub-folder.", "There must be one a class, at least two.")
    members = [_members(folder) for folder in classes]
    found = [path for paths in members for path in paths]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(paths) for paths in members])
    return _Part(root, tuple(folder.name for folder in classes), labels, np.array(found, object), headers(found))


def _shape(parts: Sequence[_Part], source: str) -> tuple[int, int, int]:
    """The one shape of all pictures of all parts.

    Raises:
        ContentError: they differ.
    """
    shape, *others = (part.one_shape for part in parts)
    for other in others:
        if other != shape:
            message = f"{source}: train holds {spelled(shape)} pictures and test {spelled(other)}."
            raise ContentError(message, _CURE)
    return shape


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


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise ContentError(f"{folder} cannot be read: {error.strerror}.", "Check its permissions.") from error
