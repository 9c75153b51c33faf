"""One file in one engine, as an entry of `results` of the `verify` document. A figure that is not a number is null."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from digitedge.measure.limits import reason
from digitedge.runtime.loading import format_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitedge.artifact import Golden
    from digitedge.measure.limits import Check, CpuLabels
    from digitedge.measure.parity import Flip, ParityReport
    from digitedge.verify.target import Described, Lost

Row = dict[str, Any]

# Taken over from the report under the same names.
_FIGURES = (
    "n",
    "agreement",
    "agreement_low",
    "agreement_high",
    "accuracy",
    "accuracy_reference",
    "mcnemar_p",
    "max_abs",
    "mean_abs",
    "sqnr_db",
    "confidence_drift",
    "calibration_error",
    "calibration_error_reference",
)


@dataclass(frozen=True)
class Judged:
    """A file in an engine, its figures, and every check that it was put to.

    Attributes:
        path: of the file.
        format: `onnx`, `tflite`, `c99` or `keras`.
        precision: a key of `measure.limits.LIMITS`.
        parity: how it compares to the reference.
        checks: that it was put to; it passed if all of them did.
        provider: an execution provider, or `cpu`.
        engine: with its version, for people.
        batch_abs: of `measure.limits.Evidence`.
        cpus: on other kinds of CPU.
    """

    path: Path
    format: str
    precision: str
    parity: ParityReport
    checks: Sequence[Check]
    provider: str = "cpu"
    engine: str | None = None
    batch_abs: float | None = None
    cpus: Sequence[CpuLabels] = ()


def parity_row(judged: Judged, golden: Golden) -> Row:
    """The row of a file that ran.

    Args:
        judged: the file.
        golden: the very images that `judged.parity` is of.
    """
    parity = judged.parity
    return {
        **_head(judged.path, judged.format, judged.precision, judged.provider, judged.engine),
        **{name: _finite(getattr(parity, name)) for name in _FIGURES},
        "batch_abs": _finite(judged.batch_abs),
        "flips": len(parity.flips),
        "passed": all(check.passed for check in judged.checks),
        "reason": reason(judged.checks),
        "checks": [_check(check) for check in judged.checks],
        "flipped": golden.places_of(flip.index for flip in parity.flips),
        "flipped_to": [flip.label_candidate for flip in parity.flips],
        "flip_details": _flips(parity.flips, golden),
        "flips_by_class": _by_class(parity.flips, golden.classes),
        "per_class": [{"name": golden.classes[one.label], **asdict(one)} for one in parity.per_class],
        "cpus": [asdict(cpu) for cpu in judged.cpus],
        "picture": None,
        "note": None,
    }


def lost_row(lost: Lost, described: Described | None = None) -> Row:
    """The row of a file that brought its process down or did not return: the same keys, and no figures.

    Args:
        lost: how it ended.
        described: what it said of itself before; None where it was lost while it was loaded.
    """
    target = lost.target
    precision, engine = (described.precision, described.engine) if described else (None, target.engine)
    return {
        **_head(target.path, format_of(target.path), precision, target.provider, engine),
        **dict.fromkeys((*_FIGURES, "batch_abs", "flips")),
        "passed": False,
        "reason": lost.reason,
        **{name: [] for name in ("checks", "flipped", "flipped_to", "flip_details", "per_class", "cpus")},
        "flips_by_class": {},
        "picture": None,
        "note": None,
    }


def _head(path: Path, kind: str, precision: str | None, provider: str, engine: str | None) -> Row:
    return {"path": str(path), "format": kind, "precision": precision, "provider": provider, "engine": engine or ""}


def _finite(figure: float | None) -> float | None:
    return figure if figure is not None and math.isfinite(figure) else None


def _check(check: Check) -> Row:
    return {**asdict(check), "figure": _finite(check.figure), "limit": _finite(check.limit)}


def _flips(flips: Sequence[Flip], golden: Golden) -> list[Row]:
    """Each flip with its place in the data set, and the names of its classes beside their indices."""
    places = golden.places_of(flip.index for flip in flips)
    return [_flip(flip, place, golden.classes) for flip, place in zip(flips, places, strict=True)]


def _flip(flip: Flip, place: int, classes: Sequence[str]) -> Row:
    def name(label: int | None) -> str | None:
        return None if label is None else classes[label]

    return {
        "place": place,
        "label": flip.label,
        "label_reference": flip.label_reference,
        "label_candidate": flip.label_candidate,
        "class": name(flip.label),
        "class_reference": name(flip.label_reference),
        "class_candidate": name(flip.label_candidate),
        "confidence_reference": flip.confidence_reference,
        "confidence_candidate": flip.confidence_candidate,
        "margin_reference": flip.margin_reference,
        "margin_candidate": flip.margin_candidate,
    }


def _by_class(flips: Sequence[Flip], classes: Sequence[str]) -> dict[str, int]:
    """Flips for each class that the reference decided for, in the order of the classes."""
    counts = Counter(flip.label_reference for flip in flips)
    return {name: counts[label] for label, name in enumerate(classes) if counts[label]}
