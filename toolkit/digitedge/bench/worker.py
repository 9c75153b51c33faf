"""A fresh process that loads one file, times it and answers in a file: `python -m digitedge.bench.worker < job.json`.

Fresh, because memory layout, caches and an engine's pools differ from process to process, and would else be measured as
if they were the model's. The answer is a file, because native libraries write to standard output.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.artifact import read_golden
from digitedge.bench.audit import departure, same_image_ratio
from digitedge.bench.job import Job, Outcome, refused, write_error, write_outcome
from digitedge.bench.target import floor_of
from digitedge.errors import ContentError, DigitedgeError
from digitedge.measure.energy import Meter
from digitedge.measure.limits import Evidence, judge, limits_of, reason
from digitedge.measure.parity import ParityReport, compare
from digitedge.runtime.loading import format_of, load, score
from digitedge.runtime.model import RefusedError
from digitedge.runtime.session_settings import SessionSettings
from digitedge.runtime.timer import timer_of
from digitedge.streams import hushed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.runtime.model import Model
    from digitedge.runtime.timer import Timer

_STATUS = Path("/proc/self/status")
# So few that the time is looked at in time, so many that the calls themselves cost nothing.
_CHUNK = 32


def main() -> None:
    """Reads a job from standard input, does it, and writes the outcome or the error into the job's folder."""
    job = Job.from_json(sys.stdin.read())
    folder = Path(job.folder)
    try:
        with hushed():
            outcome = perform(job)
        write_outcome(folder, outcome)
    except DigitedgeError as error:
        write_error(folder, error)


def perform(job: Job) -> Outcome:
    """Loads, times and scores one file, in that order: a model's memory is read before the golden images come in.

    Raises:
        DigitedgeError: the file or the engine cannot be used.
    """
    path = Path(job.path)
    _start_engine(path, job.provider)
    begin = time.perf_counter()
    try:
        model = _load(path, job)
    except RefusedError as error:
        return refused(error.placement, error.reason)
    load_ms = (time.perf_counter() - begin) * 1e3
    placement = model.placement
    if placement is not None and placement.elsewhere > 0:
        return refused(placement, None)
    try:
        return _timed(job, model, load_ms)
    except RefusedError as error:  # the memory that is bound, or a graph
        return refused(placement, error.reason)


def _timed(job: Job, model: Model, load_ms: float) -> Outcome:
    path, placement, batches = Path(job.path), model.placement, _batches(job, model)
    timer = timer_of(model, batches, end_to_end=job.end_to_end)
    first_ms = _first_ms(path, timer)
    meter, order = Meter(), range(len(batches))
    samples_us = timer.time(
        order, seconds=job.seconds, fewest=job.fewest_calls, most_seconds=job.most_seconds, around=meter
    )
    rss_bytes = peak_rss_bytes()
    audited = None if job.images is None else _audit(job, model, timer, batches)
    parity = None if job.golden is None else _parity(model, job)
    return Outcome(
        samples_us=samples_us,
        load_ms=load_ms,
        first_ms=first_ms,
        rss_bytes=rss_bytes,
        nodes_on_provider=None if placement is None else placement.on_provider,
        nodes_elsewhere=None if placement is None else placement.elsewhere,
        agreement=None if parity is None else parity.agreement,
        accuracy=None if parity is None else parity.accuracy,
        disagreement=None
        if parity is None
        else reason(judge(Evidence(parity), limits_of(model.precision, job.max_drop))),
        engine=model.engine,
        energy_uj=None if meter.spent_uj is None else meter.spent_uj / len(samples_us),
        timed_by=timer.timed_by,
        departure=None if audited is None else audited[0],
        same_image_ratio=None if audited is None else audited[1],
    )


def peak_rss_bytes() -> int | None:
    """The most memory that this process ever held.

    Linux tells it of this program alone as VmHWM; `ru_maxrss` would be that of the parent where the parent was larger,
    since a child inherits it (https://bugs.python.org/issue34652, `man 2 getrusage`). None where it is not told.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def _load(path: Path, job: Job) -> Model:
    if job.io != "copies":
        from digitedge.runtime import onnx_binding

        return onnx_binding.load(path, provider=job.provider, threads=job.threads, io=job.io)
    if job.options is None:
        return load(path, provider=job.provider, threads=job.threads)
    from digitedge.runtime import onnx

    settings = SessionSettings(**job.options)
    return onnx.load(path, provider=job.provider, threads=job.threads, configure=settings.apply)


def _start_engine(path: Path, provider: str) -> None:
    """Imports the engine and lets it and the provider set themselves up, so that `load_ms` is the file's alone."""
    floor = floor_of(format_of(path))
    if floor is not None:
        with suppress(RefusedError):  # a provider may have nothing to do with a model that does nothing
            load(floor.path, provider=provider)
    else:  # the one engine without a floor
        from digitedge.runtime.keras import import_tensorflow

        import_tensorflow("timing a .keras file")


def _first_ms(path: Path, timer: Timer) -> float:
    begin = time.perf_counter()
    try:
        timer.outputs(0)
    except RefusedError:
        raise
    except Exception as error:  # an engine raises whatever its operator at hand raises
        message = f"{path} is loaded, but does not run: {type(error).__name__}: {error}."
        raise ContentError(message, "Export it again.") from error
    return (time.perf_counter() - begin) * 1e3


def _batches(job: Job, model: Model) -> list[NDArray[np.uint8]]:
    if job.images is None:
        return [np.zeros((1, *model.spec.input_shape), np.uint8)]
    images = np.load(job.images)
    return [images[start : start + job.batch] for start in range(0, len(images), job.batch)]


def _audit(job: Job, model: Model, timer: Timer, batches: list[NDArray[np.uint8]]) -> tuple[float, float | None]:
    """`departure` and `same_image_ratio`."""
    departs = departure(model, timer, batches, end_to_end=job.end_to_end)
    return departs, same_image_ratio(timer, len(batches), most_seconds=job.most_seconds / 10)


def _parity(model: Model, job: Job) -> ParityReport | None:
    """Agreement with the golden reference; None if the model is too slow to score every image in the job's time."""
    golden, scores, end = read_golden(Path(str(job.golden))), [], time.monotonic() + job.most_seconds
    for start in range(0, len(golden.images), _CHUNK):
        scores.append(score(model, golden.images[start : start + _CHUNK]))
        if time.monotonic() > end:
            return None
    try:
        decisions_only = model.spec.output_kind == "label"
        return compare(golden.scores, np.concatenate(scores), golden.labels, decisions_only=decisions_only)
    except ContentError as error:
        raise ContentError(f"{job.path}: {error.message}", error.hint) from error


if __name__ == "__main__":
    main()
