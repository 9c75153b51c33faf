"""How our files compare with what people use otherwise, in one interleaved run.

    python benchmarks/latency.py runs/classic benchmarks/results

Takes a run folder that holds classic in fp32 and int8 as .onnx, .tflite and .c. Beside them stand tf2onnx's own output
of the same network and the same files on the OpenVINO provider, whose ONNX Runtime lives in an environment of its own,
made here. Every round times each of them once, in random order, each in a fresh process, one thread, batch 1; between
them the core's peak is measured, which says how fast the arithmetic alone could be. Writes latency.json and prints the
table. Takes about five minutes, with the installation of OpenVINO.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from digitedge.artifact import read_golden
from digitedge.bench.job import Job
from digitedge.bench.process import COMMAND, Lost, run_job
from digitedge.bench.target import floor_of
from digitedge.data.preprocess import to_unit
from digitedge.files import read_json
from digitedge.measure.latency import LatencyReport
from digitedge.measure.machine import describe

ROUNDS = 20
SECONDS = 0.4
IMAGES = 64
HERE = Path(__file__).parent
THEIRS = "tf2onnx as it comes"
FROM_C = "C99, called from C"
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast")


class Entrant(NamedTuple):
    """One line of the table."""

    name: str
    engine: str
    path: Path
    command: tuple[str, ...]
    provider: str = "cpu"


def main(run: Path, results: Path) -> None:
    """Times everything and writes the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        np.save(work / "images.npy", read_golden(run / "golden.npz").images[:IMAGES])
        entrants = _entrants(run, work)
        samples, peaks = _rounds(entrants, work)
    document = {
        "machine": describe(),
        "macs": read_json(run / "train.json")["macs"],
        "peak_macs_per_s": float(np.median(peaks)),
        "rounds": ROUNDS,
        "rows": [_row(entrant, LatencyReport(tuple(samples[entrant]))) for entrant in entrants],
    }
    (results / "latency.json").write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def table(document: dict[str, Any]) -> str:
    """The table of benchmarks/README.md."""
    theirs = next(row for row in document["rows"] if row["name"] == THEIRS and row["engine"] == "ONNX Runtime")
    lite = next(row for row in document["rows"] if row["name"] == "fp32 .tflite")
    limit_us = document["macs"] / document["peak_macs_per_s"] * 1e6
    lines = [
        "| file | engine | p50 | 95 % interval | of tf2onnx's | of LiteRT's | of the arithmetic limit |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in document["rows"]:
        p50 = row["p50_us"]
        ratios = " | ".join(f"{p50 / other:.2f}" for other in (theirs["p50_us"], lite["p50_us"], limit_us))
        interval = f"{row['p50_low_us']:.1f} to {row['p50_high_us']:.1f}"
        lines.append(f"| {row['name']} | {row['engine']} | {p50:.1f} µs | {interval} | {ratios} |")
    return "\n".join(lines)


def sentence(document: dict[str, Any]) -> str:
    """The same in one sentence, for README.md."""
    p50 = {(row["name"], row["engine"]): row["p50_us"] for row in document["rows"]}
    parts = []
    for engine, suffix in (("C99", "c"), ("LiteRT", "tflite"), ("ONNX Runtime", "onnx")):
        int8, fp32 = p50[f"int8 .{suffix}", engine], p50[f"fp32 .{suffix}", engine]
        parts.append(f"{engine} {int8:.0f} µs in int8 and {fp32:.0f} µs in float32")
    return ", ".join(parts)


def _entrants(run: Path, work: Path) -> list[Entrant]:
    here, openvino = COMMAND, (str(_openvino_environment(work / "openvino")), *COMMAND[1:])
    ours, theirs = run / "classic.fp32.onnx", _as_it_comes(run / "model.keras", work / "theirs.onnx")
    floors = {name: floor.path for name in ("onnx", "tflite", "c99") if (floor := floor_of(name)) is not None}
    return [
        Entrant("a model that does nothing", "ONNX Runtime", floors["onnx"], here),
        Entrant(THEIRS, "ONNX Runtime", theirs, here),
        Entrant("fp32 .onnx", "ONNX Runtime", ours, here),
        Entrant("int8 .onnx", "ONNX Runtime", run / "classic.int8.onnx", here),
        Entrant(THEIRS, "ONNX Runtime, OpenVINO", theirs, openvino, "openvino"),
        Entrant("fp32 .onnx", "ONNX Runtime, OpenVINO", ours, openvino, "openvino"),
        Entrant("a model that does nothing", "LiteRT", floors["tflite"], here),
        Entrant("fp32 .tflite", "LiteRT", run / "classic.fp32.tflite", here),
        Entrant("int8 .tflite", "LiteRT", run / "classic.int8.tflite", here),
        Entrant("a model that does nothing", "C99", floors["c99"], here),
        Entrant("fp32 .c", "C99", run / "classic.fp32.c", here),
        Entrant("int8 .c", "C99", run / "classic.int8.c", here),
        *(
            Entrant(f"{kind} .c", FROM_C, run / f"classic.{kind}.c", (str(_program(run, kind, work)),))
            for kind in ("fp32", "int8")
        ),
    ]


def _rounds(entrants: list[Entrant], work: Path) -> tuple[dict[Entrant, list[Any]], list[float]]:
    peak = _compiled(work / "fma_peak", "-std=gnu99", HERE / "fma_peak.c")
    pixels = to_unit(np.load(work / "images.npy")).tobytes()
    random, peaks = np.random.default_rng(0), []
    samples: dict[Entrant, list[Any]] = {entrant: [] for entrant in entrants}
    for _ in range(ROUNDS):
        peaks.append(float(subprocess.run([peak], check=True, capture_output=True, text=True).stdout))
        for entrant in (entrants[index] for index in random.permutation(len(entrants))):
            if entrant.engine == FROM_C:
                ended = subprocess.run(entrant.command, input=pixels, check=True, capture_output=True)
                samples[entrant].append(np.frombuffer(ended.stdout))
                continue
            outcome = run_job(_job(entrant, work), limit_seconds=60, command=entrant.command)
            if isinstance(outcome, Lost) or outcome.samples_us is None:
                raise SystemExit(f"{entrant.name} on {entrant.engine} was not timed: {outcome}")
            samples[entrant].append(outcome.samples_us)
    return samples, peaks


def _job(entrant: Entrant, work: Path) -> Job:
    floor = entrant.path.stem == "identity"
    return Job(
        path=str(entrant.path.resolve()),
        provider=entrant.provider,
        threads=1,
        batch=1,
        seconds=SECONDS,
        fewest_calls=1,
        most_seconds=30.0,
        images=None if floor else str(work / "images.npy"),
        golden=None,
        folder=tempfile.mkdtemp(dir=work),
    )


def _row(entrant: Entrant, report: LatencyReport) -> dict[str, Any]:
    low, high = report.interval_us
    return {
        "name": entrant.name,
        "engine": entrant.engine,
        "provider": entrant.provider,
        "n": report.n,
        "min_us": report.min_us,
        "p50_us": report.p50_us,
        "p50_low_us": low,
        "p50_high_us": high,
        "p90_us": report.p90_us,
        "p99_us": report.p99_us,
    }


def _as_it_comes(original: Path, path: Path) -> Path:
    """tf2onnx's own output, NHWC and all; only the description is added, without which no engine of ours loads it."""
    import onnx
    import tensorflow as tf
    import tf2onnx

    from digitedge.runtime.keras import load
    from digitedge.runtime.metadata import KEY, Embedded, to_json

    model = load(original)
    signature = [tf.TensorSpec((None, *model.spec.input_shape), tf.float32, name=model.spec.input_name)]

    @tf.function(input_signature=signature)
    def forward(image: Any) -> dict[str, Any]:
        return {model.spec.output_name: model.network(image, training=False)}

    proto, _ = tf2onnx.convert.from_function(forward, input_signature=signature, opset=17)
    onnx.helper.set_model_props(proto, {KEY: to_json(Embedded(model.spec, model.source_digest, "fp32", "tf2onnx"))})
    onnx.save(proto, path)
    return path


def _openvino_environment(folder: Path) -> Path:
    """An interpreter with ONNX Runtime's OpenVINO build, which unpacks over the usual one: it needs its own place."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{HERE.parent}[openvino]"],
        check=True,
    )
    return python


def _program(run: Path, precision: str, work: Path) -> Path:
    """A program that times a .c file by itself."""
    names = ["-DNAME=classic", "-DBIG=CLASSIC", f'-DHEADER="classic.{precision}.h"', f"-I{run.resolve()}"]
    return _compiled(work / precision, "-std=c99", *names, HERE / "time_c.c", run / f"classic.{precision}.c")


def _compiled(program: Path, *words: str | Path) -> Path:
    subprocess.run(["/usr/bin/env", "cc", *FLAGS, "-o", program, *words], check=True)
    return program


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
