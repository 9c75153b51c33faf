"""How many epochs? Validation accuracy of `classic` on `mnist` for several lengths and seeds; test images are never read.

    python benchmarks/epochs.py benchmarks/results/epochs.json

Takes about 40 s for each 8 epochs on two fast cores. The table in benchmarks/README.md is made of its output.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from digitedge.config import TrainConfig
from digitedge.data.loading import load
from digitedge.dataset import Splits
from digitedge.measure.machine import describe
from digitedge.runtime.keras import import_tensorflow

LENGTHS = (6, 8, 12, 16)
SEEDS = (0, 1, 2)


class Silent:
    """Nobody looks on."""

    def begin(self, epochs: int, steps: int, batch_size: int) -> None: ...
    def step(self, epoch: int, step: int, loss: float) -> None: ...
    def end_epoch(self, epoch: int, figures: dict[str, float]) -> None: ...
    def finish(self) -> None: ...


def main(output: Path) -> None:
    """Trains every combination and writes the histories."""
    import_tensorflow("training")
    from digitedge.training.run import train

    splits = Splits(train=load("mnist").train, test=None)
    runs = []
    for seed in SEEDS:
        for epochs in LENGTHS:
            config = replace(TrainConfig(), epochs=epochs, seed=seed)
            fitted = train(config, splits, Silent()).fit
            runs.append({"config": asdict(config), "history": fitted.history, "seconds": fitted.seconds})
            print(f"epochs {epochs:2} seed {seed}: validation {fitted.history['val_accuracy'][-1]:.4f}", flush=True)
            output.write_text(json.dumps({"machine": describe(), "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
