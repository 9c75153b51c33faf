"""Saves a training after each epoch, and takes it up again where it was, to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.checkpoints import newest, refuse_changed, write
from digitedge.errors import ContentError
from digitedge.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitedge.training.learning import Learning

STATE = "state.npz"


@dataclass(frozen=True)
class Saver:
    """Saves every epoch of a training, for another session to go on.

    Attributes:
        folder: of the checkpoints.
        settings: all that decides what is learnt, as JSON takes it: a session with others may not go on.
        resumes: whether this session goes on where an earlier one was.
        say: told, in a sentence, where it goes on, and of a checkpoint that could not be used.
        writes: whether this session saves; of several workers on one folder one does.
    """

    folder: Path
    settings: dict[str, Any]
    resumes: bool
    say: Callable[[str], None]
    writes: bool = True

    def resume(self, learning: Learning) -> Progress:
        """Brings the variables of `learning` to where the newest usable checkpoint was; nothing without --resume.

        Raises:
            UsageError: the settings are others than then.
            ContentError: no checkpoint can be used, though there are some; or its variables are others.
        """
        if not self.resumes:
            return Progress()
        found, passed_over = newest(self.folder)
        for sentence in passed_over:
            self.say(sentence)
        if found is None:
            self.say(f"there is no checkpoint in {self.folder}: training starts at the first epoch")
            return Progress()
        refuse_changed(self.folder.parent, found.record["settings"], self.settings)
        _load(found.path / STATE, learning)
        self.say(f"going on after epoch {found.epoch}, from {found.path}")
        return Progress(found.record["history"], found.record["seconds"])

    def save(self, learning: Learning, progress: Progress) -> None:
        """Adds a checkpoint.

        Raises:
            UsageError: it cannot be written.
        """
        if not self.writes:
            return
        record = {"settings": self.settings, "history": progress.history, "seconds": progress.seconds}
        arrays = [variable.numpy() for variable in (*learning.state, *learning.kept)]
        write(self.folder, progress.epochs, record, lambda folder: np.savez(folder / STATE, *arrays))


def _load(path: Path, learning: Learning) -> None:
    variables = (*learning.state, *learning.kept)
    with np.load(path, allow_pickle=False) as saved:
        arrays = [saved[f"arr_{index}"] for index in range(len(saved.files))]
    shapes = [(tuple(one.shape), one.dtype.name) for one in variables]
    if shapes != [(one.shape, one.dtype.name) for one in arrays]:
        message = f"{path} holds other variables than this network."
        raise ContentError(message, "It was written by another version; --overwrite starts anew.")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
