"""The states of a training that it can go on from: `checkpoint/` in a run folder, which holds the two newest.

    checkpoint/epoch-0007/
        record.json      the epoch, and whatever the training notes of itself
        SHA256SUMS       the digest of every other file here, as `sha256sum --check` reads it
        ...              whatever else the training saves

A folder of this name appears in one step, when the disk holds all of it, and disappears in one step: a kill at any
moment leaves whole checkpoints alone, and folders whose names begin with a dot, which the next `write` removes. One
process at a time writes: its run folder is locked.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError, UsageError
from digitedge.files import remove, replacing_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA_VERSION = 1
RECORD = "record.json"
DIGESTS = "SHA256SUMS"
KEPT = 2

_NAME = re.compile(r"epoch-(\d{4,})")
_LINE = re.compile(r"([0-9a-f]{64})  ([\w./-]+)\n")
_LEFT_OVER = ".epoch-*"


@dataclass(frozen=True)
class Checkpoint:
    """A state that a training can go on from.

    Attributes:
        path: the folder of its files.
        epoch: how many epochs were finished.
        record: what was noted, as JSON gives it back: a tuple is a list.
    """

    path: Path
    epoch: int
    record: dict[str, Any]


def write(folder: Path, epoch: int, record: Mapping[str, Any], save: Callable[[Path], object]) -> Path:
    """Adds a checkpoint; then only it and the newest one before it remain.

    Args:
        folder: the checkpoints of one run; made where it is missing.
        epoch: how many epochs are finished. A checkpoint of the same or of a later epoch is replaced.
        record: strict JSON, without NaN.
        save: writes the files of the state into the empty folder that it is given.

    Returns:
        The folder of the new checkpoint.

    Raises:
        UsageError: it cannot be written, or the disk is full. The checkpoints that were there are still there.
    """
    document = {"schema_version": SCHEMA_VERSION, "epoch": epoch, "record": dict(record)}
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    path = folder / f"epoch-{epoch:04d}"
    _clear(folder)
    with replacing_folder(path) as temporary:
        _told_of_a_full_disk(save, temporary)
        (temporary / RECORD).write_text(text, encoding="utf-8")
        (temporary / DIGESTS).write_text(_as_text(_digests(temporary)), encoding="utf-8", newline="\n")
    before = [other for other in _checkpoints(folder) if _epoch(other) < epoch]
    for other in _checkpoints(folder):
        if other not in (path, *before[: KEPT - 1]):
            remove(other)
    return path


def newest(folder: Path) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """The newest checkpoint whose every file is as it was written.

    Args:
        folder: the checkpoints of one run; need not exist.

    Returns:
        The checkpoint, None where there is none at all; and a sentence about each newer one that cannot be used.

    Raises:
        ContentError: there are some, and none can be used; or the folder cannot be read.
    """
    unusable: list[tuple[Path, str]] = []
    for path in _checkpoints(folder):
        try:
            found = _read(path)
        except _UnusableError as error:
            unusable.append((path, str(error)))
            continue
        return found, tuple(f"{bad} cannot be used: {why}; {path.name} is used instead." for bad, why in unusable)
    if unusable:
        reasons = "; ".join(f"{path.name}: {why}" for path, why in unusable)
        raise ContentError(
            f"no checkpoint in {folder} can be used: {reasons}.", "Type --overwrite instead of --resume to train anew."
        )
    return None, ()


def discard(folder: Path) -> None:
    """Removes every checkpoint, the oldest first, and the folder if nothing else lies in it.

    Raises:
        ContentError, UsageError: the folder cannot be read, or something in it cannot be removed.
    """
    _clear(folder)
    for path in reversed(_checkpoints(folder)):
        remove(path)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def differences(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[str, ...]:
    """What has changed between two sets of settings, one entry for each, such as `epochs: 12 before, 30 now`.

    Args:
        recorded: the settings of a checkpoint.
        asked: those of now. They are compared as JSON gives them back. Settings inside settings are named `a.b`.
    """
    before, now = _flat(recorded), _flat(json.loads(json.dumps(asked, allow_nan=False)))
    return tuple(
        f"{name}: {_said(before, name)} before, {_said(now, name)} now"
        for name in dict.fromkeys([*before, *now])
        if name not in before or name not in now or before[name] != now[name]
    )


def refuse_changed(run: Path, recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raises UsageError if a run cannot go on because other settings are asked for; it names each of them."""
    changed = differences(recorded, asked)
    if changed:
        message = f"the settings of {run} have changed: {'; '.join(changed)}."
        raise UsageError(message, "Type the same settings, or name another folder with --out.")


class _UnusableError(Exception):
    """Why one checkpoint cannot be used, as a part of a sentence."""


def _checkpoints(folder: Path) -> list[Path]:
    """The newest first."""
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        message = f"{folder} cannot be read: {error.strerror}."
        raise ContentError(message, "It must be a folder that you may read; or name another run with --out.") from error
    return sorted(found, key=_epoch, reverse=True)


def _epoch(path: Path) -> int:
    return int(path.name.removeprefix("epoch-"))


def _clear(folder: Path) -> None:
    """Removes what killed processes have left."""
    for path in folder.glob(_LEFT_OVER):
        remove(path)


def _told_of_a_full_disk(save: Callable[[Path], object], folder: Path) -> None:
    try:
        save(folder)
    except Exception as error:
        # TensorFlow has a class of its own for it, which ends a long sentence with that of the system.
        full = os.strerror(errno.ENOSPC)
        if full in str(error):
            raise OSError(errno.ENOSPC, full) from error
        raise


def _digests(path: Path) -> dict[str, str]:
    """The digest of each file that lies here now."""
    names = sorted(inner.relative_to(path).as_posix() for inner in path.rglob("*") if inner.is_file())
    return {name: _sha256(path / name) for name in names if name != DIGESTS}


def _as_text(digests: dict[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(path: Path) -> Checkpoint:
    try:
        _check_digests(path)
        document = json.loads((path / RECORD).read_bytes())
        if document["schema_version"] != SCHEMA_VERSION:
            version = document["schema_version"]
            raise _UnusableError(f"it has schema_version {version}, and this digitedge reads {SCHEMA_VERSION}")
        if document["epoch"] != _epoch(path):
            raise _UnusableError(f"it was written as epoch {document['epoch']}")
        return Checkpoint(path, document["epoch"], dict(document["record"]))
    except OSError as error:
        name = os.path.basename(error.filename or path)  # noqa: PTH119 (of a name that the system gives)
        raise _UnusableError(f"{name} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _UnusableError(f"{RECORD} cannot be understood ({error!r})") from error


def _check_digests(path: Path) -> None:
    """SHA256SUMS is compared as a whole, so that no byte of it can change unseen."""
    text, found = (path / DIGESTS).read_bytes(), _digests(path)
    if text == _as_text(found).encode():
        return
    recorded = {name: digest for digest, name in _LINE.findall(text.decode("utf-8", "replace"))}
    changed = [name for name in found if name in recorded and recorded[name] != found[name]]
    missing = [name for name in recorded if name not in found]
    if changed:
        raise _UnusableError(f"{changed[0]} has another digest than {DIGESTS} says")
    raise _UnusableError(f"{missing[0]} is missing" if missing else f"{DIGESTS} does not fit the files beside it")


def _flat(settings: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{within}{name}.")
        else:
            flat[f"{within}{name}"] = value
    return flat


def _said(settings: Mapping[str, Any], name: str) -> str:
    """A value as JSON, so that the text "5" and the number 5 can be told apart."""
    if name not in settings:
        return "not there"
    return "none" if settings[name] is None else json.dumps(settings[name], ensure_ascii=False)
