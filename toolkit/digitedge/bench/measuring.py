"""The benchmark: every target in several fresh processes, one at a time, in an order that chance decides."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.artifact import GOLDEN, write_golden
from digitedge.bench.job import Job
from digitedge.bench.probing import prove
from digitedge.bench.process import Lost, run_job
from digitedge.bench.row import Findings, Row, report_of, row_of
from digitedge.bench.target import Target, batch_of, floor_of, processes_of, threads_of
from digitedge.errors import ContentError, UsageError
from digitedge.files import read_bytes
from digitedge.measure.latency import FEWEST_CALLS, LatencyReport
from digitedge.runtime.loading import load
from digitedge.runtime.provider import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.config import BenchConfig

# Images that the timed calls take in turn: so many that no branch predictor or cache knows them by heart, so few that
# their pixels (196 kB of 28 x 28) stay in a second-level cache, as those of an image that has just been read do.
CYCLED_IMAGES = 64
FEWEST_BATCHES = 4
_IMAGES = "images-{}.npy"


@dataclass(frozen=True, eq=False)
class BenchResult:
    """What was measured.

    Attributes:
        rows: one for each target, in the order of the targets.
        reports: every sample behind each row; None for a row without times.
        floors: every sample of each engine's floor, by format.
    """

    rows: tuple[Row, ...]
    reports: tuple[LatencyReport | None, ...]
    floors: Mapping[str, LatencyReport]


def measure(
    targets: Sequence[Target],
    config: BenchConfig,
    images: NDArray[np.uint8],
    golden: Golden | None,
    watch: Callable[[int, int, str], None],
) -> BenchResult:
    """Times every target, and for each engine a model that does nothing.

    One round times each of them once, in random order, in a fresh process each, one process at a time; there are
    `config.processes` rounds, of which Keras takes part in fewer (`processes_of`). What drifts (the clock of the
    CPU, a neighbour) then touches all alike.

    A model that crashes its process or does not return within `config.time_limit` becomes a row that is not valid, with
    the reason and without times; the others go on.

    Args:
        targets: what to time, at least one.
        config: how.
        images: uint8 (n, height, width, channels), as the targets take them: the timed calls use some in turn.
        golden: scored once by every target, for `agreement` and `accuracy`; None leaves those out.
        watch: told (processes done, processes in all, name) before each process, and once at the end.

    Raises:
        UsageError: no targets, or a provider that nobody knows.
        NotPresentError: an engine or a provider is not there; said before anything is measured.
        ContentError: no images, a file that cannot be read or loaded, or that does not take these images.
    """
    floors = _check(targets, images, config)
    entrants = [*dict.fromkeys(targets), *floors.values()]
    with tempfile.TemporaryDirectory(prefix="digitedge-bench-") as temporary:
        folder = Path(temporary)
        for batch in {batch_of(target, config) for target in targets}:
            np.save(folder / _IMAGES.format(batch), _cycled(images, replace(config, batch=batch)))
        if golden is not None:
            write_golden(folder / GOLDEN, golden)
        findings = _run_rounds(entrants, config, folder, watch)
    reports = {entrant: report_of(found, config.seed) for entrant, found in findings.items()}
    # With several numbers of threads, the floor of the fewest stands for a format.
    fewest_last = reversed(floors.items())
    by_format = {name: report for (name, _), floor in fewest_last if (report := reports[floor]) is not None}
    floor_reports = {key: reports[floor] for key, floor in floors.items()}
    rows = tuple(
        row_of(
            target,
            config,
            findings[target],
            reports[target],
            floor_reports.get((target.format, threads_of(target, config))),
        )
        for target in targets
    )
    return BenchResult(rows, tuple(reports[target] for target in targets), by_format)


def _check(targets: Sequence[Target], images: NDArray[np.uint8], config: BenchConfig) -> dict[tuple[str, int], Target]:
    """Finds what is missing before anything is measured.

    Returns:
        The floor of each engine that has one, by format and threads: what a call costs depends on both.
    """
    if not targets:
        raise UsageError("there is nothing to measure.", "Name a run folder or a model file.")
    if len(images) == 0:
        raise ContentError("there are no images to measure with.", "Name a data set that holds some, with --data.")
    for target in targets:
        read_bytes(target.path)
        if target.format == "onnx":
            require(target.provider)
    used = sorted({(target.format, threads_of(target, config)) for target in targets})
    floors = {
        (name, threads): replace(floor, threads=threads, batch=1)
        for name, threads in used
        if (floor := floor_of(name)) is not None
    }
    for floor in floors.values():
        load(floor.path)
    for name in dict.fromkeys(target.provider for target in targets if target.provider != "cpu"):
        prove(name)
    return floors


def _run_rounds(
    entrants: Sequence[Target], config: BenchConfig, folder: Path, watch: Callable[[int, int, str], None]
) -> dict[Target, Findings]:
    random, done = np.random.default_rng(config.seed), 0
    total = sum(processes_of(entrant, config) for entrant in entrants)
    findings = dict.fromkeys(entrants, Findings((), None))
    for round_number in range(config.processes):
        for entrant in (entrants[index] for index in random.permutation(len(entrants))):
            if round_number >= processes_of(entrant, config):
                continue
            watch(done, total, entrant.path.name)
            done += 1
            found = findings[entrant]
            if found.lost is not None:  # it would be lost again, and take as long
                continue
            # Only the first process scores the golden images: the others would give the same answer.
            job = _job(entrant, config, folder, scores=round_number == 0)
            answer = run_job(job, limit_seconds=job.seconds + config.time_limit)
            if isinstance(answer, Lost):
                findings[entrant] = Findings(found.outcomes, answer.reason)
            else:
                findings[entrant] = Findings((*found.outcomes, answer), None)
    watch(total, total, "")
    return findings


def _job(target: Target, config: BenchConfig, folder: Path, *, scores: bool) -> Job:
    processes, batch = processes_of(target, config), batch_of(target, config)
    seconds = config.seconds / processes
    golden = folder / GOLDEN
    return Job(
        path=str(target.path.resolve()),
        provider=target.provider,
        threads=threads_of(target, config),
        batch=batch,
        seconds=seconds,
        fewest_calls=-(-FEWEST_CALLS // processes),
        most_seconds=seconds + config.time_limit / 4,
        images=None if target.is_floor else str(folder / _IMAGES.format(batch)),
        golden=str(golden) if scores and golden.exists() and not (target.is_floor or target.is_earlier) else None,
        folder=tempfile.mkdtemp(dir=folder),
        max_drop=target.max_drop,
        end_to_end=config.end_to_end and not target.is_floor,
    )


def _cycled(images: NDArray[np.uint8], config: BenchConfig) -> NDArray[np.uint8]:
    """Random images, a whole number of batches; the same ones again where there are too few."""
    count = config.batch * max(FEWEST_BATCHES, -(-CYCLED_IMAGES // config.batch))
    order = np.random.default_rng(config.seed).permutation(len(images))
    return images[np.resize(order, count)]
