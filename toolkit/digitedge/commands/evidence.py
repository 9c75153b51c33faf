"""What can be known of a file besides its scores: other CPUs, and its graph, where this installation can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.measure.cpus import known_here
from digitedge.registry import installed
from digitedge.verify.target import Scored, Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.measure.limits import Check, CpuLabels
    from digitedge.verify.scoring import Scoring
    from digitedge.verify.target import Described


def elsewhere(scored: Scored, golden: Golden, scoring: Scoring) -> tuple[CpuLabels, ...]:
    """What an int8 file decides on other CPUs; nothing of other files, nor of engines that nobody can see into.

    Args:
        scored: what it gives here, for the images of `golden`.
        golden: what the reference gives.
        scoring: runs the file once more, with exact products.
    """
    found = scored.described
    if found.precision != "int8" or found.target.provider != "cpu" or scored.places is not None:
        return ()
    precise = _precise(found, golden, scoring) if found.format == "onnx" else None
    if found.format != "onnx" or not installed("onnx"):
        return known_here(found.format, found.engine, scored.scores, golden.scores, precise)
    from digitedge.analysis.cpus import cpu_labels

    return cpu_labels(
        found.target.path, golden.images, scored.scores, golden.scores, precise=precise, engine=found.engine
    )


def structure(found: Described) -> tuple[Check, ...]:
    """Whether an .onnx file is quantized as it says, and each integer means the same where it is written and read."""
    path = found.target.path
    if found.format != "onnx" or not installed("onnx") or not path.exists():  # it ran on another machine
        return ()
    import onnx

    from digitedge.analysis.quantization_check import quantization_check

    return (quantization_check(onnx.load(path), found.precision),)


def _precise(found: Described, golden: Golden, scoring: Scoring) -> NDArray[np.float32] | None:
    again = scoring.score(Target(found.target.path, engine="x64quantprecision"), golden.images)
    return again.scores if isinstance(again, Scored) else None
