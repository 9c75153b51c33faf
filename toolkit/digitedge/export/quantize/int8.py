"""A float network in, the int8 network that decides most like it out, with the proof."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from digitedge.analysis.coverage import Coverage, coverage
from digitedge.analysis.cpus import proved_on
from digitedge.analysis.integers import affordable
from digitedge.errors import ContentError
from digitedge.export.quantize.choosing import choose, decisions
from digitedge.export.quantize.onnx_int8 import prepare
from digitedge.export.quantize.sensitivity import Relaxed, relax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALF = 0.5


@dataclass(frozen=True, eq=False)
class Images:
    """Training images as the network's input expects them.

    Attributes:
        calibration: float32 (n, ...): the ranges of activations are taken from these.
        held_out: float32 (m, ...): what the int8 network is judged on.
        labels: int64 (m,), of `held_out`; None where nobody has labelled them.
    """

    calibration: NDArray[np.float32]
    held_out: NDArray[np.float32]
    labels: NDArray[np.int64] | None


def to_int8(model: Any, images: Images, max_drop_points: float | None = None) -> tuple[Any, dict[str, Any]]:
    """The network in 8-bit integers, as QDQ nodes, by the recipe that keeps its decisions best.

    Args:
        model: onnx.ModelProto, float32. It is not changed.
        images: to calibrate with and to judge by.
        max_drop_points: of the accuracy, in percentage points: layers stay in float until it holds. None keeps every
            layer in integers.

    Returns:
        onnx.ModelProto; and for the manifest: `recipe`, `proved_on`, `int8_weights_share`, `int8_macs_share`,
        `float_islands`, `size_ratio` (of this graph's bytes to the float one's), and with `max_drop_points` `max_drop`
        and `sensitivity`.

    Raises:
        ContentError: not even half of it can be in integers, or the accuracy cannot be kept.
    """
    prepared = prepare(model)
    chosen, made = choose(prepared, images.calibration, images.held_out)
    result, relaxed = chosen.model, None
    if max_drop_points is not None:
        held_out = images.held_out[: affordable(prepared)]
        labels = None if images.labels is None else images.labels[: len(held_out)]
        relaxed = relax(prepared, chosen, held_out, labels, max_drop_points)
        result = relaxed.model
    covered = require_integers(result, all_of_it=max_drop_points is None)
    judged_on = images.held_out[: affordable(prepared)]
    return result, {
        "recipe": {
            **asdict(chosen.recipe),
            "calibrated_on": len(images.calibration),
            "chosen_on": len(judged_on),
            "candidates": [one.facts() for one in made],
        },
        "proved_on": proved_on(result, judged_on, decisions(prepared, judged_on)),
        "int8_weights_share": covered.weights_share,
        "int8_macs_share": covered.macs_share,
        "float_islands": list(covered.islands),
        "size_ratio": result.ByteSize() / model.ByteSize(),
        **({} if relaxed is None else _relaxed_facts(relaxed)),
    }


def require_integers(model: Any, *, all_of_it: bool) -> Coverage:
    """How much of a model is in integers.

    Args:
        model: onnx.ModelProto that is to be called int8.
        all_of_it: whether no layer was meant to stay in float. Then half of the weights and half of the arithmetic is
            the least; else half of either.

    Raises:
        ContentError: it is less.
    """
    covered = coverage(model)
    shares = (covered.weights_share, covered.macs_share)
    if (min(shares) if all_of_it else max(shares)) >= HALF:
        return covered
    if not any(shares):
        raise ContentError("nothing in this model can be quantized to int8.", "Export it without --int8.")
    floats = ", ".join(covered.float_layers) or "what is no convolution and no dense layer"
    message = (
        f"only {covered.weights_share:.0%} of the weights and {covered.macs_share:.0%} of the arithmetic would be in "
        f"int8; in float stays {floats}."
    )
    raise ContentError(message, "Export it without --int8." if all_of_it else "Allow more with --max-drop.")


def _relaxed_facts(relaxed: Relaxed) -> dict[str, Any]:
    return {
        "max_drop": {
            "goal_points": relaxed.goal_points,
            "judged_by": relaxed.judged_by,
            "accuracy_float": relaxed.accuracy_float,
            "accuracy_int8": relaxed.accuracy_int8,
            "accuracy": relaxed.accuracy,
        },
        "sensitivity": [asdict(row) for row in relaxed.rows],
    }
