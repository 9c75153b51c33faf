"""Figures of the scores behind the decisions: how far they moved, and whether they still mean what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from digitedge.measure.statistics import calibration_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.measure.decisions import Decided

FIGURES = ("max_abs", "mean_abs", "sqnr_db", "confidence_drift", "calibration_error", "calibration_error_reference")
# What float16 rounds a probability by at most is 0.0005.
_HAIR = 1e-3


def no_figures() -> dict[str, float | None]:
    """`score_figures` where decisions alone can be compared."""
    return dict.fromkeys(FIGURES)


def score_figures(reference: Decided, candidate: Decided) -> dict[str, float | None]:
    """Those figures of a `ParityReport` that come from the scores, as it defines them, by name."""
    figures = dict.fromkeys(FIGURES, math.nan) | {
        "calibration_error": _calibration_error(candidate),
        "calibration_error_reference": _calibration_error(reference),
    }
    if not (reference.finite.all() and candidate.finite.all()):
        return figures
    signal = reference.scores.astype(np.float64)
    noise = signal - candidate.scores
    distance = np.abs(noise)
    return figures | {
        "max_abs": float(distance.max()),
        "mean_abs": float(distance.mean()),
        "sqnr_db": sqnr_db(signal, noise),
        "confidence_drift": float((candidate.confidence - reference.confidence).mean()),
    }


def sum_abs(scores: NDArray[np.float32]) -> float:
    """How far scores (n, classes) are from being probabilities, in one figure.

    The larger of two, over all images: how far the sum is from 1, and how far a value is below 0. It is about 1e-7
    behind a softmax in float32, and several units where the softmax is missing.

    Returns:
        At least 0; NaN where a score is not finite.
    """
    if not np.isfinite(scores).all():
        return math.nan
    wide = scores.astype(np.float64)
    return max(float(np.abs(wide.sum(axis=1) - 1).max()), float(-wide.min()))


def sqnr_db(signal: NDArray[np.float64], noise: NDArray[np.float64]) -> float | None:
    """Signal-to-quantization-noise ratio: 10 log10 (sum of signal squared / sum of noise squared), decibels.

    Every 6 dB are one bit. None where there is no noise, -inf where there is nothing but noise.
    """
    power, noise_power = float((signal**2).sum()), float((noise**2).sum())
    if noise_power == 0:
        return None
    return 10 * math.log10(power / noise_power) if power else -math.inf


def _calibration_error(side: Decided) -> float | None:
    if side.right is None:
        return None
    if not side.finite.all():
        return math.nan
    if side.scores.min() < -_HAIR or side.scores.max() > 1 + _HAIR:
        return None  # no probabilities
    return calibration_error(side.confidence, side.right)
