"""How often `digitedge bench --compare` is right: equals must be equals, and a slow-down of 10 % must be found.

    python benchmarks/compare.py runs/classic benchmarks/results [TRIALS]

Takes a run folder. First the whole run is measured TRIALS + 1 times (10 + 1 unless told), each against the one before:
every file is the same, so that each difference that is found is a false alarm. Then one .onnx and one .tflite file are
measured against copies of themselves TRIALS times more, each time with an artificial slow-down of one of them: after
each call the process spins for another tenth of the time that the call took, or not at all. Writes compare.json and
prints the table. With 10 trials and four files it takes 25 minutes, on a machine that should do nothing else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.artifact import GOLDEN, read_golden, read_manifest
from digitedge.bench import measuring, process, worker
from digitedge.bench.comparing import apart, compare
from digitedge.bench.earlier import read_earlier
from digitedge.bench.pairing import plan
from digitedge.bench.target import Target
from digitedge.config import BenchConfig
from digitedge.measure.context import context, moment
from digitedge.measure.machine import describe, summary
from digitedge.report.bodies import bench_body, versions
from digitedge.report.documents import envelope
from digitedge.runtime import timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SLOWED, FORMATS = 1.10, ("onnx", "tflite")
SPIN, TRIALS = "--spin", 10


def main(run: Path, results: Path, trials: int) -> None:
    """Makes every trial and writes what was found."""
    whole = _whole_runs(run, trials)
    slowed = [
        {"format": name, "factor": factor, **_trial(run, name, factor)}
        for _ in range(trials)
        for name in FORMATS
        for factor in (SLOWED, 1.0)
    ]
    document = {"machine": describe(), "whole": whole, "slowed": slowed}
    (results / "compare.json").write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def table(document: dict[str, Any]) -> str:
    """The table of benchmarks/README.md."""
    whole = document["whole"]
    rows = [entry for trial in whole for entry in trial]
    equal = sum(all(entry["result"] == "no difference" for entry in trial) for trial in whole)
    files = len(whole[0])
    same = sum(entry["result"] == "no difference" for entry in rows)
    lines = [
        "| what is compared | must be found | found |",
        "| --- | --- | --- |",
        f"| two whole benchmarks of the same {files} files | no difference in any | {equal} of {len(whole)} |",
        f"| ... file by file | no difference | {same} of {len(rows)} |",
    ]
    for name in FORMATS:
        for factor, right in ((SLOWED, "slower"), (1.0, "no difference")):
            found = [one for one in document["slowed"] if (one["format"], one["factor"]) == (name, factor)]
            hits = sum(one["result"] == right for one in found)
            what = f"each call made {factor - 1:.0%} slower" if factor > 1.0 else "nothing changed"
            lines.append(f"| a .{name} file against its copy, {what} | {right} | {hits} of {len(found)} |")
    return "\n".join([*lines, "", f"On {summary(document['machine'])}."])


def _whole_runs(run: Path, trials: int) -> list[list[dict[str, Any]]]:
    """`digitedge bench` once, and then again and again, each compared with the one before."""
    with tempfile.TemporaryDirectory() as temporary:
        copy, old = Path(temporary) / run.name, Path(temporary) / "old.json"
        shutil.copytree(run, copy)
        found = []
        for number in range(trials + 1):
            words = ["bench", str(copy), "--json", *(["--compare", str(old)] if number else [])]
            ended = subprocess.run([sys.executable, "-m", "digitedge", *words], check=True, capture_output=True)
            old.write_bytes(ended.stdout)
            if number:
                found.append([_short(entry) for entry in json.loads(ended.stdout)["compare"]])
                print(f"whole run {number} of {trials}: {[entry['result'] for entry in found[-1]]}", file=sys.stderr)
    return found


def _trial(run: Path, format_name: str, factor: float) -> dict[str, Any]:
    """One file against a copy of itself, measured today, slowed down by `factor`."""
    file = next(artifact.path for artifact in read_manifest(run) if artifact.format == format_name)
    images, config = read_golden(run / GOLDEN).images[:], BenchConfig()
    brief = replace(config, processes=2, seconds=0.2)  # its figures are not used: the old file is measured again
    with tempfile.TemporaryDirectory() as temporary:
        old = Path(temporary) / file.name
        shutil.copy(file, old)
        targets = [Target(file, precision=_precision(file))]
        first = measuring.measure([Target(old, precision=_precision(file))], brief, images, None, _unwatched)
        around = context(moment(), moment(), versions(), ["cpu"])
        before = Path(temporary) / "bench.json"
        before.write_text(json.dumps(envelope("bench", bench_body(first, "", context=around))))
        planned = plan(read_earlier(before), targets, config, images.shape[1:])
        with _slowing(file, factor):
            entrants = (*targets, *planned.again)
            everything = measuring.measure(entrants, config, images, None, _unwatched)
        _, measured = apart(everything, targets, planned.again)
        (entry,) = compare(planned, measured, describe(), around)
    print(f"{file.name} x {factor:g}: {entry['result']} {entry['ratio']}", file=sys.stderr)
    return _short(entry)


def _precision(file: Path) -> str | None:
    return next(artifact.precision for artifact in read_manifest(file.parent) if artifact.path == file)


def _short(entry: dict[str, Any]) -> dict[str, Any]:
    """Without paths, which say nothing to anybody else."""
    keys = ("result", "ratio", "ratio_low", "ratio_high", "measured_again", "drift")
    return {"file": Path(entry["old_path"]).name, **{key: entry[key] for key in keys}}


@contextmanager
def _slowing(file: Path, factor: float) -> Iterator[None]:
    """Processes that time `file` spin after each call; the others are as always."""
    command = (sys.executable, "-P", __file__, SPIN, str(factor))
    slowed = str(file.resolve())

    def run_job(job: Any, **how: Any) -> Any:
        spins = factor > 1.0 and job.path == slowed
        return process.run_job(job, **how, command=command) if spins else process.run_job(job, **how)

    measuring.run_job = run_job
    try:
        yield
    finally:
        measuring.run_job = process.run_job


def _spin(factor: float) -> None:
    """The benchmark's own worker, whose calls take `factor` times as long."""
    plain = timer.time_calls

    def time_calls(calls: Sequence[Callable[[], Any]], **how: Any) -> Any:
        return plain([_slower(call, factor) for call in calls], **how)

    timer.time_calls = time_calls
    worker.main()


def _slower(call: Callable[[], Any], factor: float) -> Callable[[], Any]:
    clock = time.perf_counter_ns

    def slow() -> Any:
        begin = clock()
        result = call()
        end = begin + (clock() - begin) * factor
        while clock() < end:
            pass
        return result

    return slow


def _unwatched(done: int, total: int, name: str) -> None:
    """Nobody looks."""


if __name__ == "__main__":
    if sys.argv[1] == SPIN:
        _spin(float(sys.argv[2]))
    else:
        source, target, *number = sys.argv[1:]
        main(Path(source).resolve(), Path(target), int(number[0]) if number else TRIALS)
