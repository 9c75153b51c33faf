"""How long does one call take? The timing loop, and a report that holds every sample and derives the rest."""

from __future__ import annotations

import gc
import itertools
import time
from array import array
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from digitedge.measure.statistics import CONFIDENT_SAMPLES, FEWEST_SAMPLES, median_interval, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

# MLPerf Inference asks at least 1,024 queries of a single stream
# (https://github.com/mlcommons/inference_policies/blob/master/inference_rules.adoc).
FEWEST_CALLS = 1024
# What a percentile is called in every document.
PERCENTILES = {50.0: "p50_us", 90.0: "p90_us", 99.0: "p99_us", 99.9: "p999_us"}
# A model's processes differ by memory layout, clock and neighbours: the interval of their median is 1 to 4 % wide on a
# quiet machine. Beyond 10 % the machine was doing something else, and the figures are about that.
STABLE_SPREAD = 0.10


@dataclass(frozen=True, eq=False)
class LatencyReport:
    """Every sample of one thing that was timed.

    Attributes:
        processes: one array for each fresh process, float64 (n,), microseconds a call, in the order of the calls.
        seed: of the bootstrap behind `interval_us`.
    """

    processes: tuple[NDArray[np.float64], ...]
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError where there is nothing to report."""
        if not self.processes or any(samples.ndim != 1 or len(samples) == 0 for samples in self.processes):
            raise ValueError("a latency report needs at least one process, and one sample of each")

    @cached_property
    def samples_us(self) -> NDArray[np.float64]:
        """The samples of all processes, float64 (n,)."""
        return np.concatenate(self.processes)

    @property
    def n(self) -> int:
        """Calls that were timed."""
        return len(self.samples_us)

    @property
    def min_us(self) -> float:
        """The fastest call."""
        return float(self.samples_us.min())

    @property
    def p50_us(self) -> float:
        """The median call."""
        return float(np.median(self.samples_us))

    @property
    def p90_us(self) -> float | None:
        """The time that 90 % of the calls stay below; None with too few calls to say so (`FEWEST_SAMPLES`)."""
        return percentile(self.samples_us, 90.0)

    @property
    def p99_us(self) -> float | None:
        """The time that 99 % of the calls stay below; None with too few calls."""
        return percentile(self.samples_us, 99.0)

    @property
    def p999_us(self) -> float | None:
        """The time that 99.9 % of the calls stay below; None with too few calls."""
        return percentile(self.samples_us, 99.9)

    @property
    def percentiles_missing(self) -> dict[str, str]:
        """Why a percentile is None, by its name: `{"p999_us": "6,635 calls are needed; there were 4,100"}`."""
        return {
            PERCENTILES[percent]: f"{needed:,} calls are needed; there were {self.n:,}"
            for percent, needed in FEWEST_SAMPLES.items()
            if self.n < needed
        }

    @property
    def confident(self) -> tuple[str, ...]:
        """The percentiles that have MLPerf's number of calls for 99 % confidence (`CONFIDENT_SAMPLES`)."""
        return tuple(PERCENTILES[percent] for percent, needed in CONFIDENT_SAMPLES.items() if self.n >= needed)

    @property
    def mean_us(self) -> float:
        """The mean call, tails included: what throughput follows from."""
        return float(self.samples_us.mean())

    @property
    def std_us(self) -> float:
        """The standard deviation of the calls."""
        return float(self.samples_us.std())

    @cached_property
    def interval_us(self) -> tuple[float, float]:
        """The 95 % interval of the median, (low, high), with the spread between processes in it."""
        return median_interval(self.processes, seed=self.seed)

    @property
    def spread(self) -> float:
        """The width of `interval_us` as a share of the median: with nine processes or more, one may be disturbed."""
        low, high = self.interval_us
        return (high - low) / self.p50_us

    @property
    def stable(self) -> bool:
        """Whether the processes agree within `STABLE_SPREAD`."""
        return self.spread <= STABLE_SPREAD

    @property
    def valid(self) -> bool:
        """Whether enough calls were timed to speak of them at all."""
        return self.n >= FEWEST_CALLS


def time_calls(
    calls: Sequence[Callable[[], object]],
    *,
    seconds: float,
    fewest: int = 1,
    most_seconds: float = float("inf"),
    warm_up_seconds: float = 0.1,
    around: AbstractContextManager[object] | None = None,
) -> NDArray[np.float64]:
    """Times single calls, one after another, with the garbage collector off.

    A sample holds the call and one reading of the clock, about 0.05 microseconds, which is subtracted nowhere.

    Args:
        calls: prepared calls, taken in turn again and again: one for each of several inputs.
        seconds: at least this long,
        fewest: and at least so many calls,
        most_seconds: but, for the sake of `fewest`, no longer than this.
        warm_up_seconds: of calls before, which are thrown away; at least one.
        around: entered before the first timed call and left after the last, such as a meter of energy.

    Returns:
        Microseconds of each call, float64 (n,), n >= 1, in order.
    """
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        _sample(calls, warm_up_seconds, 1, warm_up_seconds)
        with around or nullcontext():
            nanoseconds = _sample(calls, seconds, fewest, max(seconds, most_seconds))
    finally:
        if collects:
            gc.enable()
    return np.frombuffer(nanoseconds, np.int64) / 1e3


def loop_overhead_us(seconds: float = 0.05) -> float:
    """What the loop of `time_calls` adds to a sample: the median of a call that does nothing. Subtracted nowhere."""
    return float(np.median(time_calls([_nothing] * 64, seconds=seconds)))


def _nothing() -> None:
    """A call that does no work."""


def _sample(calls: Sequence[Callable[[], object]], seconds: float, fewest: int, most_seconds: float) -> array[int]:
    clock, samples = time.perf_counter_ns, array("q")  # 8 bytes a sample: an hour of 10 microsecond calls fits
    keep, begin = samples.append, clock()
    enough, limit = begin + seconds * 1e9, begin + most_seconds * 1e9
    for call in itertools.cycle(calls):
        start = clock()
        call()
        end = clock()
        keep(end - start)
        if end >= enough and (len(samples) >= fewest or end >= limit):
            break
    return samples
