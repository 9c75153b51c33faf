"""How fast is training, and how good, against the recipe of the article that made `classic` known?

    python benchmarks/training.py speed benchmarks/results/training.json
    python benchmarks/training.py accuracy benchmarks/results/training.json --ours 12 30

Both recipes train the same network on the same images of `mnist-kaggle`, validate on the same 8 % of them, and take
turns, each training in a fresh process. `speed` trains for 2 epochs and reads no test image; `accuracy` trains as long
as it is told, once with each seed, and looks at the 28,000 test images once, at the end. Each of the two replaces its
own part of the file. The tables in benchmarks/README.md are made of both. Needs Linux, and SciPy.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np

from digitedge.config import TrainConfig
from digitedge.data.loading import load
from digitedge.dataset import Dataset, Splits
from digitedge.measure.machine import describe
from digitedge.report.progress import Silent
from digitedge.runtime.keras import import_tensorflow

RECIPES = {"article": "the article's", "ours": "digitedge"}
CONFIG = TrainConfig(data="mnist-kaggle")
ARTICLE_BATCH_SIZE, ARTICLE_SEEDS = 64, 3
BUSY = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def main() -> None:
    """Runs one part and writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    speed = parts.add_parser("speed", help="seconds an epoch")
    speed.add_argument("--rounds", type=int, default=3)
    accuracy = parts.add_parser("accuracy", help="test accuracy and time of whole trainings")
    accuracy.add_argument("--article", type=int, nargs="*", default=[30], metavar="EPOCHS")
    accuracy.add_argument("--ours", type=int, nargs="*", default=[CONFIG.epochs], metavar="EPOCHS")
    accuracy.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="three for the article")
    accuracy.add_argument("--further", action="store_true", help="keep the trainings that are there")
    speed.set_defaults(further=False)
    for part in (speed, accuracy):
        part.add_argument("output", type=Path)
    options = parser.parse_args()
    plan = (
        [(recipe, 2, seed) for seed in range(options.rounds) for recipe in RECIPES] if options.part == "speed" else []
    )
    if options.part == "accuracy":
        lengths = [("article", epochs) for epochs in options.article] + [("ours", epochs) for epochs in options.ours]
        plan = [
            (*length, seed)
            for number, seed in enumerate(options.seeds)
            for length in lengths
            if length[0] == "ours" or number < ARTICLE_SEEDS
        ]
    write(options.output, options.part, plan, further=options.further)


def write(output: Path, part: str, plan: list[tuple[str, int, int]], *, further: bool) -> None:
    """Trains what is planned, one after another, and keeps each result as soon as it is there."""
    document = json.loads(output.read_text()) if output.exists() else {}
    if not further:
        document[part] = {"machine": describe(), "trainings": []}
    for recipe, epochs, seed in plan:
        document[part]["trainings"].append(in_fresh_process(recipe, epochs, seed, part))
        output.write_text(json.dumps(document, indent=1) + "\n")
    if {"speed", "accuracy"} <= document.keys():
        print(table(document))


def in_fresh_process(recipe: str, epochs: int, seed: int, part: str) -> dict[str, Any]:
    """What `child` gives, and how many cores other processes kept busy meanwhile: near 0, or the times mean little."""
    started, busy, own = time.perf_counter(), _busy_s(), _children_s()
    command = [sys.executable, __file__, "--child", recipe, str(epochs), str(seed), part]
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    others_s = _busy_s() - busy - (_children_s() - own)
    others = round(others_s / (time.perf_counter() - started), 2)
    return {**json.loads(shown.splitlines()[-1]), "cores_busy_elsewhere": others}


def child(recipe: str, epochs: int, seed: int, part: str) -> dict[str, Any]:
    """One training. `epoch_s` are its epochs, validation included; `seconds` is all of `fit`, compilation included."""
    import_tensorflow("training")
    splits = load(CONFIG.data)
    if part == "speed":
        splits = Splits(train=splits.train, test=None)
    figures = {"article": article, "ours": ours}[recipe](epochs, seed, splits)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    plan = {"recipe": recipe, "epochs": epochs, "seed": seed}
    return {**plan, **figures, "peak_memory_bytes": int(peak.split()[1]) * 1024}


def ours(epochs: int, seed: int, splits: Splits) -> dict[str, Any]:
    """The defaults of digitedge."""
    from digitedge.training.run import train

    run = train(replace(CONFIG, epochs=epochs, seed=seed), splits, Silent())
    history = run.fit.history
    return _figures(len(run.train), history["seconds"], history["val_accuracy"], run.fit.seconds, run.accuracy)


def article(epochs: int, seed: int, splits: Splits) -> dict[str, Any]:
    """The article's: SciPy turns, zooms and shifts image after image; RMSprop; a rate that falls where it stalls.

    Two departures: 604 steps an epoch, all images, where its `steps_per_epoch=640` ends today's Keras after one epoch;
    and the images that validate are digitedge's.
    """
    import tf_keras as keras
    from tf_keras.preprocessing.image import ImageDataGenerator

    from digitedge.training.split import hold_out
    from digitedge_models.classic import build

    keras.utils.set_random_seed(seed)
    train, validation = hold_out(splits.train, CONFIG.validation)
    network = build(train.image_shape, len(train.classes))
    network.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=0.001, rho=0.9),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    augmented = ImageDataGenerator(rotation_range=10, zoom_range=0.1, width_shift_range=0.1, height_shift_range=0.1)
    batches = augmented.flow(*_arrays(train), batch_size=ARTICLE_BATCH_SIZE, seed=seed)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="val_accuracy", factor=0.3, patience=3, min_lr=1e-4)
    epoch_s: list[float] = []
    begun: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: begun.append(time.perf_counter()),  # noqa: ARG005 (Keras's signature)
        on_epoch_end=lambda epoch, logs: epoch_s.append(time.perf_counter() - begun[-1]),  # noqa: ARG005
    )
    started = time.perf_counter()
    fitted = network.fit(
        batches,
        epochs=epochs,
        steps_per_epoch=len(batches),
        validation_data=_arrays(validation),
        callbacks=[plateau, clock],
        verbose=0,
    )
    seconds = time.perf_counter() - started
    judged = None if splits.test is None else _accuracy(network, splits.test)
    return _figures(len(train), epoch_s, fitted.history["val_accuracy"], seconds, judged)


def table(document: dict[str, Any]) -> str:
    """The tables of benchmarks/README.md: of the speed, and of the whole trainings."""
    speed, accuracy = (document[part]["trainings"] for part in ("speed", "accuracy"))
    return f"{speed_table(speed)}\n\n{accuracy_table(accuracy, steady_epochs(speed))}"


def steady_epochs(trainings: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Seconds of each recipe's epochs, without the first of each process: it holds the compilation of the graph."""
    return {name: [s for one in trainings if one["recipe"] == name for s in one["epoch_s"][1:]] for name in RECIPES}


def speed_table(trainings: list[dict[str, Any]]) -> str:
    """Seconds, images and memory."""
    epochs = steady_epochs(trainings)
    peak = {name: max(one["peak_memory_bytes"] for one in trainings if one["recipe"] == name) for name in RECIPES}
    images = trainings[0]["images"]
    lines = ["| what | the article's | digitedge | ratio |", "| --- | ---: | ---: | ---: |"]
    for name, chosen in (("median", median), ("fastest", min)):
        theirs, our = chosen(epochs["article"]), chosen(epochs["ours"])
        lines.append(f"| seconds an epoch, {name} | {theirs:.2f} | {our:.2f} | {theirs / our:.2f} |")
        rates = f"{images / theirs:,.0f} | {images / our:,.0f}"
        lines.append(f"| training images a second, {name} | {rates} | {theirs / our:.2f} |")
    memory = " | ".join(f"{peak[name] / 1e9:.2f} GB" for name in RECIPES)
    lines.append(f"| peak memory of the process | {memory} | {peak['article'] / peak['ours']:.2f} |")
    return "\n".join(lines)


def accuracy_table(trainings: list[dict[str, Any]], epoch_s: dict[str, list[float]]) -> str:
    """One line for each recipe and length; what it takes is worked out of the median epoch of the speed part."""
    lengths = sorted({(one["recipe"], one["epochs"]) for one in trainings})
    slowest = max(epochs for recipe, epochs in lengths if recipe == "article") * median(epoch_s["article"])
    lines = [
        "| recipe | epochs | trainings | validation | test | deviation of test | seconds | times as fast |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for recipe, epochs in lengths:
        runs = [one for one in trainings if (one["recipe"], one["epochs"]) == (recipe, epochs)]
        validation = mean(one["val_accuracy"][-1] for one in runs) * 100
        tests = [one["test_accuracy"] * 100 for one in runs]
        spread = f"{stdev(tests):.3f}" if len(tests) > 1 else "-"
        accuracies = f"{validation:.2f} % | {mean(tests):.3f} % | {spread}"
        seconds = epochs * median(epoch_s[recipe])
        ratio = f"{slowest / seconds:.1f}"
        lines.append(f"| {RECIPES[recipe]} | {epochs} | {len(runs)} | {accuracies} | {seconds:.0f} | {ratio} |")
    return "\n".join(lines)


def _figures(
    images: int, epoch_s: list[float], val_accuracy: list[float], seconds: float, test_accuracy: float | None
) -> dict[str, Any]:
    return {
        "images": images,
        "epoch_s": epoch_s,
        "val_accuracy": val_accuracy,
        "seconds": seconds,
        "test_accuracy": test_accuracy,
    }


def _arrays(dataset: Dataset) -> tuple[Any, Any]:
    """Images float32 in [0, 1] and one-hot labels, as the article holds them."""
    one_hot = np.eye(len(dataset.classes), dtype=np.float32)[dataset.require_labels()]
    return dataset.images.astype(np.float32) / 255.0, one_hot


def _accuracy(network: Any, test: Dataset) -> float:
    images, one_hot = _arrays(test)
    return float((network.predict(images, verbose=0).argmax(axis=1) == one_hot.argmax(axis=1)).mean())


def _busy_s() -> float:
    """Seconds that all cores together have been at work since the machine started, time stolen by its host included."""
    counts = dict(zip(BUSY, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:], strict=False))
    ticks = sum(int(count) for name, count in counts.items() if name not in {"idle", "iowait"})
    return ticks / os.sysconf("SC_CLK_TCK")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])))
    else:
        main()
