"""What a quantized model decides, computed in integers whatever CPU this is, and on which CPUs that is a proof.

The arithmetic is that of a CPU with VNNI or ARM's dot products: products of 8 bits added up in 32, then `round half to
even of float32(sum) * float32(input scale * weight scale / output scale)`, plus the zero point, clipped. ONNX Runtime's
convolutions and dense layers compute just that (MlasRequantizeOutput), and are equal to the bit wherever nothing
saturates. Its sums of two values and its means compute the same formula in another order, or in fixed point (ARM), and
its sigmoid is an approximation: those can be one step off where a value lies between two integers, as the mean of 4
often does. So, seldom, can everything in an engine that computes a QDQ graph in float as it is written: ONNX Runtime
without optimisation, onnx's ReferenceEvaluator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integer_evaluation import values
from digitedge.analysis.lowering import lower
from digitedge.analysis.saturation import saturating_layers
from digitedge.measure import machine
from digitedge.runtime.onnx import open_session
from digitedge.runtime.provider import require

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_BLOCK = 100  # images at once: enough for the matrix multiplications, few enough for the memory


def evaluate(model: onnx.ModelProto, inputs: NDArray[Any], *, saturating: bool = False) -> NDArray[Any]:
    """The scores of a quantized model.

    Args:
        model: with QDQ nodes. What it leaves in float is computed in float32.
        inputs: (n, ...) as the model's input expects: float32 (n, channels, height, width), or bytes.
        saturating: add up products in pairs of 16 bits, as CPUs with AVX2 or AVX-512 and without VNNI do.

    Returns:
        (n, classes), or what else the model gives.

    Raises:
        ContentError: the sums of a layer can leave 32 bits, so that there is no one answer.
    """
    graph, size = lower(model), _batch(model)
    blocks = (inputs[start : start + size] for start in range(0, len(inputs), size))
    return np.concatenate([values(graph, block, saturating=saturating)[graph.output] for block in blocks])


def proved_on(model: onnx.ModelProto, inputs: NDArray[Any], reference_scores: NDArray[Any]) -> dict[str, Any]:
    """For each class of CPU how often a quantized model decides as its reference, and how that is known.

    Args:
        model: with QDQ nodes.
        inputs: (n, ...) as the model's input expects.
        reference_scores: (n, classes) of the same images, or labels (n,) of a model that gives labels.

    Returns:
        JSON types: `vnni_or_arm`, `avx2_or_avx512` and `this_machine`, each with `cpu` (what CPUs it holds for),
        `by` (what computed it), `n`, `flips` (other labels than the reference's), `agreement` in [0, 1]; and `flags`
        of this machine's CPU.
    """
    exact = evaluate(model, inputs)
    unsafe = saturating_layers(model)
    pairs = evaluate(model, inputs, saturating=True) if unsafe else exact
    here = machine.describe()
    by_pairs = "16-bit saturation emulated" if unsafe else "no two weights can saturate 16 bits"
    return {
        "vnni_or_arm": _fact("VNNI, AMX or ARM", "integer evaluation", exact, reference_scores),
        "avx2_or_avx512": _fact("AVX2 or AVX-512 without VNNI", by_pairs, pairs, reference_scores),
        "this_machine": {
            **_fact(machine.summary(here), _engine(), _run(model, inputs), reference_scores),
            "flags": here["flags"],
        },
    }


def _fact(cpu: str, by: str, scores: NDArray[Any], reference: NDArray[Any]) -> dict[str, Any]:
    flips = int((labels(scores) != labels(reference)).sum())
    return {"cpu": cpu, "by": by, "n": len(scores), "flips": flips, "agreement": (len(scores) - flips) / len(scores)}


def labels(scores: NDArray[Any]) -> NDArray[np.int64]:
    """What scores (n, classes) decide; -1 where one is not finite. Labels (n,) are themselves."""
    if scores.ndim == 1:
        return scores.astype(np.int64)
    decided: NDArray[np.int64] = np.where(np.isfinite(scores).all(axis=1), scores.argmax(axis=1), -1)
    return decided


def _run(model: onnx.ModelProto, inputs: NDArray[Any]) -> NDArray[Any]:
    session = open_session(Path("int8.onnx"), model.SerializeToString(), require("cpu"))
    (name,), size = [value.name for value in session.get_inputs()], _batch(model)
    blocks = (inputs[start : start + size] for start in range(0, len(inputs), size))
    return np.concatenate([session.run(None, {name: block})[0] for block in blocks])


def _engine() -> str:
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"


def _batch(model: onnx.ModelProto) -> int:
    constants = {tensor.name for tensor in model.graph.initializer}
    (image,) = (value for value in model.graph.input if value.name not in constants)
    fixed: int = image.type.tensor_type.shape.dim[0].dim_value
    return fixed or _BLOCK
