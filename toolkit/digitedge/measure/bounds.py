"""The one table of limits: what a file must reach, per precision, each bound with its reason as text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from digitedge.measure.statistics import binomial_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitedge.measure.parity import ParityReport

FP32, FP16, INT8_WEIGHTS, INT8 = PRECISIONS = ("fp32", "fp16", "int8-weights", "int8")


@dataclass(frozen=True)
class Limits:
    """The bounds of one precision; None means not bounded.

    Attributes:
        max_flips: share of the images whose top-1 label may change, in [0, 1].
        max_flips_of_errors: the same as a share of what the reference itself gets wrong; the larger bound counts.
        max_drop: of the accuracy, in [0, 1]; 0.001 is 0.10 percentage points.
        max_abs: of any score; not judged where a model gives labels alone.
        max_sum_abs: of how far the scores of an image are from being probabilities (`scores.sum_abs`),
        max_sum_abs_per_class: and so much more for each class.
        max_batch_abs: of any score, between an image alone and in a batch.
        max_drift: of the mean confidence, in either direction.
        max_cpu_labels: images that may get another label on another kind of CPU than on this machine.
        flips_count: images whose label may change, whatever the shares say; None for the shares.
        chance_excuses: whether a loss of accuracy passes that McNemar's test calls chance.
    """

    max_flips: float
    max_flips_of_errors: float
    max_drop: float | None = None
    max_abs: float | None = None
    max_sum_abs: float | None = None
    max_sum_abs_per_class: float = 0.0
    max_batch_abs: float | None = None
    max_drift: float | None = None
    max_cpu_labels: int | None = None
    flips_count: int | None = None
    chance_excuses: bool = True

    def flips_allowed(self, report: ParityReport, n: int | None = None, *, sampled: bool = False) -> int:
        """How many labels may change: of all the images of a report, or of `n` of them.

        Where any may, one always may: a single image of a hundred proves nothing. Where the images are a sample of
        those that the file is judged on elsewhere, it may be as many as a file right at the bound has in 19 of 20
        samples: the bound is of the whole.
        """
        if self.flips_count is not None:
            return self.flips_count
        if self.max_flips == 0.0:
            return 0
        errors = 0.0 if report.accuracy_reference is None else 1.0 - report.accuracy_reference
        share = max(self.max_flips, self.max_flips_of_errors * errors)
        images = report.n if n is None else n
        return max(1, binomial_quantile(images, share, 0.95) if sampled else math.floor(images * share + 1e-9))

    def sum_allowed(self, report: ParityReport) -> float | None:
        """How far the scores of an image may be from being probabilities; None where that is not bounded."""
        return None if self.max_sum_abs is None else self.max_sum_abs + self.max_sum_abs_per_class * report.classes


class Row(NamedTuple):
    """One row of the table: the precision it is for, the check, its limit and the reason, all for people."""

    precision: str
    check: str
    limit: str
    why: str


@dataclass(frozen=True)
class _Rule:
    check: str
    precisions: tuple[str, ...]
    bounds: Mapping[str, Any]  # fields of `Limits`
    why: str


_RULES = (
    _Rule(
        "finite",
        PRECISIONS,
        {},
        "A NaN or an infinity is no decision, whatever else is right. Nothing loosens this.",
    ),
    _Rule(
        "probabilities",
        (FP32, FP16, INT8_WEIGHTS),
        {"max_sum_abs": 1e-3},
        "Behind a softmax the scores of an image sum to 1 within 4e-7, or 5e-4 where they are written as float16. "
        "Where the softmax is missing they are several units off.",
    ),
    _Rule(
        "probabilities",
        (INT8,),
        {"max_sum_abs": 1e-3, "max_sum_abs_per_class": 1 / 256},
        "A file may give its scores as 8-bit integers: each is then rounded to a step of 1/256, and a sum is off by "
        "as many steps as there are classes at most (0.016 with the 10 classes of `classic`).",
    ),
    _Rule(
        "batch",
        (FP32,),
        {"max_batch_abs": 1e-5},
        "An engine may add up in another order for another number of images: 1.4e-6 was seen in twelve "
        "architectures. No label may change.",
    ),
    _Rule(
        "batch",
        (FP16, INT8_WEIGHTS),
        {"max_batch_abs": 5e-3},
        "Another order moves what is rounded to 11 bits, or a layer's inputs that are rounded to 8 while it runs: a "
        "few times what one rounding does. No label may change.",
    ),
    _Rule(
        "batch",
        (INT8,),
        {"max_batch_abs": 5e-2},
        "A float that is rounded to the next 8-bit integer instead moves a probability by a step: 5e-3 was seen, "
        "0.04 is a step of logits that span 40. No label may change.",
    ),
    _Rule(
        "labels",
        (FP32,),
        {"max_flips": 0.0, "max_flips_of_errors": 0.0},
        "The same arithmetic in another order: a label that changes is another computation.",
    ),
    _Rule(
        "labels",
        (FP16,),
        {"max_flips": 0.001, "max_flips_of_errors": 0.05},
        "11 significant bits instead of 24 move a probability by about 1e-3. Where two classes are that close the "
        "label can change: once in some thousand images, more often in a model that is often undecided.",
    ),
    _Rule(
        "labels",
        (INT8_WEIGHTS, INT8),
        {"max_flips": 0.002, "max_flips_of_errors": 0.1},
        "Every tensor, or every weight, is rounded to 1 part in 256. Scores move visibly, decisions must not: two "
        "labels in a thousand is what a careful recipe loses at most on a good model. A weak one is undecided more "
        "often, in proportion to its errors: a tenth of them. Of a sample, which is all that a slow engine runs, "
        "it may be as many as such a share comes to in 19 of 20 samples.",
    ),
    _Rule(
        "accuracy",
        (FP16, INT8_WEIGHTS, INT8),
        {"max_drop": 0.001},
        "About one standard deviation of an accuracy that is measured on 10,000 images (0.07 at 99.5 %). On fewer "
        "images such a loss can be chance: it counts where McNemar's exact test gives less than 0.05.",
    ),
    _Rule(
        "scores",
        (FP32,),
        {"max_abs": 1e-4},
        "Float32 rounding moves a probability by about 1e-6. A difference of 1e-4 is another computation.",
    ),
    _Rule(
        "scores",
        (FP16,),
        {"max_abs": 2e-2},
        "A logit of 10 moves by about 5e-3 with each layer, a probability by a quarter of that at most: 1e-3 with "
        "`classic`, 1e-2 with the deepest of twelve architectures. Twice that is another computation.",
    ),
    _Rule(
        "confidence",
        (FP32,),
        {"max_drift": 1e-5},
        "Rounding cancels out in the mean of many images: 3e-8 was seen.",
    ),
    _Rule(
        "confidence",
        (FP16,),
        {"max_drift": 2e-3},
        "Rounding cancels out in the mean of many images: 5e-5 was seen.",
    ),
    _Rule(
        "confidence",
        (INT8_WEIGHTS,),
        {"max_drift": 0.03},
        "5e-3 was seen at most in twelve architectures. A softmax that is applied twice moves it by 0.25 to 0.75, "
        "and changes no label.",
    ),
    _Rule(
        "confidence",
        (INT8,),
        {"max_drift": 0.05},
        "9e-3 was seen at most in twelve architectures. A softmax that is applied twice moves it by 0.25 to 0.75, "
        "and changes no label: of an int8 file nothing else would tell.",
    ),
    _Rule(
        "cpus",
        (FP32, INT8),
        {"max_cpu_labels": 0},
        "A recipe that cannot saturate gives the same integers on every CPU, with and without 8-bit dot products. "
        "What decides otherwise elsewhere was never tested there.",
    ),
    _Rule(
        "cpus",
        (FP16, INT8_WEIGHTS),
        {},
        "A CPU may compute in float16, or round the inputs of a layer in its own way: on each, the bound of labels "
        "holds against the reference.",
    ),
)


def _limits(precision: str) -> Limits:
    bounds: dict[str, Any] = {}
    for rule in _RULES:
        bounds |= rule.bounds if precision in rule.precisions else {}
    return Limits(**bounds)


LIMITS = {precision: _limits(precision) for precision in PRECISIONS}


def table() -> tuple[Row, ...]:
    """Every bound with its reason, check by check; precisions that share a bound share a row."""
    return tuple(Row(", ".join(rule.precisions), rule.check, _spelled(rule), rule.why) for rule in _RULES)


def _spelled(rule: _Rule) -> str:
    bounds = rule.bounds
    if "max_flips" in bounds:
        share, of_errors = bounds["max_flips"], bounds["max_flips_of_errors"]
        return (
            f"{share * 100:g} % of the images, or {of_errors * 100:g} % of the reference's errors"
            if share
            else "0 images"
        )
    if "max_drop" in bounds:
        return f"{bounds['max_drop'] * 100:.2f} points"
    if "max_sum_abs_per_class" in bounds:
        return f"{bounds['max_sum_abs']:g} + {bounds['max_sum_abs_per_class']:.4f} a class"
    if rule.check in ("finite", "cpus"):
        return "0 images" if "max_cpu_labels" in bounds or rule.check == "finite" else "as labels"
    return f"{next(iter(bounds.values())):g}"
