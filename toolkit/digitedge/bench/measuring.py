"""The benchmark: every target in several fresh processes, one at a time, in an order that chance decides."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
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
    from digitedge.bench.job import Outcome
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
        floors: every sample of each model that does nothing: of each engine, on each provider, with each number of
            threads that a row has.
        interrupted: (processes that ended, processes planned) of a benchmark that Ctrl-C ended early; else None.
    """

    rows: tuple[Row, ...]
    reports: tuple[LatencyReport | None, ...]
    floors: Mapping[Target, LatencyReport]
    interrupted: tuple[int, int] | None = None


def measure(
    targets: Sequence[Target],
    config: BenchConfig,
    images: NDArray[np.uint8],
    golden: Golden | None,
    watch: Callable[[int, int, str], None],
) -> BenchResult:
    """Times every target, and for each engine and provider a model that does nothing.

    One round times each of them once, in random order, in a fresh process each, one process at a time; there are
    `config.processes` rounds, of which Keras takes part in fewer (`processes_of`). What drifts (the clock of the
    CPU, a neighbour) then touches all alike.

    A model that crashes its process or does not return within `config.time_limit` becomes a row that is not valid, with
    the reason and without times; the others go on.

    Ctrl-C ends the measuring, and the rows are made of the processes that ended before.

    Args:
        targets: what to time, at least one.
        config: how.
        images: uint8 (n, height, width, channels), as the targets take them: the timed calls use some in turn.
        golden: scored once by every target, for `agreement` and `accuracy`; None leaves those out.
        watch: told (processes done, processes in all, name) before each process, and once at the end; and with other
            words than a name where one does not return.

    Raises:
        UsageError: no targets, or a provider that nobody knows.
        NotPresentError: an engine or a provider is not there; said before anything is measured.
        ContentError: no images, a file that cannot be read or loaded, or that does not take these images.
        KeyboardInterrupt: Ctrl-C, before anything is known of any target.
    """
    floors = _check(targets, images, config)
    entrants = [*dict.fromkeys(targets), *floors.values()]
    with tempfile.TemporaryDirectory(prefix="digitedge-bench-") as temporary:
        folder = Path(temporary)
        for batch in {batch_of(target, config) for target in targets}:
            np.save(folder / _IMAGES.format(batch), _cycled(images, replace(config, batch=batch)))
        if golden is not None:
            write_golden(folder / GOLDEN, golden)
        findings, interrupted = _run_rounds(entrants, config, folder, watch)
    if not any(findings[target].outcomes or findings[target].lost for target in targets):
        raise KeyboardInterrupt
    reports = {entrant: report_of(found, config.seed) for entrant, found in findings.items()}
    floor_reports = {floor: report for floor in floors.values() if (report := reports[floor]) is not None}
    rows = []
    for target in targets:
        copies = target.io == "copies"  # as those that do nothing do
        floor = floors.get((target.format, target.provider, threads_of(target, config))) if copies else None
        under = None if floor is None else reports[floor]
        name = None if floor is None else floor.path.name
        rows.append(row_of(target, config, findings[target], reports[target], under, floor_name=name))
    return BenchResult(tuple(rows), tuple(reports[target] for target in targets), floor_reports, interrupted)


def _check(
    targets: Sequence[Target], images: NDArray[np.uint8], config: BenchConfig
) -> dict[tuple[str, str, int], Target]:
    """Finds what is missing before anything is measured.

    Returns:
        The floor of each engine that has one, by format, provider and threads: what a call costs depends on them.
    """
    if not targets:
        raise UsageError("there is nothing to measure.", "Name a run folder or a model file.")
    if len(images) == 0:
        raise ContentError("there are no images to measure with.", "Name a data set that holds some, with --data.")
    for target in targets:
        read_bytes(target.path)
        if target.format == "onnx":
            require(target.provider)
    used = sorted({(target.format, target.provider, threads_of(target, config)) for target in targets})
    for path in {floor.path for name, _, _ in used if (floor := floor_of(name)) is not None}:
        load(path)
    return {
        (name, provider, threads): replace(floor, threads=threads, batch=1)
        for name, provider, threads in used
        if (floor := floor_of(name) if provider == "cpu" else prove(provider)) is not None
    }


def _run_rounds(
    entrants: Sequence[Target], config: BenchConfig, folder: Path, watch: Callable[[int, int, str], None]
) -> tuple[dict[Target, Findings], tuple[int, int] | None]:
    """What was found of each, and where Ctrl-C ended it: (processes that ended, processes planned)."""
    turns, done = _turns(entrants, config), 0
    findings = dict.fromkeys(entrants, Findings((), None))
    try:
        for round_number, entrant in turns:
            watch(done, len(turns), entrant.path.name)
            if findings[entrant].lost is None:  # else it would be lost again, and take as long
                # Only the first process scores the golden images: the others would give the same answer.
                job = _job(entrant, config, folder, scores=round_number == 0)
                limit = job.seconds + config.time_limit
                words = f"{entrant.path.name} has not returned, and is given up after {limit:.0f} s"
                answer = run_job(job, limit_seconds=limit, slow=partial(watch, done, len(turns), words))
                findings[entrant] = _with(findings[entrant], answer)
            done += 1
        watch(done, done, "")
    except KeyboardInterrupt:
        return {one: replace(found, planned=processes_of(one, config)) for one, found in findings.items()}, (
            done,
            len(turns),
        )
    return findings, None


def _turns(entrants: Sequence[Target], config: BenchConfig) -> list[tuple[int, Target]]:
    """(round, target) of each process: every round in a random order of its own."""
    random = np.random.default_rng(config.seed)
    return [
        (number, entrants[index])
        for number in range(config.processes)
        for index in random.permutation(len(entrants))
        if number < processes_of(entrants[index], config)
    ]


def _with(found: Findings, answer: Outcome | Lost) -> Findings:
    if isinstance(answer, Lost):
        return Findings(found.outcomes, answer.reason)
    return Findings((*found.outcomes, answer), None)


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
        io=target.io,
    )


def _cycled(images: NDArray[np.uint8], config: BenchConfig) -> NDArray[np.uint8]:
    """Random images, a whole number of batches; the same ones again where there are too few."""
    count = config.batch * max(FEWEST_BATCHES, -(-CYCLED_IMAGES // config.batch))
    order = np.random.default_rng(config.seed).permutation(len(images))
    return images[np.resize(order, count)]
