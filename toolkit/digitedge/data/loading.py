"""From what the user typed after --data to images.

Each file of this folder that defines `read` is a source. It says, without reading more than a name:

    KIND: str                     what it reads, in words, for help texts and errors
    NAMES: tuple[str, ...]        names it answers to; only a built-in source has them
    accepts(source: str) -> bool  whether `source` is for it, judged by its name and by what kind of path it is
    read(source: str) -> Splits   the images; ContentError where the content does not hold what the name promised
    read_sized(source: str, size: tuple[int, int]) -> Splits
                                  the images brought to (height, width) one by one; only a source whose images may
                                  differ in size has it
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from digitedge.data.sizing import all_fitted
from digitedge.dataset import Splits
from digitedge.errors import ContentError, DigitedgeError, UnknownNameError
from digitedge.registry import entries

if TYPE_CHECKING:
    from types import ModuleType

    from digitedge.dataset import Dataset


def load(source: str, size: tuple[int, int] | None = None) -> Splits:
    """Reads a data set.

    A built-in name wins over a folder of that name; `./mnist` means the folder.

    Args:
        source: one of `named()`, or the path of a file or a folder.
        size: (height, width) that every image is resized to; None to take them as they are. `changes` says what was
            done.

    Raises:
        UnknownNameError: it looks like a name, and none has it.
        ContentError: nothing is there, or it is of a kind that is not read, or its content is damaged.
    """
    module = _source_for(source)
    if size is not None and hasattr(module, "read_sized"):
        sized: Splits = module.read_sized(source, size)
        return sized
    splits: Splits = module.read(source)
    return splits if size is None else _all_fitted(splits, size)


def judged_on(source: str, size: tuple[int, int] | None = None) -> Dataset:
    """The images that judge a model: the test part where the source sets one apart, else all of it.

    Args:
        source: as `load`.
        size: as `load`.

    Raises:
        UnknownNameError: as `load`.
        ContentError: as `load`.
    """
    splits = load(source, size)
    return splits.train if splits.test is None else splits.test


def named() -> tuple[str, ...]:
    """The built-in data sets."""
    return tuple(name for module in _sources().values() for name in getattr(module, "NAMES", ()))


def kinds() -> tuple[str, ...]:
    """What can be read, in words, one entry a source."""
    return tuple(module.KIND for module in _sources().values())


def _all_fitted(splits: Splits, size: tuple[int, int]) -> Splits:
    test = None if splits.test is None else all_fitted(splits.test, size)
    return Splits(all_fitted(splits.train, size), test)


def _sources() -> dict[str, ModuleType]:
    return entries("digitedge.data", "read")


def _source_for(source: str) -> ModuleType:
    if not source:  # as a path it would be the current folder
        raise UnknownNameError("data set", source, named())
    sources = _sources()
    owners = [module for module in sources.values() if source in getattr(module, "NAMES", ())]
    try:
        takers = owners or [module for module in sources.values() if module.accepts(source)]
        if not takers:
            raise _refusal(source)
    except OSError as error:  # a folder that may not be entered, a name longer than the file system allows
        message = f"{source} cannot be read: {error.strerror}."
        raise ContentError(message, "Check the path and its permissions.") from error
    if len(takers) > 1:
        readings = " and ".join(module.KIND for module in takers)
        raise ContentError(f"{source} can be read in two ways: {readings}.", "Name the file or folder inside it.")
    return takers[0]


def _refusal(source: str) -> DigitedgeError:
    path = Path(source)
    if path.exists():
        hint = f"What is read: {'; '.join(kinds())}."
        return ContentError(f"{source} is not a data set of a kind that is read.", hint)
    if os.sep in source or path.suffix:
        return ContentError(f"{source} does not exist.", f"Check the path, or choose from: {', '.join(named())}.")
    return UnknownNameError("data set", source, named())
