"""Two things timed in the same rounds: how many times as long does one take as the other, and is that proved?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# A benchmark compares about ten files at once, so that at 95 % every other comparison of equals would cry wolf.
CONFIDENCE = 0.99
# With fewer rounds no interval of that confidence exists: even if all of seven agree, chance does that in 2 / 2**7.
FEWEST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one thing takes as another.

    Attributes:
        value: above 1 where the first is slower.
        low: of its interval of `CONFIDENCE`.
        high: likewise.
    """

    value: float
    low: float
    high: float


def paired_ratio(first: Sequence[NDArray[np.float64]], second: Sequence[NDArray[np.float64]]) -> Ratio | None:
    """The ratio of two medians, of processes that ran side by side, round by round.

    What drifts from round to round (the clock of the CPU, a neighbour) touches both of a pair and cancels. Of the
    logarithms of the rounds' ratios this takes the Hodges-Lehmann estimate and the interval of Wilcoxon's signed-rank
    test: exact for a few rounds, if only the differences lie evenly about their centre, which those of equals do; and a
    disturbed round or two move it little. Formulas: Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods",
    3rd edition, 2014, sections 3.2 and 3.3.

    Args:
        first: one array of samples a round, float64 (n,), none of them empty, above 0.
        second: likewise, as many rounds.

    Returns:
        None with fewer than `FEWEST_ROUNDS`: nothing can be proved by so few.

    Raises:
        ValueError: another number of rounds in the one than in the other.
    """
    if len(first) < FEWEST_ROUNDS and len(first) == len(second):
        return None
    logs = [np.log(np.median(one) / np.median(other)) for one, other in zip(first, second, strict=True)]
    means = np.sort([(a + b) / 2 for a, b in itertools.combinations_with_replacement(logs, 2)])
    left_out = _left_out(len(logs))
    value, low, high = np.exp([np.median(means), means[left_out], means[-1 - left_out]])
    return Ratio(float(value), float(low), float(high))


def _left_out(rounds: int) -> int:
    """How many of the sorted means of pairs may be left out at each end: the signed-rank sums that are too unlikely."""
    ways = np.ones(1)  # ways to give signs to 1 ... rounds so that the positive ones have the sum that is the index
    for rank in range(1, rounds + 1):
        ways = np.append(ways, np.zeros(rank)) + np.append(np.zeros(rank), ways)
    tail = np.cumsum(ways) / 2.0**rounds
    return int(np.searchsorted(tail, (1 - CONFIDENCE) / 2, side="right")) - 1
