"""The int8 recipe by which a network keeps its decisions best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.integers import affordable, evaluate
from digitedge.analysis.noise import Noise, compare
from digitedge.analysis.saturation import saturating_layers
from digitedge.analysis.tensors import blocks, scores_name
from digitedge.export.quantize.onnx_int8 import quantize
from digitedge.export.quantize.ranges import least_error_ranges, whole_ranges
from digitedge.export.quantize.recipes import RECIPES, Recipe
from digitedge.measure.cpus import labels
from digitedge.measure.statistics import mcnemar_p

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from digitedge.export.quantize.ranges import Range

CHANCE = 0.05  # above this p-value, two counts of changed decisions are alike
ALIKE_DB = 3.0  # half the noise power, half a bit


@dataclass(frozen=True, eq=False)
class Judged:
    """What a quantized model does to the decisions of its float network, on images that it was not calibrated with.

    Attributes:
        reference: int64 (n,), what the float network decides.
        here: int64 (n,), what the quantized one decides on this machine's ONNX Runtime.
        in_integers: int64 (n,), what it decides by exact integer arithmetic; None where that was not computed.
    """

    reference: NDArray[np.int64]
    here: NDArray[np.int64]
    in_integers: NDArray[np.int64] | None

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Where, bool (n,), the float network's decision is kept on both, as far as it was computed."""
        kept: NDArray[np.bool_] = self.here == self.reference
        if self.in_integers is not None:
            kept &= self.in_integers == self.reference
        return kept


@dataclass(frozen=True, eq=False)
class Candidate:
    """One recipe and what came of it.

    Attributes:
        recipe: how the integers were made.
        model: onnx.ModelProto with QDQ nodes.
        ranges: of the activations.
        saturating: weights for which CPUs without VNNI would give other sums; such a candidate is never chosen, and
            not judged.
        judged: what it decides.
        sqnr_db: of its scores; None where none differs, or it was not judged.
    """

    recipe: Recipe
    model: Any
    ranges: Mapping[str, Range]
    saturating: tuple[str, ...]
    judged: Judged | None
    sqnr_db: float | None

    def facts(self) -> dict[str, Any]:
        """JSON types, for the manifest. What was not computed is None."""
        judged = self.judged
        exact = None if judged is None else judged.in_integers
        return {
            "name": self.recipe.name,
            "saturates": bool(self.saturating),
            "agreement_here": None if judged is None else float((judged.here == judged.reference).mean()),
            "agreement_in_integers": None
            if judged is None or exact is None
            else float((exact == judged.reference).mean()),
            "sqnr_db": None if self.sqnr_db is None else round(self.sqnr_db, 2),
            "size_bytes": self.model.ByteSize(),
        }


def choose(
    prepared: Any, images: NDArray[np.float32], held_out: NDArray[np.float32]
) -> tuple[Candidate, tuple[Candidate, ...]]:
    """The best of all recipes, and all of them.

    All are judged on this machine's ONNX Runtime. Exact integer arithmetic in NumPy takes longer: it judges the best,
    which must remain the best after that. A decision that the others would lose there could not make them better.

    Args:
        prepared: onnx.ModelProto of `onnx_int8.prepare`.
        images: float32 (n, ...) as its input expects: the ranges are taken from these.
        held_out: float32 (m, ...), other training images; of a large network, not all are used.
    """
    judged_on = held_out[: affordable(prepared)]
    made = list(_candidates(prepared, images, judged_on))
    while True:
        chosen = best(made)
        assert chosen.judged is not None  # what is not judged is not the best
        if chosen.judged.in_integers is not None:
            return chosen, tuple(made)
        exact = labels(evaluate(chosen.model, judged_on))
        made[made.index(chosen)] = replace(chosen, judged=replace(chosen.judged, in_integers=exact))


def _candidates(prepared: Any, images: NDArray[np.float32], judged_on: NDArray[np.float32]) -> Iterator[Candidate]:
    whole = whole_ranges(prepared, images)
    ranges = {"minmax": whole, "mse": least_error_ranges(prepared, images, whole)}
    reference = decisions(prepared, judged_on)
    noise = score_noise(prepared, judged_on)
    for recipe in RECIPES:
        model = quantize(prepared, recipe, ranges[recipe.ranges])
        saturating = saturating_layers(model)
        judged = None if saturating else Judged(reference, decisions(model, judged_on), None)
        sqnr_db = None if saturating else noise(model).sqnr_db
        yield Candidate(recipe, model, ranges[recipe.ranges], saturating, judged, sqnr_db)


def best(made: Sequence[Candidate]) -> Candidate:
    """The candidate to take.

    1. None that could saturate.
    2. Those that keep the most decisions, and those of which McNemar's test cannot tell that they keep fewer: a flip
       more or less in 2,000 is chance.
    3. Of these, those whose scores have at most 3 dB more noise than the least noisy ones: what flips are made of, and
       what can be measured where there are none.
    4. Of these, the first in the order of `RECIPES`.

    The size decides nothing: the scales of channels are 1 to 2 % of a file, and the smallest recipe is the noisiest.

    Args:
        made: at least one that cannot saturate.
    """
    safe = [(one, one.judged.alike) for one in made if one.judged is not None]
    most = max((alike for _, alike in safe), key=lambda alike: int(alike.sum()))
    tied = [one for one, alike in safe if mcnemar_p(most, alike) > CHANCE]
    quiet = max(_decibels(one) for one in tied)
    return next(one for one in tied if _decibels(one) >= quiet - ALIKE_DB)


def decisions(model: Any, images: NDArray[np.float32]) -> NDArray[np.int64]:
    """int64 (n,): what a model decides on this machine's ONNX Runtime, optimised for it."""
    (output,) = (value.name for value in model.graph.output)
    return np.concatenate([labels(block[output]) for block in blocks(model, images, [output], optimize=True)])


def score_noise(prepared: Any, images: NDArray[np.float32]) -> Callable[[Any], Noise]:
    """A function that tells the noise in the scores of a quantized model, against those of the float network.

    Args:
        prepared: onnx.ModelProto, the float network, which is computed once.
        images: float32 (n, ...) as the input of both expects.
    """

    def scores(model: Any) -> NDArray[np.float32]:
        name = scores_name(model)
        return np.concatenate([block[name] for block in blocks(model, images, [name])])

    reference = scores(prepared)
    return lambda model: compare(reference, scores(model))


def _decibels(candidate: Candidate) -> float:
    return np.inf if candidate.sqnr_db is None else candidate.sqnr_db
