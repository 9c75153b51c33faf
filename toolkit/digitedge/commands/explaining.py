"""`--explain`: the error of every layer of every .onnx file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from digitedge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digitedge.artifact import Golden
    from digitedge.config import ExportConfig
    from digitedge.export.exporting import Exported
    from digitedge.export.source import Source

# Enough for a mean over layers; a network computed node by node takes its time.
IMAGES = 200


def check_explained(config: ExportConfig) -> None:
    """Raises UsageError where there will be no file whose layers can be looked at."""
    if "onnx" not in config.formats:
        raise UsageError("--explain is for .onnx files.", "Add --to onnx, or leave it out.")


def explained(
    exported: Iterable[Exported], source: Source, config: ExportConfig, golden: Golden
) -> list[dict[str, Any]]:
    """One entry for each .onnx file, rejected ones too: its path, and `layers`, each a LayerError.

    Args:
        exported: what was made.
        source: that it was made of.
        config: with which settings.
        golden: some of its images are run through both graphs.
    """
    import onnx

    from digitedge.analysis.explain import explain
    from digitedge.data.preprocess import to_input, to_unit
    from digitedge.export.onnx import plain, spec_of

    unit = to_unit(golden.images[:IMAGES])
    original, inputs = plain(source, config), to_input(unit, spec_of(source))
    return [
        {
            "path": str(one.artifact.path),
            "layers": [
                asdict(row)
                for row in explain(original, onnx.load(one.artifact.path), inputs, to_input(unit, one.artifact.spec))
            ],
        }
        for one in exported
        if one.artifact.format == "onnx"
    ]
