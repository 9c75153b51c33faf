"""The few statistics that a device must be able to compute with NumPy alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Fewest samples for a percentile: with so many, at most one lies beyond the true percentile in 1 case of 100; with
# fewer, the figure would be the largest sample or nearly so. These are the least numbers of queries of MLPerf's early
# stopping for a single stream (https://github.com/mlcommons/inference/blob/master/loadgen/early_stopping.cc): 64 for
# p90, 662 for p99, and 6,635 for p99.9, where the exact binomial gives 6,636.
FEWEST_SAMPLES = {50.0: 1, 90.0: 64, 99.0: 662, 99.9: 6_635}
# Samples for a percentile that is within a twentieth of its tail (p99 to 0.05 percentage points) in 99 cases of 100:
# z**2 * p * (1 - p) / margin**2 with z = 2.576, margin = (1 - p) / 20, rounded up to a multiple of 8,192. From MLPerf:
# https://github.com/mlcommons/inference_policies/blob/master/inference_rules.adoc, appendix "Number of Queries".
CONFIDENT_SAMPLES = {90.0: 24_576, 99.0: 270_336}
# A normal variable lies within so many standard deviations of its mean in 95 cases of 100.
Z_95 = 1.959963984540054


def mcnemar_p(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """Exact two-sided McNemar test: how likely so uneven a split of the discordant pairs is if both are equally good.

    Args:
        right_a: bool (n,), whether the first model was right.
        right_b: bool (n,), whether the second was.

    Returns:
        In [0, 1], as `mcnemar_of_counts`.
    """
    return mcnemar_of_counts(int((right_a & ~right_b).sum()), int((~right_a & right_b).sum()))


def mcnemar_of_counts(only_a: int, only_b: int) -> float:
    """The same of the numbers of images that one alone has right.

    Returns:
        In [0, 1]; 1.0 where they never differ, 0.0 only where it is below the smallest float. Formula: McNemar (1947),
        binomial form, in whole numbers.
    """
    discordant = only_a + only_b
    ways = tail = 1  # ways to choose 0 of the discordant pairs; each next number of ways follows from the last
    for k in range(min(only_a, only_b)):
        ways = ways * (discordant - k) // (k + 1)
        tail += ways
    p: float = 2 * tail / 2**discordant
    return min(1.0, p)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, which stays in [0, 1] and says something where every trial succeeded.

    With 10,000 images of 10,000 alike it is (0.99962, 1.0): "100 %" of so many images proves that much and no more.
    Formula: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.

    Args:
        successes: 0 to n.
        n: trials, at least 1.

    Returns:
        (low, high), in [0, 1], around successes / n.
    """
    share, z2 = successes / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Rounding would else leave a share of exactly 0 or 1 outside by 1e-17.
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = 15) -> float:
    """Expected calibration error: how far the confidence of the winner is from how often it is right.

    The mean of |accuracy - mean confidence| over bins of equal width in confidence, each weighted with its images.
    Formula and 15 bins: Guo et al., "On Calibration of Modern Neural Networks", 2017 (arXiv 1706.04599), equation 3.

    Args:
        confidence: float64 (n,), n >= 1, in [0, 1]: the score of the winning class. NaN makes the result NaN.
        right: bool (n,), whether the winning class is the true one.
        bins: how many, each open below and closed above.

    Returns:
        In [0, 1].
    """
    if np.isnan(confidence).any():
        return math.nan
    at = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.int64)
    # |accuracy - confidence| of a bin times its share of the images is |sum of right - confidence| / n.
    return float(np.abs(np.bincount(at, right - confidence, bins)).sum() / len(confidence))


def percentile(samples: NDArray[np.float64], percent: float) -> float | None:
    """The percentile of float64 (n,), or None where there are too few samples to speak of it (`FEWEST_SAMPLES`)."""
    return float(np.percentile(samples, percent)) if len(samples) >= FEWEST_SAMPLES[percent] else None


def median_interval(
    processes: Sequence[NDArray[np.float64]], *, seed: int, replicates: int = 1000, confidence: float = 0.95
) -> tuple[float, float]:
    """An interval of the median that holds the spread between processes.

    A bootstrap that draws processes first and samples within them second: processes differ (another memory layout,
    another neighbour) by more than samples do, and drawing single samples would hide it (Kalibera and Jones, "Rigorous
    Benchmarking in Reasonable Time", 2013). With a handful of processes a bootstrap alone is too narrow (it held the
    true median 82 to 87 times of 100 with five of them), so it is widened to the order statistics of their medians,
    which make no assumption: five medians lie around the true one with a probability of 1 - 2 / 2**5, 94 %.

    Args:
        processes: one array of samples a process, none of them empty.
        seed: of the draws.
        replicates: bootstrap draws.
        confidence: of the interval.

    Returns:
        (low, high), in the unit of the samples.

    Raises:
        ValueError: there are no processes, or one is empty.
    """
    if not processes or any(len(samples) == 0 for samples in processes):
        raise ValueError("an interval needs at least one process, and one sample of each")
    random = np.random.default_rng(seed)
    # 512 samples of a process stand for all of it: their median is known far better than the processes agree.
    replicated = np.empty(replicates)
    for replicate in range(replicates):
        drawn = [processes[index] for index in random.integers(len(processes), size=len(processes))]
        replicated[replicate] = np.median([samples[random.integers(len(samples), size=512)] for samples in drawn])
    low, high = np.percentile(replicated, [50 * (1 - confidence), 50 * (1 + confidence)])
    medians, rank = np.sort([np.median(samples) for samples in processes]), _rank(len(processes), confidence)
    return float(min(low, medians[rank])), float(max(high, medians[-1 - rank]))


def _rank(n: int, confidence: float) -> int:
    """How many of n sorted draws may be left out at each end so that the rest still spans the true median."""
    rank, outside = 0, 2 / 2**n
    while outside + 2 * math.comb(n, rank + 1) / 2**n <= 1 - confidence:
        rank += 1
        outside += 2 * math.comb(n, rank) / 2**n
    return rank


def binomial_quantile(n: int, share: float, confidence: float) -> int:
    """The smallest number of successes that n independent draws stay at or below with at least that probability.

    Args:
        n: draws, at least 1.
        share: probability of a success, in [0, 1).
        confidence: in (0, 1).
    """
    if share == 0.0:
        return 0
    below, successes = 0.0, -1
    while below < confidence and successes < n:
        successes += 1
        ways = math.lgamma(n + 1) - math.lgamma(successes + 1) - math.lgamma(n - successes + 1)
        below += math.exp(ways + successes * math.log(share) + (n - successes) * math.log1p(-share))
    return successes
