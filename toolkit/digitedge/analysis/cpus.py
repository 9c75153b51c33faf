"""On which CPUs a quantized model decides how: by the two ways in which CPUs add up products of bytes.

CPUs are compared by one and the same computation: the integer evaluator's exact sums with its saturating ones, ONNX
Runtime with ONNX Runtime. The evaluator and an engine can round a mean or a sum of two values to neighbouring integers
(see `integers`), and a nearly undecided image then gets another label: that is said beside the row, and is no
difference between CPUs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.integers import affordable, batch_of, evaluate
from digitedge.analysis.saturation import saturating_layers
from digitedge.data.preprocess import to_input, to_unit
from digitedge.files import read_bytes
from digitedge.images import blocks
from digitedge.measure import machine
from digitedge.measure.cpus import known_here, labels, row
from digitedge.measure.parity import softmax
from digitedge.runtime.metadata import KEY, from_json
from digitedge.runtime.model import one_hot
from digitedge.runtime.onnx import open_session
from digitedge.runtime.provider import require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from digitedge.images import Images
    from digitedge.measure.limits import CpuLabels
    from digitedge.spec import Spec

EXACT_CPUS = "VNNI, AMX or ARM"
PAIRING_CPUS = "AVX2 or AVX-512 without VNNI"
_IMAGES = 1_000  # read at once


@dataclass(frozen=True, eq=False)
class BothWays:
    """What a model gives by either arithmetic.

    Attributes:
        exact: (n, classes) or labels (n,), products added up in 32 bits.
        pairs: in pairs of 16 bits; `exact` itself where the weights say that no pair can saturate.
        saturable: whether one can.
    """

    exact: NDArray[Any]
    pairs: NDArray[Any]
    saturable: bool


def cpu_labels(
    path: Path,
    images: Images,
    here: NDArray[np.float32],
    reference: NDArray[np.float32],
    *,
    precise: NDArray[np.float32] | None,
    engine: str,
) -> tuple[CpuLabels, ...]:
    """What an int8 .onnx file decides on each kind of CPU.

    Args:
        path: of the file.
        images: uint8 (n, height, width, channels). Of a large network as many are evaluated as take some seconds,
            evenly spread: `n` of the last two rows.
        here: scores (n, classes) that it gives on this machine.
        reference: scores (n, classes) of the original.
        precise: those of this machine with `session.x64quantprecision=1`; None where that could not be run.
        engine: that gave `here`, with its version.

    Returns:
        This machine; this machine with `precise`; CPUs that sum exactly; CPUs that sum in pairs. `differs` counts the
        labels that saturation changes, see above.

    Raises:
        ContentError: the file cannot be read, or its sums can leave 32 bits, so that there is no one answer.
    """
    model = onnx.load_from_string(read_bytes(path))
    spec = from_json(path, {entry.key: entry.value for entry in model.metadata_props}[KEY]).spec
    known = known_here("onnx", engine, here, reference, precise)
    number = min(len(images), affordable(model))
    places = np.arange(number) * len(images) // number
    some = images[places] if isinstance(images, np.ndarray) else images.take(places)
    with np.errstate(all="ignore"):  # a scale that is no number has its own check (`quantization_check`)
        found = both_ways(model, (to_input(to_unit(block), spec) for block in blocks(some, _IMAGES)))
        found = BothWays(_scores(found.exact, spec), _scores(found.pairs, spec), found.saturable)
    saturates = _saturates(here[places], None if precise is None else precise[places], found)
    return *known, *_rows(found, reference[places], here[places], engine, saturates_here=saturates)


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
    here, found = _run(model, inputs), both_ways(model, [inputs])
    exact, pairs = _rows(found, reference_scores, here, _engine(), saturates_here=_saturates(here, None, found))
    (this,) = known_here("onnx", _engine(), here, reference_scores)
    return {
        "vnni_or_arm": _fact(exact),
        "avx2_or_avx512": _fact(pairs),
        "this_machine": {**_fact(this), "flags": machine.describe()["flags"]},
    }


def both_ways(model: onnx.ModelProto, inputs: Iterable[NDArray[Any]]) -> BothWays:
    """What a model gives for blocks of inputs by either arithmetic; the saturating one only where it can differ."""
    saturable, exact, pairs = bool(saturating_layers(model)), [], []
    for block in inputs:
        exact.append(evaluate(model, block))
        pairs.append(evaluate(model, block, saturating=True) if saturable else exact[-1])
    return BothWays(np.concatenate(exact), np.concatenate(pairs), saturable)


def _rows(
    found: BothWays, reference: NDArray[Any], here: NDArray[Any], engine: str, *, saturates_here: bool
) -> tuple[CpuLabels, CpuLabels]:
    like = found.pairs if saturates_here else found.exact
    rounded = int((labels(like) != labels(here)).sum())
    aside = (
        f", which rounds {rounded:,} label{'' if rounded == 1 else 's'} otherwise than {engine} here" if rounded else ""
    )
    by_pairs = "16-bit saturation emulated" if found.saturable else "no two weights can saturate 16 bits"
    exact = row(EXACT_CPUS, f"integer evaluation{aside}", found.exact, reference, like)
    return exact, row(PAIRING_CPUS, by_pairs, found.pairs, reference, like)


def _saturates(here: NDArray[Any], precise: NDArray[Any] | None, found: BothWays) -> bool:
    """Whether sums saturate on this machine: what its engine says, else which arithmetic its scores are nearer to."""
    if precise is not None:
        return not np.array_equal(here, precise, equal_nan=True)
    return bool(np.abs(here - found.pairs).sum() < np.abs(here - found.exact).sum())


def _scores(given: NDArray[Any], spec: Spec) -> NDArray[Any]:
    """As `runtime.loading.score` gives them: (n, classes)."""
    if spec.output_kind == "label":
        return one_hot(given, spec)
    return softmax(given) if spec.output_kind == "logits" else given


def _fact(found: CpuLabels) -> dict[str, Any]:
    facts = {key: value for key, value in asdict(found).items() if key != "differs"}
    return {**facts, "agreement": (found.n - found.flips) / found.n}


def _run(model: onnx.ModelProto, inputs: NDArray[Any]) -> NDArray[Any]:
    session = open_session(Path("int8.onnx"), model.SerializeToString(), require("cpu"))
    (name,), size = [value.name for value in session.get_inputs()], batch_of(model)
    return np.concatenate(
        [session.run(None, {name: inputs[start : start + size]})[0] for start in range(0, len(inputs), size)]
    )


def _engine() -> str:
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"
