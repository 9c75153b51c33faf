"""Every write goes through here: a temporary file beside the target, fsync, replace. A kill leaves old or new."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError, OutputExistsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

# What the system says of a disk that holds no more: full, or as full as this user may make it.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def sha256(data: bytes) -> str:
    """The SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path with the same suffix; what is written there becomes `path` when the block ends well.

    Raises:
        UsageError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        _settle(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yields a new, empty folder; with what lies in it when the block ends well, it becomes `path` in one step.

    The folder lies beside `path` and is named `.<name>.` and some letters: what a killed process leaves behind. A
    `path` that is there already goes first, so that a kill in that moment leaves neither the old one nor the new.

    Raises:
        UsageError: it cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield temporary
        _settle_folder(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove(path: Path) -> None:
    """Deletes a file or a folder, which first loses its name: a kill leaves no half of it under that name.

    Raises:
        UsageError: it cannot be removed.
    """
    nameless = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.replace(nameless)
        if nameless.is_dir():
            shutil.rmtree(nameless)
        else:
            nameless.unlink()
    except OSError as error:
        message = f"{path} cannot be removed: {error.strerror or error}."
        raise UsageError(message, "Check the permissions of its folder.") from error


def write_bytes(path: Path, data: bytes) -> Path:
    """Writes `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return path


def move(source: Path, target: Path) -> Path:
    """Gives a file its final name on the same disk, at once; removes the folder that it leaves empty."""
    source.replace(target)
    if not any(source.parent.iterdir()):
        source.parent.rmdir()
    return target


def write_text(path: Path, text: str) -> Path:
    """Writes `text` as UTF-8, whole or not at all."""
    return write_bytes(path, text.encode())


def write_json(path: Path, document: object) -> Path:
    """Writes strict JSON (no NaN), two spaces of indent, a newline at the end."""
    return write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


@contextmanager
def reading(path: Path) -> Iterator[BufferedReader]:
    """Opens a file that must exist and must not be empty, to be read piece by piece.

    Raises:
        ContentError: missing, a folder, empty, or unreadable.
    """
    try:
        with path.open("rb") as stream:
            if not stream.peek(1):
                raise ContentError(f"{path} is empty.", "Make or copy it again.")
            yield stream
    except FileNotFoundError as error:
        raise ContentError(f"{path} does not exist.", "Check the path.") from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}."
        raise ContentError(message, "Check the path and its permissions.") from error


def read_bytes(path: Path) -> bytes:
    """The content of a file that must exist and must not be empty.

    Raises:
        ContentError: missing, a folder, empty, or unreadable.
    """
    with reading(path) as stream:
        return stream.read()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file that digitedge wrote.

    Raises:
        ContentError: missing, truncated, or not a JSON object.
    """
    try:
        document = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{path} is not JSON: {error}.", "It is damaged: make it again.") from error
    if not isinstance(document, dict):
        raise ContentError(f"{path} is not a JSON object.", "It is damaged: make it again.")
    return document


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raises OutputExistsError if `path` is there and may not be replaced."""
    if path.exists() and not overwrite:
        raise OutputExistsError(path)


def make_folder(path: Path) -> Path:
    """Makes a folder and its parents, and proves that one can write there.

    Raises:
        UsageError: it cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path):
            return path
    except OSError as error:
        raise _unwritable(path, error) from error


def _settle(temporary: Path, path: Path) -> None:
    temporary.chmod(_allowed(0o666))  # mkstemp gives 0600; a result is as readable as any other file of the user's
    _sync(temporary)
    temporary.replace(path)


def _settle_folder(temporary: Path, path: Path) -> None:
    temporary.chmod(_allowed(0o777))  # mkdtemp gives 0700
    for inner in (*temporary.rglob("*"), temporary):
        _sync(inner)
    if path.exists():
        remove(path)
    temporary.replace(path)
    _sync(path.parent)


def _allowed(mode: int) -> int:
    umask = os.umask(0)
    os.umask(umask)
    return mode & ~umask


def _sync(path: Path) -> None:
    """Returns when the disk holds the file, or the names in the folder."""
    if not path.is_dir():
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
    elif os.name != "nt":  # Windows opens no folder
        descriptor = os.open(path, os.O_RDONLY)
        with suppress(OSError):  # some network file systems have no such call for folders, as SQLite too lets pass
            os.fsync(descriptor)
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> UsageError:
    # mkdir says of a file in its way that it exists, and nothing more.
    reason = "a file is in the way" if isinstance(error, FileExistsError) else error.strerror or error
    full = error.errno in DISK_FULL
    cure = "Free some space, or choose a folder on another disk." if full else "Choose a folder that you may write."
    return UsageError(f"{path} cannot be written: {reason}.", cure)
