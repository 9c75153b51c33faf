"""How many epochs? Validation accuracy of `classic` on `mnist` for several lengths and seeds. No test image is read.

    python benchmarks/epochs.py benchmarks/results/epochs.json

Takes about 40 s for each 8 epochs on two fast cores. The table in benchmarks/README.md is made of its output.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from digitedge.config import TrainConfig
from digitedge.data.loading import load
from digitedge.dataset import Splits
from digitedge.measure.machine import describe
from digitedge.report.progress import Silent
from digitedge.runtime.keras import import_tensorflow

LENGTHS = (6, 8, 12, 16)
SEEDS = (0, 1, 2)


def main(output: Path) -> None:
    """Trains every combination and writes the histories."""
    import_tensorflow("training")
    from digitedge.training.run import train

    splits = Splits(train=load("mnist").train, test=None)
    runs: list[dict[str, Any]] = []
    for seed in SEEDS:
        for epochs in LENGTHS:
            config = replace(TrainConfig(), epochs=epochs, seed=seed)
            fitted = train(config, splits, Silent()).fit
            runs.append({"config": asdict(config), "history": fitted.history, "seconds": fitted.seconds})
            output.write_text(json.dumps({"machine": describe(), "runs": runs}, indent=1) + "\n")
    print(table(json.loads(output.read_text())))


def table(document: dict[str, Any]) -> str:
    """The table of benchmarks/README.md."""
    lines = [
        "| epochs | validation accuracy of each seed | mean | standard deviation |",
        "| ---: | --- | ---: | ---: |",
    ]
    for epochs in LENGTHS:
        runs = [run for run in document["runs"] if run["config"]["epochs"] == epochs]
        accuracies = [run["history"]["val_accuracy"][-1] * 100 for run in runs]
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        lines.append(f"| {epochs} | {each} | {mean(accuracies):.2f} % | {stdev(accuracies):.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
