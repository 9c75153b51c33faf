"""How far one array of numbers is from another, in decibels."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Noise:
    """What stands in the place of a reference, compared with it. Those of two blocks add up.

    Attributes:
        signal: sum of the squares of the reference.
        noise: sum of the squares of the differences.
        max_abs: the largest difference.
        low: the smallest value of the reference.
        high: its largest.
    """

    signal: float
    noise: float
    max_abs: float
    low: float
    high: float

    def __add__(self, other: Noise) -> Noise:
        """Of both blocks together."""
        return Noise(
            self.signal + other.signal,
            self.noise + other.noise,
            max(self.max_abs, other.max_abs),
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def sqnr_db(self) -> float | None:
        """Signal-to-quantization-noise ratio, 10 log10(signal / noise), in dB; None where no number differs at all.

        Each bit is worth 6.02 dB. A reference that is all zeros counts as the smallest number there is.
        """
        return 10.0 * math.log10(max(self.signal, sys.float_info.min) / self.noise) if self.noise else None


def compare(reference: NDArray[np.floating], other: NDArray[np.floating]) -> Noise:
    """The noise in `other`, of the same shape as `reference` and not empty.

    Raises:
        ContentError: the shapes differ, or a number is not finite: no decibels stand for that.
    """
    if reference.shape != other.shape:
        message = f"arrays of {reference.shape} and {other.shape} cannot be compared."
        raise ContentError(message, "Compare two files of the same network.")
    exact, found = reference.astype(np.float64), other.astype(np.float64)
    difference = found - exact
    if not np.isfinite(difference).all():
        raise ContentError("a value inside the network is not finite.", "Check the weights and the input range.")
    return Noise(
        float(np.square(exact).sum()),
        float(np.square(difference).sum()),
        float(np.abs(difference).max()),
        float(exact.min()),
        float(exact.max()),
    )
