"""The record of a benchmark in a run folder: that it can be written is known before anything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.bench.samples import SAMPLES, write_samples
from digitedge.commands.folders import BENCH
from digitedge.errors import UsageError
from digitedge.files import make_folder, write_json
from digitedge.report.documents import envelope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitedge.bench.samples import Sampled

# Beside bench.json, which an interrupted benchmark does not replace. The next whole one removes it.
INTERRUPTED = "bench.interrupted.json"


def require_recordable(run: Path) -> None:
    """Finds what stands in the way of the record, which is written after the last call.

    Raises:
        UsageError: the folder cannot be written, or a folder is in the place of a file.
    """
    try:
        make_folder(run)
    except UsageError as error:
        cure = f"{BENCH} is written there: copy the run to a folder that you may write."
        raise UsageError(error.message, cure) from error
    for name in (BENCH, SAMPLES, INTERRUPTED):
        if (run / name).is_dir():
            raise UsageError(f"{run / name} cannot be written: a folder is in the way.", "Remove or rename it.")


def write_whole(run: Path, document: dict[str, Any], samples: Sequence[Sampled]) -> Path:
    """Writes bench.json and every sample, and removes what an interrupted benchmark left beside them.

    Args:
        run: the folder.
        document: of `bench`; its key `samples` is filled.
        samples: of `bench.samples.sampled_of`.

    Returns:
        The path of bench.json.

    Raises:
        UsageError: the disk is full, or the folder cannot be written any more; its `kept` is the body of the document.
    """
    try:
        document["samples"] = {"path": str(run / SAMPLES), "sha256": write_samples(run / SAMPLES, samples)}
        written = write_json(run / BENCH, document)
    except UsageError as error:
        error.kept = body_of(document)
        raise
    (run / INTERRUPTED).unlink(missing_ok=True)
    return written


def body_of(document: dict[str, Any]) -> dict[str, Any]:
    """A `bench` document without what every document says."""
    head = envelope("bench", {})
    return {name: entry for name, entry in document.items() if name not in head}
