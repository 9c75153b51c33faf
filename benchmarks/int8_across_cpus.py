"""Does an int8 file decide alike on CPUs with and without 8-bit dot products (VNNI)?

    python benchmarks/int8_across_cpus.py runs/classic benchmarks/results/int8_across_cpus.json

Needs qemu-x86_64 (Debian: apt-get install qemu-user), which runs this very Python and ONNX Runtime as if on an older
CPU: `Haswell` has AVX2 and no VNNI, `SandyBridge` has AVX only. Beside digitedge's file stands the recipe that most
tutorials give, full 8-bit weights per channel: it must be seen to fail, or the emulation proves nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from digitedge.analysis.saturation import saturating_layers
from digitedge.artifact import Golden, read_golden
from digitedge.commands.judging import split
from digitedge.data.preprocess import to_unit
from digitedge.export.quantize.onnx_int8 import prepare, quantize
from digitedge.export.quantize.ranges import whole_ranges
from digitedge.export.quantize.recipes import RECIPES
from digitedge.measure.machine import describe
from digitedge.measure.parity import compare

CPUS = ("host", "Haswell", "SandyBridge")
CALIBRATION_IMAGES = 500
CHILD = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
images = numpy.load(sys.argv[2])
numpy.save(sys.argv[3], numpy.concatenate([session.run(None, {"image": part})[0] for part in numpy.split(images, 100)]))
"""


def main(run: Path, output: Path) -> None:
    """Scores the recorded test images with both files on every CPU, and writes the table."""
    if shutil.which("qemu-x86_64") is None:
        sys.exit("qemu-x86_64 is not installed. Debian: apt-get install qemu-user")
    golden, rows = read_golden(run / "golden.npz"), []
    with tempfile.TemporaryDirectory() as folder:
        naive = _naive(run, Path(folder) / "naive.onnx")
        for name, path in (("7 bits (digitedge)", run / "classic.int8.onnx"), ("8 bits", naive)):
            rows += [{"recipe": name, "cpu": cpu, **_judge(path, cpu, golden, Path(folder))} for cpu in CPUS]
    document = {"machine": describe(), "images": len(golden.images), "rows": rows}
    output.write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def table(document: dict[str, Any]) -> str:
    """The table of benchmarks/README.md."""
    lines = ["| weights | CPU | labels that differ from Keras | largest difference |", "| --- | --- | ---: | ---: |"]
    for row in document["rows"]:
        flips = f"{row['flips']} of {document['images']:,}"
        lines.append(f"| {row['recipe']} | {row['cpu']} | {flips} | {row['max_abs']:.3f} |")
    return "\n".join(lines)


def _judge(path: Path, cpu: str, golden: Golden, folder: Path) -> dict[str, object]:
    images = folder / "images.npy"
    np.save(images, to_unit(golden.images).transpose(0, 3, 1, 2))
    emulator = [] if cpu == "host" else ["qemu-x86_64", "-cpu", cpu]
    scores = folder / "scores.npy"
    command = [*emulator, sys.executable, "-c", CHILD, str(path), str(images), str(scores)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    parity = compare(golden.scores, np.load(scores), golden.labels)
    return {
        "flips": len(parity.flips),
        "agreement": parity.agreement,
        "accuracy": parity.accuracy,
        "accuracy_reference": parity.accuracy_reference,
        "max_abs": parity.max_abs,
        "saturating_tensors": len(saturating_layers(onnx.load(path))),
    }


def _naive(run: Path, target: Path) -> Path:
    """The same calibration images, the same operators, full 8-bit weights: ONNX Runtime's usual recipe."""
    prepared = prepare(onnx.load(run / "classic.fp32.onnx"))
    learnt, _ = split(run)
    images = to_unit(learnt.images[:CALIBRATION_IMAGES]).transpose(0, 3, 1, 2)
    (usual,) = (recipe for recipe in RECIPES if recipe.name == "s8-channel")
    onnx.save(quantize(prepared, usual, whole_ranges(prepared, images)), target)
    return target


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
