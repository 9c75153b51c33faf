"""One line of the result: a file on a provider, with everything that was measured of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from digitedge.bench.audit import complaint
from digitedge.bench.target import batch_of, threads_of
from digitedge.files import read_bytes, sha256
from digitedge.measure.latency import FEWEST_CALLS, STABLE_SPREAD, LatencyReport
from digitedge.runtime.loading import flash_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitedge.bench.job import Outcome
    from digitedge.bench.target import Target
    from digitedge.config import BenchConfig

T = TypeVar("T")
_WAYS = {"copies": "", "device": " in its own memory", "graph": " as a graph"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `results`; None stands for what was not measured.

    Attributes:
        path: the file.
        format: `onnx`, `tflite`, `c99` or `keras`.
        precision: `fp32`, `fp16`, `int8` or `int8-weights`; None for a file that nobody described.
        provider: that every node ran on.
        threads: that the engine had for one call.
        batch: images a call. Every time below is that of a call.
        n: timed calls, of all processes.
        min_us: the fastest.
        p50_us: the median; `p50_low_us` and `p50_high_us` are its interval, with the spread between processes in it.
        p90_us: and `p99_us`, `p999_us`: None below 64, 662 and 6,635 calls.
        percentiles_missing: why one of them is None, by its name; None where nothing was timed at all.
        confident: the percentiles with MLPerf's number of calls for 99 % confidence, 24,576 for p90 and 270,336 for
            p99; None where nothing was timed.
        mean_us: with its tails.
        std_us: standard deviation.
        floor_p50_us: the median of the same engine, on the same provider and with as many threads, with a model that
            does nothing: what a call costs before any arithmetic. None where there is none: Keras, a provider that
            leaves each of them to the CPU, and another `io` than `copies`.
        images_per_s: `batch` over `mean_us`, one call after another.
        load_ms: from the path to a model that can be called; median of the processes.
        first_ms: the first call; median of the processes.
        rss_bytes: peak memory of the process, interpreter and engine included; median of the processes.
        sha256: of the file.
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
        energy_uj: microjoules of one call, of the whole processor (`measure/energy.py`); median of the processes.
        engine: what ran it, with its version: `ONNX Runtime 1.31.1`; None where nothing was timed.
        timed_by: `C loop` or `Python call`: what of the caller is inside a sample; None where nothing was timed.
        end_to_end: whether a call starts with pixels and ends with labels; else it is the engine alone.
        processes: fresh processes that were timed; None where nothing was.
        departure: the largest difference between a score of the timed calls and that of the same images untimed, 0.0
            for the same bits; None where there were no images (MLPerf's TEST01, `bench/audit.py`).
        same_image_ratio: the median time of a batch that came just before over that of another, about 1; median of the
            processes; None where too few calls were made (MLPerf's TEST04).
        floor: the model behind `floor_p50_us`: `identity.onnx`, or `relu.onnx` for a provider that leaves the first to
            the CPU; None where that figure is.
        io: `copies`: a call takes its images from main memory and gives its scores back there. `device`: both stay in
            the memory of the provider. `graph`: and the call is replayed there (`runtime/onnx_binding.py`).
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
    percentiles_missing: dict[str, str] | None
    confident: tuple[str, ...] | None
    mean_us: float | None
    std_us: float | None
    floor_p50_us: float | None
    images_per_s: float | None
    load_ms: float | None
    first_ms: float | None
    rss_bytes: int | None
    sha256: str
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
    energy_uj: float | None = None
    engine: str | None = None
    timed_by: str | None = None
    end_to_end: bool = False
    processes: int | None = None
    departure: float | None = None
    same_image_ratio: float | None = None
    floor: str | None = None
    io: str = "copies"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the processes of one target found.

    Attributes:
        outcomes: one for each process that answered.
        lost: why a process did not answer; None where all did.
        planned: processes that it was to have, of a benchmark that was interrupted; else None.
    """

    outcomes: tuple[Outcome, ...]
    lost: str | None
    planned: int | None = None

    @property
    def cut_short(self) -> str | None:
        """That Ctrl-C left some of its processes out, as the reason of a row; None where it had all of them."""
        if self.planned is None or len(self.outcomes) >= self.planned:
            return None
        if not self.outcomes:
            return "interrupted before it was measured"
        return f"interrupted after {len(self.outcomes)} of {self.planned} processes"


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
    *,
    floor_name: str | None = None,
) -> Row:
    """Joins what the processes of one target found.

    Args:
        target: the file and the provider.
        config: threads and batch.
        findings: of the target's processes.
        report: of their samples; None gives a row without any time.
        floor: of the model that does nothing on the same engine, provider and threads; None where there is none.
        floor_name: of that model's file.
    """
    outcomes = findings.outcomes
    timed = outcomes if report else ()
    return Row(
        path=target.path,
        format=target.format,
        precision=target.precision,
        provider=target.provider,
        threads=threads_of(target, config),
        batch=batch_of(target, config),
        **_times(report, batch_of(target, config)),
        floor_p50_us=floor.p50_us if floor and report else None,
        load_ms=_median([outcome.load_ms for outcome in timed]),
        first_ms=_median([outcome.first_ms for outcome in timed]),
        rss_bytes=_whole(_median([outcome.rss_bytes for outcome in timed])),
        sha256=sha256(read_bytes(target.path)),
        size_bytes=target.path.stat().st_size,
        flash_bytes=flash_bytes(target.path),
        accuracy=_first([outcome.accuracy for outcome in outcomes]),
        agreement=_first([outcome.agreement for outcome in outcomes]),
        disagreement=_first([outcome.disagreement for outcome in outcomes]),
        nodes_on_provider=_first([outcome.nodes_on_provider for outcome in outcomes]),
        nodes_elsewhere=_first([outcome.nodes_elsewhere for outcome in outcomes]),
        stable=report is not None and report.stable and findings.cut_short is None,
        valid=report is not None and report.valid and _complaint(target, findings) is None,
        reason=_reason(target, findings, report),
        energy_uj=_median([outcome.energy_uj for outcome in timed]),
        engine=_first([outcome.engine for outcome in timed]),
        timed_by=_first([outcome.timed_by for outcome in timed]),
        end_to_end=config.end_to_end,
        processes=len(timed) or None,
        departure=_finite(_largest([outcome.departure for outcome in timed])),
        same_image_ratio=_median([outcome.same_image_ratio for outcome in timed]),
        floor=floor_name if floor and report else None,
        io=target.io,
    )


def _reason(target: Target, findings: Findings, report: LatencyReport | None) -> str | None:
    if findings.lost is not None:
        return findings.lost
    if report is None:
        return _not_run(target, findings.outcomes) if findings.outcomes else findings.cut_short
    if not report.valid and findings.cut_short is None:
        return f"only {report.n:,} calls were made in the time there was; {FEWEST_CALLS:,} are needed"
    if (words := _complaint(target, findings) or findings.cut_short) is not None:
        return words
    if not report.stable:
        return f"its processes disagree by {report.spread:.0%} about the median; {STABLE_SPREAD:.0%} are allowed"
    return None


def _complaint(target: Target, findings: Findings) -> str | None:
    """What the audit of the processes says against the times; one process that departs is enough."""
    departs = _largest([outcome.departure for outcome in findings.outcomes])
    return complaint(target.provider, departs, _median([outcome.same_image_ratio for outcome in findings.outcomes]))


def _not_run(target: Target, outcomes: Sequence[Outcome]) -> str:
    """Why nothing was timed: the nodes that the provider left out, or else what it has against the file."""
    elsewhere = _first([outcome.nodes_elsewhere for outcome in outcomes])
    if not elsewhere:
        words = _first([outcome.refused for outcome in outcomes])
        return f"{target.provider} does not run it{_WAYS[target.io]}" + (f": {words}" if words else "")
    total = elsewhere + (_first([outcome.nodes_on_provider for outcome in outcomes]) or 0)
    return f"{elsewhere} of {total} nodes did not run on {target.provider}"


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
            "percentiles_missing",
            "confident",
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
        "percentiles_missing": report.percentiles_missing,
        "confident": report.confident,
        "mean_us": report.mean_us,
        "std_us": report.std_us,
        "images_per_s": batch * 1e6 / report.mean_us,
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _largest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _finite(value: float | None) -> float | None:
    """None for what is infinitely far: the reason says it."""
    return None if value == math.inf else value


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _first(values: Sequence[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
