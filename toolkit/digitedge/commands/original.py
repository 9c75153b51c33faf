"""digitedge bench --keras: the Keras original of a run in the table of the files that were made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.errors import ContentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def with_original(sources: Sequence[Path] | None, *, onnx_only: bool) -> list[Path]:
    """The sources of a benchmark, and after them the model.keras of the run that they are of.

    Args:
        sources: run folders and model files; None for the newest run.
        onnx_only: whether only .onnx files are to be measured.

    Raises:
        UsageError: only .onnx files are; or the sources lie in several folders.
        ContentError: of `folders.model_files`; or their folder holds no such model.
        NotPresentError: TensorFlow is not installed.
    """
    from digitedge.commands.folders import KERAS_MODEL, model_files
    from digitedge.runtime.loading import require_engine

    if onnx_only:
        raise UsageError("--provider is for .onnx files, and --keras for another.", "Leave one of them out.")
    files = [listed.path for listed in model_files(sources)]
    folders = {path.parent for path in files}
    if len(folders) > 1:
        raise UsageError("--keras is for the files of one run.", "Name one run folder.")
    original = folders.pop() / KERAS_MODEL
    if not original.is_file():
        message = f"{original.parent} holds no {KERAS_MODEL} for --keras."
        raise ContentError(message, "Name the Keras original among the SOURCES instead.")
    require_engine("keras")
    return [*files, original]
