"""--resume: which run goes on, whether it is finished already, and what must be as it was then."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.checkpoints import refuse_changed
from digitedge.commands.folders import KERAS_MODEL, RUNS, TRAIN
from digitedge.errors import ContentError, UsageError
from digitedge.files import read_bytes, read_json, sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset

CHECKPOINTS = "checkpoint"
# Where and how long a network is trained may change from session to session: it does not decide what is learnt.
_FREE = ("device", "time_limit_minutes")


def folder_to_resume(name: str, out: Path | None) -> Path | None:
    """The run folder that --resume means: `out`, else the newest of this name under `runs`; None where there is none.

    Args:
        name: the architecture's.
        out: what the user named.
    """
    if out is not None:
        return out.resolve() if out.exists() else None
    folders = [path for path in RUNS.glob("*") if path.is_dir()]
    matches = {path: re.fullmatch(re.escape(name) + "(?:-([0-9]+))?", path.name) for path in folders}
    runs = {path: int(match[1] or 1) for path, match in matches.items() if match}
    return max(runs, key=lambda path: runs[path]).resolve() if runs else None


def refuse_to_lose(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Raises UsageError if a training would replace what another one has left, and nobody has asked for that.

    Args:
        folder: of the run.
        resume: whether it goes on with the checkpoints.
        overwrite: whether it replaces them.
    """
    checkpoints = folder / CHECKPOINTS
    if checkpoints.exists() and not (resume or overwrite):
        message = f"{checkpoints} exists already: a training was stopped there."
        raise UsageError(message, "--resume goes on with it; --overwrite starts anew.")
    if resume and (folder / KERAS_MODEL).exists() and not any(checkpoints.glob("epoch-*")):
        message = f"{folder / KERAS_MODEL} exists already, and there is no checkpoint to go on from."
        raise UsageError(message, "Type --overwrite instead of --resume to train anew.")


def settings(config: TrainConfig, train: Dataset) -> dict[str, Any]:
    """All that decides what is learnt, as JSON takes it.

    Args:
        config: of the training.
        train: the images to learn from, without those held out.
    """
    chosen = {**asdict(config), "augment": config.augment_name}
    return {**_bound(chosen), "model_sha256": model_sha256(config), "data_sha256": train.sha256}


def model_sha256(config: TrainConfig) -> str | None:
    """Digest of the model file; None for an architecture by name."""
    return sha256(read_bytes(Path(config.model))) if config.model.endswith(".py") else None


def finished(folder: Path) -> dict[str, Any] | None:
    """The `train` document of a run that has nothing left to do; None where there is something.

    Raises:
        ContentError: train.json is damaged.
    """
    from digitedge.training.stop import out_of_patience

    if not ((folder / TRAIN).exists() and (folder / KERAS_MODEL).exists()):
        return None
    document = read_json(folder / TRAIN)
    with _understood(folder):
        patience = out_of_patience(document["history"]["val_accuracy"], document["config"]["patience"])
        # What else ends a training early is the time limit: another session has time again.
        done = document["epochs"] == document["config"]["epochs"] or patience is not None
        return document if done and not document["interrupted"] else None


def refuse_other_settings(document: dict[str, Any], folder: Path, asked: dict[str, Any], test: Dataset | None) -> None:
    """Raises UsageError if a finished run was trained with other settings than `asked`, or judged on another set.

    Raises:
        ContentError: its document lacks something.
    """
    with _understood(folder):
        recorded = {**_bound(document["config"]), "model_sha256": document["model_sha256"]}
        recorded |= {"data_sha256": document["data"]["sha256"], "test": document["test"]}
    judged = None if test is None else {"name": test.name, "sha256": test.sha256}
    refuse_changed(folder, recorded, {**asked, "test": judged})


def refuse_both(*, resume: bool, overwrite: bool) -> None:
    """Raises UsageError for --resume with --overwrite."""
    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other.", "One goes on, the other starts anew.")


@contextmanager
def _understood(folder: Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise ContentError(f"{folder / TRAIN} cannot be understood: {error!r}.", "Train the model again.") from error


def _bound(chosen: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chosen.items() if name not in _FREE}
