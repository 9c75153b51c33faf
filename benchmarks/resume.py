"""Does a training that is killed at any moment end in the very weights of one that is not?

    python benchmarks/resume.py benchmarks/results/resume.json

Trains `classic` with --deterministic on 20,000 digits for 6 epochs, once without interruption, then 20 times with a
SIGKILL at a random moment and `--resume`. The table in benchmarks/README.md is made of it. Needs a POSIX system.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from digitedge.data.loading import load
from digitedge.measure.machine import describe

IMAGES, EPOCHS, KILLS = 20_000, 6, 20
TRAIN = [sys.executable, "-m", "digitedge", "train", "--deterministic", "--augment", "digits", "--epochs", str(EPOCHS)]


def main() -> None:
    """Writes the raw results and prints the table."""
    output = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits.npz"
        digits = load("mnist").train.take(slice(IMAGES))
        np.savez(data, x_train=digits.images, y_train=digits.labels)
        whole = train(data, Path(folder) / "whole")
        draw = random.Random(0)  # noqa: S311 (moments, no secrets)
        trials = [
            trial(data, Path(folder) / f"killed-{number}", draw.uniform(0, whole["wall_s"]), whole)
            for number in range(KILLS)
        ]
    document = {"machine": describe(), "whole": {"wall_s": whole["wall_s"]}, "trials": trials}
    output.write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))


def train(data: Path, out: Path, *options: str) -> dict[str, Any]:
    """Trains to the end: what train.json says, and how long the process took."""
    started = time.perf_counter()
    subprocess.run([*TRAIN, "--data", str(data), "--out", str(out), "--quiet", *options], check=True)
    return {**json.loads((out / "train.json").read_text()), "wall_s": time.perf_counter() - started}


def trial(data: Path, out: Path, after_s: float, whole: dict[str, Any]) -> dict[str, Any]:
    """Kills a training so many seconds after its start, resumes it, and compares it with the whole one."""
    process = subprocess.Popen([*TRAIN, "--data", str(data), "--out", str(out), "--quiet"])
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    saved = [int(path.name.removeprefix("epoch-")) for path in out.glob("checkpoint/epoch-*")]
    resumed = train(data, out, "--resume")
    return {
        "killed_after_s": round(after_s, 2),
        "epochs_saved": max(saved, default=0),
        "same_weights": resumed["source_digest"] == whole["source_digest"],
        "same_history": history(resumed) == history(whole),
    }


def history(document: dict[str, Any]) -> dict[str, list[float]]:
    """All but the times."""
    return {name: values for name, values in document["history"].items() if name != "seconds"}


def table(document: dict[str, Any]) -> str:
    """One line for each number of epochs that were saved when the process was killed."""
    trials = document["trials"]
    lines = [
        "| epochs saved when killed | kills | same weights, bit for bit | same history |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for epochs in sorted({one["epochs_saved"] for one in trials}):
        same = [one for one in trials if one["epochs_saved"] == epochs]
        figures = (sum(one[name] for one in same) for name in ("same_weights", "same_history"))
        lines.append(f"| {epochs} | {len(same)} | {' | '.join(map(str, figures))} |")
    totals = (sum(one[name] for one in trials) for name in ("same_weights", "same_history"))
    return "\n".join([*lines, f"| all | {len(trials)} | {' | '.join(map(str, totals))} |"])


if __name__ == "__main__":
    main()
