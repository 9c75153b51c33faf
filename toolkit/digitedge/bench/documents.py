"""Documents of benchmarks as they are found: rows of one that did not end well pass for no whole measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError
from digitedge.files import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_document(path: Path, cure: str) -> dict[str, Any]:
    """What a file holds that should be a document of `digitedge bench`.

    Raises:
        ContentError: missing, a folder, or not a JSON object.
    """
    if path.is_dir():
        raise ContentError(f"{path} is a folder.", f"{cure} The one of a run folder is bench.json.")
    return read_json(path)


def require_finished(path: Path, document: Mapping[str, Any], cure: str) -> None:
    """Refuses the document of a benchmark that was interrupted or failed.

    Args:
        path: where it lies.
        document: of `digitedge bench`.
        cure: what to do instead.

    Raises:
        ContentError: it is one.
    """
    error = document.get("error")
    if error is None:
        return
    known = error if isinstance(error, dict) else {}
    if known.get("kind") == "stopped":
        raise ContentError(f"{path} is of a benchmark that was interrupted: its rows are not whole.", cure)
    said = str(known.get("message", "it does not say how")).rstrip(".")
    raise ContentError(f"{path} is of a benchmark that failed: {said}.", cure)
