"""What lies in a run folder, for the page: every document that is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.artifact import GOLDEN, SCHEMA_VERSION, Artifact, Golden, read_golden, read_manifest
from digitedge.errors import ContentError
from digitedge.files import read_json

if TYPE_CHECKING:
    from pathlib import Path

Document = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """The documents of one run; None for what has not been made.

    Attributes:
        folder: where they lie.
        train: train.json.
        verify: verify.json.
        bench: bench.json.
        golden: the test images and what the reference gave for them.
        artifacts: the exported files.
    """

    folder: Path
    train: Document | None
    verify: Document | None
    bench: Document | None
    golden: Golden | None
    artifacts: tuple[Artifact, ...]


def read(folder: Path) -> Record:
    """Reads a run folder.

    Raises:
        ContentError: there is nothing to report, or a file is damaged or of another version.
    """
    record = Record(
        folder=folder,
        train=_document(folder / "train.json"),
        verify=_document(folder / "verify.json"),
        bench=_document(folder / "bench.json"),
        golden=read_golden(folder / GOLDEN) if (folder / GOLDEN).exists() else None,
        artifacts=read_manifest(folder),
    )
    if not any((record.train, record.verify, record.bench, record.golden)):
        raise ContentError(
            f"{folder} holds no train.json, verify.json or bench.json.", "Name a folder that digitedge made."
        )
    return record


def _document(path: Path) -> Document | None:
    if not path.exists():
        return None
    document = read_json(path)
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        message = f"{path} has schema_version {version}; this digitedge reads {SCHEMA_VERSION}."
        raise ContentError(message, f"Make it again: digitedge {path.stem}.")
    if "error" in document:
        message = f"{path} is of a digitedge {path.stem} that ended early: {document['error'].get('message')}"
        raise ContentError(message, f"Make it again: digitedge {path.stem}.")
    return document
