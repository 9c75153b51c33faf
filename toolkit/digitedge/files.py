"""Every write goes through here: a temporary file beside the target, fsync, replace. A kill leaves old or new."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError, OutputExistsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def read_bytes(path: Path) -> bytes:
    """The content of a file that must exist and must not be empty.

    Raises:
        ContentError: missing, a folder, empty, or unreadable.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ContentError(f"{path} does not exist.", "Check the path.") from error
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    if not data:
        raise ContentError(f"{path} is empty.", "Make or copy it again.")
    return data


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
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)  # mkstemp gives 0600; a result is as readable as any other file of the user's
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    temporary.replace(path)


def _unwritable(path: Path, error: OSError) -> UsageError:
    # mkdir says of a file in its way that it exists, and nothing more.
    reason = "a file is in the way" if isinstance(error, FileExistsError) else error.strerror or error
    return UsageError(f"{path} cannot be written: {reason}.", "Choose a folder that you may write.")
