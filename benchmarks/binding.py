"""Whether our times of an .onnx file are right: the same file, timed by another program through another binding.

    python benchmarks/binding.py runs/classic benchmarks/results

Takes a run folder that holds .onnx files in fp32 and int8. Every round times each of them, and the model that does
nothing, once in random order, each in a fresh process, one thread, batch 1: by digitedge's worker, which is what
`digitedge bench` runs; by the same worker with the ONNX Runtime that npm has; and by `binding/time_onnx.mjs` in Node,
where nothing is digitedge's. What a call costs before any arithmetic is not the same in Python and in Node, so the
model that does nothing is subtracted from each. Needs Node 20 or newer, npm and pip, which fetch both packages into a
temporary folder. Writes binding.json and prints the table. Takes about two minutes.

A newer ONNX Runtime for Node: its version into binding/package.json, then in that folder
`npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from digitedge.artifact import read_golden
from digitedge.bench.job import Job
from digitedge.bench.process import COMMAND, Lost, run_job
from digitedge.bench.target import floor_of
from digitedge.data.preprocess import to_input, to_unit
from digitedge.measure.machine import describe
from digitedge.measure.paired import paired_ratio
from digitedge.runtime.loading import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.measure.paired import Ratio

ROUNDS = 15
SECONDS = 0.4
WARM_UP_SECONDS = 0.1
IMAGES = 64
# Another version's kernels may round otherwise; another file's scores would be off by tenths.
LARGEST_DIFFERENCE = 1e-3
NODE_SIDE = Path(__file__).parent / "binding"
PACKAGE = "onnxruntime-node"
NOTHING = "a model that does nothing"
OURS, OURS_SAME_VERSION, THEIRS = "digitedge", "digitedge, the same ONNX Runtime", PACKAGE


class Entrant(NamedTuple):
    """One file, by one of the three that time it."""

    name: str
    path: Path
    by: str


class Timed(NamedTuple):
    """What one process gave: microseconds of each call, what ran it, and how far a score is from ours."""

    samples_us: NDArray[np.float64]
    versions: str
    difference: float = 0.0


def main(run: Path, results: Path) -> None:
    """Times everything and writes the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        install(work)
        document = measure(run, work, rounds=ROUNDS, seconds=SECONDS)
    (results / "binding.json").write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def table(document: dict[str, Any]) -> str:
    """The table of benchmarks/README.md."""
    medians, found = _medians(document), ratios(document)
    lines = [
        "| file | timed by | p50 | of a model that does nothing | difference | of Node's difference, 99 % interval |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in document["rows"]:
        name, by = row["name"], row["by"]
        if name == NOTHING:
            continue
        p50, floor = np.median(medians[name, by]), np.median(medians[NOTHING, by])
        ratio = found.get((name, by))  # Node's has none to itself
        of_theirs = "" if ratio is None else f"{ratio.value:.3f}, {ratio.low:.3f} to {ratio.high:.3f}"
        lines.append(
            f"| {name} | {row['versions']} | {p50:.1f} µs | {floor:.1f} µs | {p50 - floor:.1f} µs | {of_theirs} |"
        )
    return "\n".join(lines)


def sentence(document: dict[str, Any]) -> str:
    """What the README says: digitedge as it is, over Node."""
    found = ratios(document)
    values = [found[name, OURS] for name in ("fp32 .onnx", "int8 .onnx")]
    fp32, int8 = ("unknown" if ratio is None else f"{ratio.value:.2f}" for ratio in values)
    return f"digitedge's figures for fp32 and int8 are {fp32} and {int8} of those of `onnxruntime-node`"


def ratios(document: dict[str, Any]) -> dict[tuple[str, str], Ratio | None]:
    """By file and who timed it: a call without what it costs to call, over the same in Node, round by round.

    Returns:
        Of each file, two; None with too few rounds.
    """
    medians = _medians(document)
    pure = {
        (name, by): [np.array([value]) for value in of_model - medians[NOTHING, by]]
        for (name, by), of_model in medians.items()
        if name != NOTHING
    }
    return {(name, by): paired_ratio(ours, pure[name, THEIRS]) for (name, by), ours in pure.items() if by != THEIRS}


def _medians(document: dict[str, Any]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Of each process, by file and who timed it."""
    return {(row["name"], row["by"]): np.array(row["medians_us"]) for row in document["rows"]}


def install(work: Path) -> None:
    """Node's package without its scripts, which would fetch CUDA, and the ONNX Runtime of that version for Python."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} not found: install Node 20 or newer.")
    shutil.copytree(NODE_SIDE, work / "node")
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, cwd=work / "node", check=True, stdout=subprocess.DEVNULL)
    version = json.loads((NODE_SIDE / "package.json").read_text())["dependencies"][PACKAGE]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(work / "python"), f"onnxruntime=={version}"], check=True)


def measure(run: Path, work: Path, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Everything that is timed, in rounds, as binding.json has it.

    Args:
        run: folder of a run.
        work: where `install` has been.
        rounds: processes of each.
        seconds: of timed calls in a process.

    Raises:
        SystemExit: one could not be timed, or Node's scores are not ours.
    """
    np.save(work / "images.npy", read_golden(run / "golden.npz").images[:IMAGES])
    entrants = [Entrant(name, path, by) for name, path in _files(run) for by in (OURS, OURS_SAME_VERSION, THEIRS)]
    timed: dict[Entrant, list[Timed]] = {entrant: [] for entrant in entrants}
    random, machine = np.random.default_rng(0), describe()
    for _ in range(rounds):
        for entrant in (entrants[index] for index in random.permutation(len(entrants))):
            time_once = _by_node if entrant.by == THEIRS else _by_digitedge
            timed[entrant].append(time_once(entrant, work, seconds))
    rows = [_row(entrant, processes) for entrant, processes in timed.items()]
    return {"machine": machine, "rounds": rounds, "seconds": seconds, "rows": rows}


def _row(entrant: Entrant, processes: list[Timed]) -> dict[str, Any]:
    return {
        "name": entrant.name,
        "by": entrant.by,
        "versions": processes[0].versions,
        "n": sum(len(process.samples_us) for process in processes),
        "medians_us": [round(float(np.median(process.samples_us)), 3) for process in processes],
        "largest_difference_of_a_score": max(process.difference for process in processes),
    }


def _files(run: Path) -> list[tuple[str, Path]]:
    floor = floor_of("onnx")
    if floor is None:
        raise SystemExit("digitedge has no .onnx model that does nothing: is it whole?")
    models = [(f"{kind} .onnx", next(run.glob(f"*.{kind}.onnx"))) for kind in ("fp32", "int8")]
    return [(NOTHING, floor.path), *models]


def _by_digitedge(entrant: Entrant, work: Path, seconds: float) -> Timed:
    """The process of `digitedge bench`; with the other ONNX Runtime found first, where it is asked for."""
    job = Job(
        path=str(entrant.path.resolve()),
        provider="cpu",
        threads=1,
        batch=1,
        seconds=seconds,
        fewest_calls=1,
        most_seconds=30.0,
        images=None if entrant.name == NOTHING else str(work / "images.npy"),
        golden=None,
        folder=tempfile.mkdtemp(dir=work),
    )
    searched = os.pathsep.join(filter(None, (str(work / "python"), os.environ.get("PYTHONPATH", ""))))
    command = COMMAND if entrant.by == OURS else ("/usr/bin/env", f"PYTHONPATH={searched}", *COMMAND)
    outcome = run_job(job, limit_seconds=60, command=command)
    if isinstance(outcome, Lost) or outcome.samples_us is None:
        raise SystemExit(f"{entrant.name} was not timed by {entrant.by}: {outcome}")
    return Timed(outcome.samples_us, f"digitedge, {outcome.engine}")


def _by_node(entrant: Entrant, work: Path, seconds: float) -> Timed:
    """One process of Node, which must give our scores: else it ran another file, or other images."""
    model = load(entrant.path)
    images = np.zeros((1, *model.spec.input_shape), np.uint8)
    if entrant.name != NOTHING:
        images = np.load(work / "images.npy")
    inputs = to_input(to_unit(images), model.spec)
    files = {name: work / name for name in ("images", "samples", "outputs")}
    files["images"].write_bytes(inputs.tobytes())
    job: dict[str, Any] = {name: str(path) for name, path in files.items()}
    job |= {"model": str(entrant.path.resolve()), "dims": [1, *inputs.shape[1:]]}
    job |= {"seconds": seconds, "warm_up_seconds": WARM_UP_SECONDS}
    (work / "job.json").write_text(json.dumps(job))
    command = ["node", str(work / "node" / "time_onnx.mjs"), str(work / "job.json")]
    versions = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout)
    scores = np.fromfile(files["outputs"], np.float32).reshape(len(images), -1)
    difference = float(np.abs(scores - model(to_unit(images))).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise SystemExit(f"Node's scores of {entrant.name} are {difference:.3f} from ours: it timed something else.")
    return Timed(np.fromfile(files["samples"]), f"Node {versions['node']}, {PACKAGE} {versions['package']}", difference)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
