"""`--max-drop`: the layers that suffer most from integers stay in float, until the accuracy holds.

Layers are ranked by the noise in the scores of the network when that layer alone is in integers, as in "A Practical
Mixed Precision Algorithm for Post-Training Quantization" (https://arxiv.org/abs/2302.05397, phase 1). The noise behind
a layer when all are in integers would blame it for what the layers before it did, and would not tell whether the
network cares.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integers import evaluate
from digitedge.analysis.layers import layer_named
from digitedge.errors import ContentError
from digitedge.export.quantize.choosing import decisions, score_noise
from digitedge.export.quantize.onnx_int8 import layers, quantize
from digitedge.measure.cpus import labels as decided_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.export.quantize.choosing import Candidate

_RANKED_ON = 200  # images: the order of the layers is plain by then
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One layer, the most sensitive first.

    Attributes:
        layer: of Keras.
        node: that multiplies by its weights.
        sqnr_db: signal-to-quantization-noise ratio of the scores with this layer alone in integers; None where no score
            changes.
        kept_in_float: whether it stays in float.
        accuracy: of the network, in [0, 1], with this layer and those before it in float; None where that was not
            needed.
        size_bytes: of the graph then; None likewise.
    """

    layer: str
    node: str
    sqnr_db: float | None
    kept_in_float: bool
    accuracy: float | None
    size_bytes: int | None


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A network of which some layers may stay in float.

    Attributes:
        model: onnx.ModelProto.
        goal_points: by how much the accuracy may drop, in percentage points.
        judged_by: `accuracy`, or `agreement` with the float network where nobody has labelled the images.
        accuracy_float: of the float network, in [0, 1].
        accuracy_int8: with every layer in integers.
        accuracy: of `model`.
        rows: every layer, the most sensitive first.
    """

    model: Any
    goal_points: float
    judged_by: str
    accuracy_float: float
    accuracy_int8: float
    accuracy: float
    rows: tuple[Sensitivity, ...]


def relax(
    prepared: Any,
    chosen: Candidate,
    held_out: NDArray[np.float32],
    labels: NDArray[np.int64] | None,
    max_drop_points: float,
) -> Relaxed:
    """Keeps the most sensitive layer in float, then the next, until the accuracy is within the goal.

    The accuracy is the worse of that by exact integer arithmetic and that on this machine's ONNX Runtime.

    Args:
        prepared: onnx.ModelProto of `onnx_int8.prepare`.
        chosen: whose recipe and ranges the layers in integers have.
        held_out: float32 (n, ...) as the input expects.
        labels: int64 (n,), or None.
        max_drop_points: percentage points.

    Raises:
        ContentError: even one layer in integers loses more.
    """
    reference = decisions(prepared, held_out)
    truth = reference if labels is None else labels
    in_float = float((reference == truth).mean())
    ranked = rank(prepared, chosen, held_out[:_RANKED_ON])
    steps: list[_Step] = []
    for kept in range(len(ranked)):
        excluded = [node for node, _ in ranked[:kept]]
        model = quantize(prepared, chosen.recipe, chosen.ranges, excluded=excluded)
        steps.append(_Step(model, _accuracy(model, held_out, truth)))
        if in_float - steps[-1].accuracy <= max_drop_points / 100 + _ROUNDING:
            rows = [_row(node, sqnr_db, step) for (node, sqnr_db), step in zip_longest(ranked, steps[1:])]
            judged_by = "agreement" if labels is None else "accuracy"
            return Relaxed(
                model, max_drop_points, judged_by, in_float, steps[0].accuracy, steps[-1].accuracy, tuple(rows)
            )
    raise _beyond_reach(max_drop_points, in_float - max(step.accuracy for step in steps))


def rank(prepared: Any, chosen: Candidate, images: NDArray[np.float32]) -> list[tuple[str, float | None]]:
    """(name of the node, SQNR in dB of the scores with that layer alone in integers) of each layer, the lowest first.

    None, where no score changes, stands last; layers that are alike stand in the order of the graph.
    """
    noise = score_noise(prepared, images)
    alone = {node: quantize(prepared, chosen.recipe, chosen.ranges, only=[node]) for node in layers(prepared)}
    found = [(node, noise(model).sqnr_db) for node, model in alone.items()]
    return sorted(found, key=lambda one: np.inf if one[1] is None else one[1])


@dataclass(frozen=True, eq=False)
class _Step:
    model: Any
    accuracy: float


def _accuracy(model: Any, images: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The worse of that by exact integer arithmetic and that on this machine."""
    decided = decided_labels(evaluate(model, images)), decisions(model, images)
    return float(min((one == truth).mean() for one in decided))


def _row(node: str, sqnr_db: float | None, step: _Step | None) -> Sensitivity:
    return Sensitivity(
        layer=layer_named(node),
        node=node,
        sqnr_db=None if sqnr_db is None else round(sqnr_db, 2),
        kept_in_float=step is not None,
        accuracy=None if step is None else step.accuracy,
        size_bytes=None if step is None else step.model.ByteSize(),
    )


def _beyond_reach(goal_points: float, drop: float) -> ContentError:
    message = (
        f"int8 loses at least {100 * drop:.2f} points however many layers stay in float, and {goal_points:g} were "
        "allowed: only a float file keeps the accuracy."
    )
    return ContentError(message, "Allow more with --max-drop, or export fp32 or --fp16.")
