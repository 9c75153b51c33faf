"""Which session options make a file faster on this CPU, and whether that is proved.

First every option alone, briefly, beside the usual session; then what looked best, alone and together, beside the usual
session again, as thoroughly as the benchmark itself. Only the second measurement is reported as a gain: the winner of
many short ones is partly the luckiest. Each is made in fresh processes that chance puts in order.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.artifact import GOLDEN, write_golden
from digitedge.bench.job import Job
from digitedge.bench.process import Lost, run_job
from digitedge.bench.row import Findings, report_of
from digitedge.bench.verdict import SMALLEST_RATIO
from digitedge.measure.latency import FEWEST_CALLS, LatencyReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.bench.target import Target
    from digitedge.config import BenchConfig
    from digitedge.runtime.session_settings import SessionSettings

SCREENED_PROCESSES, SCREENED_SECONDS = 3, 0.1
MEASURED_PROCESSES, MEASURED_SECONDS = 10, 0.2
# An option that looked this much faster alone is also tried together with the others that did.
PROMISING = 1.02
FINALISTS = 3
# Options that exclude each other: one of each is taken into the combination.
_FACTORS = (("threads", "spinning"), ("arena",), ("pattern",), ("level", "layout"))
_IMAGES = "images.npy"
_CYCLED_IMAGES = 64


@dataclass(frozen=True, eq=False)
class Tuned:
    """What was found for one file.

    Attributes:
        path: the .onnx file.
        usual: the session that the gain is against.
        best: the fastest other settings of those that were measured thoroughly.
        usual_report: every sample of the usual session; None where nothing could be measured.
        best_report: every sample of the best; None as above.
        screened: the median of each setting in the first, brief measurement, in microseconds; None where a process
            crashed or did not return.
        reason: why nothing is said, or why the best may not be used; None where all is well.
        measured: every sample of each other setting that was measured thoroughly.
    """

    path: Path
    usual: SessionSettings
    best: SessionSettings | None
    usual_report: LatencyReport | None
    best_report: LatencyReport | None
    screened: tuple[tuple[SessionSettings, float | None], ...]
    reason: str | None
    measured: tuple[tuple[SessionSettings, LatencyReport], ...] = ()

    @property
    def unsteady(self) -> tuple[tuple[SessionSettings, float, float], ...]:
        """Settings that were faster than the usual session in some processes, and whose processes do not agree.

        Returns:
            Each with the smallest and the largest of its processes' medians, in microseconds. Two threads wait for each
            other: where the system or a neighbour now and then takes the second core away, they are slower than one.
        """
        if self.usual_report is None:
            return ()
        found = []
        for settings, report in self.measured:
            medians_us = [float(np.median(samples_us)) for samples_us in report.processes]
            if not report.stable and min(medians_us) * SMALLEST_RATIO < self.usual_report.p50_us:
                found.append((settings, min(medians_us), max(medians_us)))
        return tuple(found)

    @property
    def gain(self) -> tuple[float, float, float] | None:
        """How many times faster the best is than the usual session: (ratio of the medians, low, high).

        The ends are the ratios of the far and of the near ends of both 95 % intervals, so that an interval above 1
        means that those two do not touch: of three such comparisons by chance alone, that happens in 2 of 100.
        """
        if self.usual_report is None or self.best_report is None:
            return None
        low, high = self.usual_report.interval_us
        best_low, best_high = self.best_report.interval_us
        return self.usual_report.p50_us / self.best_report.p50_us, low / best_high, high / best_low

    @property
    def proved(self) -> bool:
        """Whether the best is faster: intervals that do not touch, 3 % at least, and the same labels."""
        if self.gain is None or self.reason is not None:
            return False
        ratio, low, _ = self.gain
        return ratio >= SMALLEST_RATIO and low > 1.0


@dataclass(frozen=True)
class Trial:
    """What all processes of one file have in common.

    Attributes:
        target: the .onnx file, on the CPU.
        batch: images a call.
        time_limit: seconds that one process may take besides its calls.
        seed: of the order.
        folder: for images and answers.
        watch: told before each process that one more is about to run, with the settings in words.
    """

    target: Target
    batch: int
    time_limit: float
    seed: int
    folder: Path
    watch: Callable[[str], None]


def singles(usual: SessionSettings, cores: int) -> tuple[SessionSettings, ...]:
    """Every option alone: other numbers of threads, each with and without spinning, and each other switch once.

    Args:
        usual: that they depart from.
        cores: physical cores that may be used.
    """
    counts = sorted({1, min(2, cores), cores, usual.threads})
    threads = [replace(usual, threads=count) for count in counts]
    threads += [replace(usual, threads=count, spinning=False) for count in counts if count > 1]
    others = [
        replace(usual, arena=False),
        replace(usual, pattern=False),
        replace(usual, level="extended"),
        replace(usual, layout="plain"),
    ]
    return tuple(settings for settings in (*threads, *others) if settings != usual)


def processes_needed(usual: SessionSettings, cores: int) -> int:
    """The most processes that `tune` runs for one file."""
    return SCREENED_PROCESSES * (1 + len(singles(usual, cores))) + MEASURED_PROCESSES * (1 + FINALISTS)


def tune(
    target: Target,
    usual: SessionSettings,
    images: NDArray[np.uint8],
    golden: Golden | None,
    config: BenchConfig,
    *,
    cores: int,
    batch: int = 1,
    watch: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Finds the fastest session options of one .onnx file on the CPU.

    Args:
        target: the file.
        usual: the session that `digitedge bench` measures.
        images: uint8 (n, height, width, channels), as the file takes them.
        golden: scored once with the settings that are measured thoroughly, which must give the same labels; or None.
        config: for its time limit, and the seed of the order and of the intervals.
        cores: physical cores that may be used.
        batch: images a call.
        watch: told before each process, with its settings in words.

    Raises:
        DigitedgeError: the file cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="digitedge-tune-") as temporary:
        folder = Path(temporary)
        order = np.random.default_rng(config.seed).permutation(len(images))
        np.save(folder / _IMAGES, images[np.resize(order, batch * max(4, -(-_CYCLED_IMAGES // batch)))])
        if golden is not None:
            write_golden(folder / GOLDEN, golden)
        trial = Trial(target, batch, config.time_limit, config.seed, folder, watch)
        brief = _measured(trial, (usual, *singles(usual, cores)), SCREENED_PROCESSES, SCREENED_SECONDS, scores=False)
        screened = tuple((settings, _median_us(found)) for settings, found in brief.items())
        chosen = finalists(dict(screened), usual)
        final = _measured(trial, (usual, *chosen), MEASURED_PROCESSES, MEASURED_SECONDS, scores=True)
    return _concluded(target.path, usual, final, screened, config.seed)


def finalists(screened: Mapping[SessionSettings, float | None], usual: SessionSettings) -> tuple[SessionSettings, ...]:
    """The best options together, the best alone, and the best other number of threads; then whatever was next.

    At most `FINALISTS`, none of them the usual session. Threads are always among them, where there are several cores:
    they change most, and a brief measurement may have met them at a bad moment.

    Args:
        screened: the median of each, in microseconds; None for one that was lost.
        usual: among them.
    """
    known = {settings: median for settings, median in screened.items() if median is not None}
    if usual not in known:
        return ()
    ranked = sorted((settings for settings in known if settings != usual), key=lambda settings: known[settings])
    promising = [settings for settings in ranked if known[usual] / known[settings] >= PROMISING]
    together = usual
    for factor in _FACTORS:
        best = next((settings for settings in promising if _departs(settings, usual, factor)), usual)
        together = replace(together, **{name: getattr(best, name) for name in factor})
    threads = next((settings for settings in ranked if settings.threads != usual.threads), usual)
    first = together if together != usual else ranked[0] if ranked else usual
    chosen = dict.fromkeys((first, *ranked[:1], threads, *ranked))
    return tuple(settings for settings in chosen if settings != usual)[:FINALISTS]


def _departs(settings: SessionSettings, usual: SessionSettings, factor: Sequence[str]) -> bool:
    return any(getattr(settings, name) != getattr(usual, name) for name in factor)


def _measured(
    trial: Trial, each: Sequence[SessionSettings], processes: int, seconds: float, *, scores: bool
) -> dict[SessionSettings, Findings]:
    random, findings = np.random.default_rng(trial.seed), dict.fromkeys(each, Findings((), None))
    for number in range(processes):
        for settings in (each[index] for index in random.permutation(len(each))):
            trial.watch(settings.words())
            found = findings[settings]
            if found.lost is not None:  # it would be lost again, and take as long
                continue
            job = _job(trial, settings, seconds, -(-FEWEST_CALLS // processes), scores=scores and number == 0)
            answer = run_job(job, limit_seconds=seconds + trial.time_limit)
            if isinstance(answer, Lost):
                findings[settings] = Findings(found.outcomes, answer.reason)
            else:
                findings[settings] = Findings((*found.outcomes, answer), None)
    return findings


def _job(trial: Trial, settings: SessionSettings, seconds: float, fewest_calls: int, *, scores: bool) -> Job:
    golden = trial.folder / GOLDEN
    return Job(
        path=str(trial.target.path.resolve()),
        provider="cpu",
        threads=settings.threads,
        batch=trial.batch,
        seconds=seconds,
        fewest_calls=fewest_calls,
        most_seconds=seconds + trial.time_limit / 4,
        images=str(trial.folder / _IMAGES),
        golden=str(golden) if scores and golden.exists() else None,
        folder=tempfile.mkdtemp(dir=trial.folder),
        max_drop=trial.target.max_drop,
        options=asdict(settings),
    )


def _concluded(
    path: Path,
    usual: SessionSettings,
    final: dict[SessionSettings, Findings],
    screened: tuple[tuple[SessionSettings, float | None], ...],
    seed: int,
) -> Tuned:
    reports = {settings: report_of(found, seed) for settings, found in final.items()}
    # What gives other labels comes last: it is named only where nothing else is there.
    others = [
        (_disagreement(final[settings]) is not None, report.p50_us, settings)
        for settings, report in reports.items()
        if report is not None and settings != usual
    ]
    if reports[usual] is None or not others:
        lost = next((found.lost for found in final.values() if found.lost), None)
        return Tuned(path, usual, None, reports[usual], None, screened, lost or "no other setting could be measured")
    best = min(others, key=lambda entry: entry[:2])[2]
    measured = tuple((settings, report) for settings, report in reports.items() if report and settings != usual)
    return Tuned(path, usual, best, reports[usual], reports[best], screened, _disagreement(final[best]), measured)


def _disagreement(found: Findings) -> str | None:
    return next((outcome.disagreement for outcome in found.outcomes if outcome.disagreement), None)


def _median_us(found: Findings) -> float | None:
    report = report_of(found, 0)
    return None if report is None else report.p50_us
