"""Every setting and its default, once. Standard library only: `digitedge --help` reads it without loading anything.

The defaults of training were chosen by validation accuracy, never on test images: benchmarks/README.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from digitedge.errors import UsageError

Augment = Literal["none", "digits"]
Output = Literal["probabilities", "logits"]

# Digits are augmented unless told otherwise; of other images nobody knows whether a turn keeps the label.
DIGIT_SETS = ("mnist", "mnist-kaggle")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a network is trained.

    Attributes:
        model: a name in digitedge_models, or the path of a Python file with `build(input_shape, classes)`.
        data: a data source, see `digitedge.data`.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the peak; it rises during the first 5 % of the steps and falls to zero as half a cosine.
        validation: the part of the training images that is held out.
        average_decay: momentum of the moving average of the weights, which is validated and saved; 0 turns it off.
        seed: of the initial weights, the order and the augmentation; the held-out images are the same for every seed.
        augment: `digits` turns by up to 10 degrees, zooms and shifts by up to 10 %.
    """

    model: str = "classic"
    data: str = "mnist"
    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 3e-3
    validation: float = 0.08
    average_decay: float = 0.998
    seed: int = 0
    augment: Augment | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(self.epochs >= 1, "--epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 1, "--batch-size", self.batch_size, "at least 1")
        _require(0.0 < self.learning_rate < 1.0, "--learning-rate", self.learning_rate, "between 0 and 1")
        _require(0 <= self.seed < 2**31, "--seed", self.seed, "from 0 to 2147483647")
        _require(0.0 < self.validation < 1.0, "validation", self.validation, "between 0 and 1")
        _require(0.0 <= self.average_decay < 1.0, "average_decay", self.average_decay, "at least 0 and below 1")

    @property
    def augmentation(self) -> Augment:
        """What `augment` means for this data set when it was not given."""
        return self.augment or ("digits" if self.data in DIGIT_SETS else "none")


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """What is made of a trained model.

    Attributes:
        formats: names of files in `digitedge.export`.
        int8: also write each format with 8-bit integers.
        opset: of the ONNX files. 17 is read by ONNX Runtime from 1.12 (2022) on; tf2onnx writes at most 18.
        output: what the exported model gives.
        calibration_images: training images that the integer ranges are taken from.
    """

    formats: tuple[str, ...] = ("onnx", "tflite")
    int8: bool = False
    opset: int = 17
    output: Output = "probabilities"
    calibration_images: int = 500

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(self.opset in (17, 18), "--opset", self.opset, "17 or 18")
        _require(self.calibration_images >= 1, "calibration_images", self.calibration_images, "at least 1")
        _require(bool(self.formats), "--to", "nothing", "at least one format")

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions asked for, the reference first."""
        return ("fp32", "int8") if self.int8 else ("fp32",)


@dataclass(frozen=True, slots=True)
class BenchConfig:
    """How latency is measured.

    Attributes:
        providers: names of files in `digitedge.runtime.providers`.
        threads: that the engine may use for one call.
        batch: images a call.
        seconds: of timed calls for each row, over all processes.
        processes: fresh processes for each row, in random order.
        time_limit: seconds that one process may take besides; a model that has not returned by then is given up.
        seed: of that order and of the bootstrap.
    """

    providers: tuple[str, ...] = ("cpu",)
    threads: int = 1
    batch: int = 1
    seconds: float = 2.0
    processes: int = 10
    time_limit: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(self.threads >= 1, "--threads", self.threads, "at least 1")
        _require(self.batch >= 1, "--batch", self.batch, "at least 1")
        _require(0.0 < self.seconds <= 3600.0, "--seconds", self.seconds, "above 0, at most 3600")  # noqa: PLR2004 (an hour)
        _require(self.processes >= 2, "processes", self.processes, "at least 2")  # noqa: PLR2004 (else no spread)
        _require(self.time_limit > 0.0, "time_limit", self.time_limit, "above 0")


def _require(condition: bool, option: str, value: object, expected: str) -> None:  # noqa: FBT001 (reads as a sentence)
    if not condition:
        raise UsageError(f"{option} is {value}.", f"It must be {expected}.")
