"""What --tune and --profile add to a benchmark, each in processes of its own, after everything was timed."""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.layers import layer_named
from digitedge.bench.job import Job
from digitedge.bench.profiling import Profile, profile, unknown
from digitedge.bench.tuning import Tuned, processes_needed, tune
from digitedge.errors import UsageError
from digitedge.files import write_json
from digitedge.measure.cores import physical_cores
from digitedge.measure.machine import describe
from digitedge.report.counting import counting
from digitedge.runtime.session_settings import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.bench.row import Row
    from digitedge.bench.target import Target
    from digitedge.config import BenchConfig
    from digitedge.report.counting import Count
    from digitedge.report.terminal import Terminal

PROFILED_SECONDS = 1.0
_PROFILED_IMAGES = 64
# What ONNX Runtime's rewrites append to the name of the node that they replace.
_REWRITTEN = re.compile(r"(_nchwc|_nhwc|_token_\d+)+$")


@dataclass(frozen=True, eq=False)
class Session:
    """What was timed, and on what.

    Attributes:
        rows: what was found, for the threads and the batch of each file.
        targets: the files, each on a provider.
        images: uint8 (n, height, width, channels), that they are run on.
        golden: that settings are judged on; or None.
        config: how it was measured.
    """

    rows: Sequence[Row]
    targets: Sequence[Target]
    images: NDArray[np.uint8]
    golden: Golden | None
    config: BenchConfig


def extend(document: dict[str, Any], session: Session, record: Path | None, terminal: Terminal) -> None:
    """Fills the keys `tune` and `profile` of the `bench` document where they were asked for, and shows them.

    Args:
        document: of the benchmark, where both are null.
        session: what was timed.
        record: the file to write the document to once more; None for none.
        terminal: where progress and results are shown.
    """
    from digitedge.report.steps import profile as profile_step
    from digitedge.report.steps import tune as tune_step

    if session.config.tune:
        document["tune"] = tuned(session, terminal)
        terminal.show(tune_step.step(document))
    if session.config.profile:
        document["profile"] = profiled(session, terminal)
        terminal.show(profile_step.step(document))
    if record is not None and (session.config.tune or session.config.profile):
        write_json(record, document)


def require_tunable(config: BenchConfig, targets: Sequence[Target]) -> None:
    """Raises UsageError where --tune has nothing to tune: it knows the options of ONNX Runtime on the CPU."""
    if config.tune and not any(_is_tunable(target) for target in targets):
        message = "--tune is for .onnx files on the CPU, and there is none among these."
        raise UsageError(message, "Name one, with --provider cpu, or leave --tune out.")


def tuned(session: Session, terminal: Terminal) -> list[dict[str, Any]]:
    """One entry for each .onnx file on the CPU. A file without valid times is not tuned, and the entry says why."""
    cores = physical_cores(describe()["cpu_limit"])
    rows = {row.path: row for row in reversed(session.rows) if row.format == "onnx" and row.provider == "cpu"}
    files = {target.path: target for target in session.targets if _is_tunable(target) and target.path in rows}
    entries = []
    with counting(terminal, "tune") as watch:
        for path, target in files.items():
            usual = SessionSettings(rows[path].threads)
            if not rows[path].valid:
                entries.append(tune_entry(Tuned(path, usual, None, None, None, (), rows[path].reason)))
                continue
            found = tune(
                target,
                usual,
                session.images,
                session.golden,
                session.config,
                cores=cores,
                batch=rows[path].batch,
                watch=_count(watch, path.name, processes_needed(usual, cores)),
            )
            entries.append(tune_entry(found))
    return entries


def _count(watch: Count, name: str, total: int) -> Callable[[str], None]:
    done = iter(range(total + 1))
    return lambda words: watch(next(done), total, f"{name}, {words}")


def tune_entry(found: Tuned) -> dict[str, Any]:
    """One entry of the key `tune`; null for what was not measured."""
    best, usual = found.best_report, found.usual_report
    low, high = best.interval_us if best else (None, None)
    usual_low, usual_high = usual.interval_us if usual else (None, None)
    gain, gain_low, gain_high = found.gain or (None, None, None)
    return {
        "path": str(found.path),
        "options": None if found.best is None else asdict(found.best),
        "p50_us": best.p50_us if best else None,
        "p50_low_us": low,
        "p50_high_us": high,
        "gain": gain,
        "gain_low": gain_low,
        "gain_high": gain_high,
        "proved": found.proved,
        "usual_options": asdict(found.usual),
        "usual_p50_us": usual.p50_us if usual else None,
        "usual_p50_low_us": usual_low,
        "usual_p50_high_us": usual_high,
        "words": None if found.best is None else found.best.words(),
        "code": found.best.code(found.path.name) if found.best is not None and found.proved else None,
        "screened": [{"options": asdict(settings), "p50_us": p50_us} for settings, p50_us in found.screened],
        "unsteady": [
            {"options": asdict(settings), "words": settings.words(), "p50_least_us": least_us, "p50_most_us": most_us}
            for settings, least_us, most_us in found.unsteady
        ],
        "reason": found.reason,
    }


def profiled(session: Session, terminal: Terminal) -> list[dict[str, Any]]:
    """One entry for each file on each provider. A file without valid times is not profiled, and the entry says why."""
    rows = {(row.path, row.provider): row for row in reversed(session.rows)}
    entries = []
    with counting(terminal, "profile") as watch:
        for number, row in enumerate(reversed(rows.values())):
            watch(number, len(rows), row.path.name)
            entries.append(profile_entry(row, _profile(row, session.images, session.config.time_limit)))
    return entries


def profile_entry(row: Row, found: Profile) -> dict[str, Any]:
    """One entry of the key `profile`; `p50_us` is that of the row, timed without profiling."""
    operators = (
        None
        if found.operators is None
        else [{**asdict(operator), "layer": layer_of_operator(operator.name)} for operator in found.operators]
    )
    return {
        "path": str(row.path),
        "format": row.format,
        "provider": row.provider,
        "threads": row.threads,
        "batch": row.batch,
        "calls": found.calls,
        "call_us": found.call_us,
        "p50_us": row.p50_us,
        "operators": operators,
        "reason": found.reason,
    }


def layer_of_operator(name: str) -> str | None:
    """The Keras layer in the name of a node that ONNX Runtime runs; None where the name does not tell."""
    return layer_named(_REWRITTEN.sub("", name)) if "/" in name else None


def _profile(row: Row, images: NDArray[np.uint8], time_limit: float) -> Profile:
    known = unknown(row.format)
    if known is not None:
        return known
    if not row.valid:
        return Profile(None, None, None, row.reason)
    with tempfile.TemporaryDirectory(prefix="digitedge-profile-") as folder:
        path = Path(folder) / "images.npy"
        np.save(path, np.resize(images[:_PROFILED_IMAGES], (row.batch * _PROFILED_IMAGES, *images.shape[1:])))
        job = Job(
            path=str(row.path.resolve()),
            provider=row.provider,
            threads=row.threads,
            batch=row.batch,
            seconds=PROFILED_SECONDS,
            fewest_calls=1,
            most_seconds=PROFILED_SECONDS,
            images=str(path),
            golden=None,
            folder=folder,
        )
        return profile(job, limit_seconds=PROFILED_SECONDS + time_limit)


def _is_tunable(target: Target) -> bool:
    return target.format == "onnx" and target.provider == "cpu"
