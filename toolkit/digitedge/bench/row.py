"""One line of the result: a file on a provider, with everything that was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from digitedge.measure.latency import FEWEST_CALLS, STABLE_SPREAD, LatencyReport
from digitedge.runtime.loading import flash_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitedge.bench.job import Outcome
    from digitedge.bench.target import Target
    from digitedge.config import BenchConfig

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `results`; None stands for what was not measured.

    Attributes:
        path: the file.
        format: `onnx`, `tflite` or `keras`.
        precision: `fp32` or `int8`; None for a file that nobody described.
        provider: that every node ran on.
        threads: that the engine had for one call.
        batch: images a call. Every time below is that of a call.
        n: timed calls, of all processes.
        min_us: the fastest.
        p50_us: the median; `p50_low_us` and `p50_high_us` are its interval, with the spread between processes in it.
        p90_us: and `p99_us`, `p999_us`: None below 64, 662 and 6,635 calls.
        mean_us: with its tails.
        std_us: standard deviation.
        floor_p50_us: the median of the same engine with a model that does nothing: what the call from Python costs.
        images_per_s: `batch` over `mean_us`, one call after another.
        load_ms: from the path to a model that can be called; median of the processes.
        first_ms: the first call; median of the processes.
        rss_bytes: peak memory of the process, interpreter and engine included; median of the processes.
        size_bytes: of the file.
        flash_bytes: what it takes in a device, where that is not the file: of a .c file, its weights; else None.
        accuracy: of this very file on the golden labels, in [0, 1].
        agreement: with the golden reference, in [0, 1].
        disagreement: why the file does not decide as that reference does; None where it does, or was not compared.
        nodes_on_provider: that the provider ran; None for an engine with one place.
        nodes_elsewhere: that it did not.
        stable: whether the processes agree.
        valid: whether the times may be used: all nodes in place, and enough calls.
        reason: why not valid, or not stable.
    """

    path: Path
    format: str
    precision: str | None
    provider: str
    threads: int
    batch: int
    n: int | None
    min_us: float | None
    p50_us: float | None
    p50_low_us: float | None
    p50_high_us: float | None
    p90_us: float | None
    p99_us: float | None
    p999_us: float | None
    mean_us: float | None
    std_us: float | None
    floor_p50_us: float | None
    images_per_s: float | None
    load_ms: float | None
    first_ms: float | None
    rss_bytes: int | None
    size_bytes: int
    flash_bytes: int | None
    accuracy: float | None
    agreement: float | None
    disagreement: str | None
    nodes_on_provider: int | None
    nodes_elsewhere: int | None
    stable: bool
    valid: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the processes of one target found.

    Attributes:
        outcomes: one for each process that answered.
        lost: why a process did not answer; None where all did.
    """

    outcomes: tuple[Outcome, ...]
    lost: str | None


def report_of(findings: Findings, seed: int) -> LatencyReport | None:
    """The samples of all processes; None where they may not be used: nothing was timed, or a process was lost."""
    samples = tuple(outcome.samples_us for outcome in findings.outcomes if outcome.samples_us is not None)
    usable = samples and len(samples) == len(findings.outcomes) and findings.lost is None
    return LatencyReport(samples, seed) if usable else None


def row_of(
    target: Target,
    config: BenchConfig,
    findings: Findings,
    report: LatencyReport | None,
    floor: LatencyReport | None,
) -> Row:
    """Joins what the processes of one target found.

    Args:
        target: the file and the provider.
        config: threads and batch.
        findings: of the target's processes.
        report: of their samples; None gives a row without any time.
        floor: of the same engine; None where it has none.
    """
    outcomes = findings.outcomes
    timed = outcomes if report else ()
    return Row(
        path=target.path,
        format=target.format,
        precision=target.precision,
        provider=target.provider,
        threads=config.threads,
        batch=config.batch,
        **_times(report, config.batch),
        floor_p50_us=floor.p50_us if floor and report else None,
        load_ms=_median([outcome.load_ms for outcome in timed]),
        first_ms=_median([outcome.first_ms for outcome in timed]),
        rss_bytes=_whole(_median([outcome.rss_bytes for outcome in timed])),
        size_bytes=target.path.stat().st_size,
        flash_bytes=flash_bytes(target.path),
        accuracy=_first([outcome.accuracy for outcome in outcomes]),
        agreement=_first([outcome.agreement for outcome in outcomes]),
        disagreement=_first([outcome.disagreement for outcome in outcomes]),
        nodes_on_provider=_first([outcome.nodes_on_provider for outcome in outcomes]),
        nodes_elsewhere=_first([outcome.nodes_elsewhere for outcome in outcomes]),
        stable=report is not None and report.stable,
        valid=report is not None and report.valid,
        reason=_reason(target, findings, report),
    )


def _reason(target: Target, findings: Findings, report: LatencyReport | None) -> str | None:
    if findings.lost is not None:
        return findings.lost
    if report is None:
        elsewhere = _first([outcome.nodes_elsewhere for outcome in findings.outcomes]) or 0
        total = elsewhere + (_first([outcome.nodes_on_provider for outcome in findings.outcomes]) or 0)
        return f"{elsewhere} of {total} nodes did not run on {target.provider}"
    if not report.valid:
        return f"only {report.n:,} calls were made in the time there was; {FEWEST_CALLS:,} are needed"
    if not report.stable:
        return f"its processes disagree by {report.spread:.0%} about the median; {STABLE_SPREAD:.0%} are allowed"
    return None


def _times(report: LatencyReport | None, batch: int) -> dict[str, Any]:
    if report is None:
        names = (
            "n",
            "min_us",
            "p50_us",
            "p50_low_us",
            "p50_high_us",
            "p90_us",
            "p99_us",
            "p999_us",
            "mean_us",
            "std_us",
        )
        return dict.fromkeys((*names, "images_per_s"))
    low, high = report.interval_us
    return {
        "n": report.n,
        "min_us": report.min_us,
        "p50_us": report.p50_us,
        "p50_low_us": low,
        "p50_high_us": high,
        "p90_us": report.p90_us,
        "p99_us": report.p99_us,
        "p999_us": report.p999_us,
        "mean_us": report.mean_us,
        "std_us": report.std_us,
        "images_per_s": batch * 1e6 / report.mean_us,
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _first(values: Sequence[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
