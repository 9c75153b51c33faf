"""One job in one fresh process, which may crash or never return without taking the benchmark with it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitedge.bench.job import read_outcome
from digitedge.processes import ending, run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.bench.job import Job, Outcome

# A process that has taken so much longer than it should is spoken of.
SLOW_SECONDS = 15.0
# -P: the current folder is not searched for modules, so a numpy.py that lies there is not run.
COMMAND = (sys.executable, "-P", "-m", "digitedge.bench.worker")


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker without an answer.

    Attributes:
        reason: that it crashed or did not return, as the reason of a row.
    """

    reason: str


def run_job(
    job: Job,
    *,
    limit_seconds: float,
    command: tuple[str, ...] = COMMAND,
    slow: Callable[[], None] = lambda: None,
) -> Outcome | Lost:
    """Runs a worker to its end. It never outlives this call: a time limit, Ctrl-C or any other exception kills it.

    Args:
        job: what to do.
        limit_seconds: after which a worker is taken for one that never returns.
        command: of the worker.
        slow: called where it has not answered `SLOW_SECONDS` after the time that its calls take.

    Returns:
        What it found; Lost where it crashed in native code, was killed, or did not return in time.

    Raises:
        DigitedgeError: the one that the worker met.
        RuntimeError: it failed by a mistake of ours; holds its last words.
    """
    try:
        patience = (job.seconds + SLOW_SECONDS, slow)
        ended = run_to_end(command, job.to_json(), limit_seconds=limit_seconds, temporary=job.folder, slow=patience)
    except subprocess.TimeoutExpired:
        return Lost(f"it did not return within {limit_seconds:g} s")
    outcome = read_outcome(Path(job.folder))
    if outcome is not None:
        return outcome
    if ended.returncode < 0:
        return Lost(f"its process {ending(ended.returncode)}")
    raise RuntimeError(f"the worker for {job.path} ended with {ended.returncode}: {ended.stderr.strip()[-2000:]}")
