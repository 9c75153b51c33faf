"""How the time of one call is shared among the operators: `python -m digitedge.bench.profiling < job.json`.

In a process of its own, never in one that is timed: ONNX Runtime writes down about 1 kB for every operator of every
call, and a small operator then costs several times what it does otherwise.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitedge.bench.job import Job
from digitedge.data.preprocess import to_unit
from digitedge.errors import DigitedgeError, from_fields, to_fields
from digitedge.files import read_json, write_json
from digitedge.processes import ending, run_to_end
from digitedge.runtime import onnx
from digitedge.streams import hushed

COMMAND = (sys.executable, "-P", "-m", "digitedge.bench.profiling")
# Enough that a share settles within a few points; ONNX Runtime gives whole microseconds and keeps a million events.
MOST_CALLS = 500
FEWEST_CALLS = 10
_ANSWER, _TRACE = "profile.json", "trace"
# What ONNX Runtime adds to the names of nodes (onnxruntime/core/framework/sequential_executor.cc).
_SUFFIX = "_kernel_time"


@dataclass(frozen=True, slots=True)
class Operator:
    """One node of the graph as the engine runs it.

    Attributes:
        name: of the node; what several nodes were fused into has the name of one of them, or one made up.
        operator: its type, such as `Conv` or `QLinearConv`.
        provider: that ran it, as ONNX Runtime calls it.
        mean_us: the mean of the middle half of its calls, so that neither an interruption nor the whole microseconds
            of the engine's clock decide.
        share: of the sum of all nodes, in [0, 1].
    """

    name: str
    operator: str
    provider: str
    mean_us: float
    share: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of a file goes.

    Attributes:
        operators: the slowest first; None where nothing is known.
        calls: that were profiled.
        call_us: a whole call while it was profiled, as `mean_us`.
        reason: why nothing is known.
    """

    operators: tuple[Operator, ...] | None
    calls: int | None
    call_us: float | None
    reason: str | None


def profile(job: Job, *, limit_seconds: float, command: tuple[str, ...] = COMMAND) -> Profile:
    """Profiles one file in a fresh process, which is killed where it does not return.

    Args:
        job: of an .onnx file; `seconds` bounds the calls.
        limit_seconds: after which the process is given up.
        command: of the process.

    Raises:
        DigitedgeError: the one that the process met.
        RuntimeError: it failed by a mistake of ours.
    """
    try:
        ended = run_to_end(command, job.to_json(), limit_seconds=limit_seconds, temporary=job.folder)
    except subprocess.TimeoutExpired:
        return Profile(None, None, None, f"it did not return within {limit_seconds:g} s")
    answer = Path(job.folder) / _ANSWER
    if answer.exists():
        return _read(answer)
    if ended.returncode < 0:
        return Profile(None, None, None, f"its process {ending(ended.returncode)}")
    raise RuntimeError(f"profiling {job.path} ended with {ended.returncode}: {ended.stderr.strip()[-2000:]}")


def unknown(format_name: str) -> Profile | None:
    """The profile of a file that no process is needed for; None for a format whose engine tells its operators."""
    reasons = {
        "tflite": "LiteRT's Python package tells no times of single operators",
        "c99": "a C source has no operators that could be told apart while it runs",
        "keras": "Keras gives no times of single layers",
    }
    return Profile(None, None, None, reasons[format_name]) if format_name in reasons else None


def main() -> None:
    """Reads a job from standard input, does it, and writes the profile or the error into the job's folder."""
    job = Job.from_json(sys.stdin.read())
    answer = Path(job.folder) / _ANSWER
    try:
        with hushed():
            found = perform(job)
        write_json(answer, asdict(found))
    except DigitedgeError as error:
        write_json(answer, {"error": to_fields(error)})


def perform(job: Job) -> Profile:
    """Runs the file with ONNX Runtime's profiling on.

    Raises:
        DigitedgeError: the file or the engine cannot be used.
    """

    def traced(options: Any) -> dict[str, Any]:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(job.folder) / _TRACE)
        return {}

    model = onnx.load(Path(job.path), provider=job.provider, threads=job.threads, configure=traced)
    images = to_unit(np.load(str(job.images)))
    calls = [model.prepare(images[start : start + job.batch]) for start in range(0, len(images), job.batch)]
    end = time.perf_counter() + job.seconds
    for number, call in enumerate(itertools.cycle(calls), start=1):
        call()
        if number >= MOST_CALLS or (number >= FEWEST_CALLS and time.perf_counter() > end):
            break
    trace = Path(model.session.end_profiling())
    return from_trace(json.loads(trace.read_text(encoding="utf-8")))


def from_trace(events: list[dict[str, Any]]) -> Profile:
    """The profile in ONNX Runtime's trace, which has one event for each call of each node.

    Args:
        events: as https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html describes them.
    """
    durations: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    whole: list[int] = []
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith(_SUFFIX):
            facts = event["args"]
            key = (event["name"].removesuffix(_SUFFIX), facts["op_name"], facts["provider"])
            durations[key].append(event["dur"])
        elif event["name"] == "model_run":
            whole.append(event["dur"])
    if not durations or not whole:
        return Profile(None, None, None, "ONNX Runtime wrote down no operator")
    # A node that is called several times in a call (in a Loop) costs all of them.
    means = {key: _middle_mean(each) * len(each) / len(whole) for key, each in durations.items()}
    total = sum(means.values())
    operators = [Operator(*key, mean, mean / total if total else 0.0) for key, mean in means.items()]
    operators.sort(key=lambda operator: -operator.mean_us)
    return Profile(tuple(operators), len(whole), _middle_mean(whole), None)


def _middle_mean(values: list[int]) -> float:
    """The mean of the middle half (the interquartile mean)."""
    ordered, quarter = np.sort(values), len(values) // 4
    return float(ordered[quarter : len(values) - quarter].mean())


def _read(answer: Path) -> Profile:
    document = read_json(answer)
    if "error" in document:
        raise from_fields(document["error"])
    operators = document["operators"]
    known = None if operators is None else tuple(Operator(**operator) for operator in operators)
    return Profile(known, document["calls"], document["call_us"], document["reason"])


if __name__ == "__main__":
    main()
