"""Every setting and its default, once. Standard library only: `digitedge --help` reads it without loading anything.

The defaults of training were chosen by validation accuracy, never on test images: benchmarks/README.md has the figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Literal

from digitedge.errors import UsageError

Augment = Literal["none", "digits", "photo"]
Schedule = Literal["cosine", "one-cycle", "plateau"]
Optimizer = Literal["adam", "adamw", "rmsprop", "sgd"]
Precision = Literal["float32", "bfloat16", "float16"]
Input = Literal["float32", "uint8", "int8"]
Output = Literal["probabilities", "logits", "label"]

# Digits are augmented unless told otherwise; of other images nobody knows whether a turn keeps the label.
DIGIT_SETS = ("mnist", "mnist-kaggle")


HALF_TURN = 180.0
HIGHEST_SIDE = 4096
HIGHEST_COUNT = 65_536
_COUNTS = f"a number or a list such as 1,8,64, each from 1 to {HIGHEST_COUNT:,}"


def _require(condition: bool, option: str, value: object, expected: str) -> None:  # noqa: FBT001 (reads as a sentence)
    if not condition:
        raise UsageError(f"{option} is {value}.", f"It must be {expected}.")


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """(1, 8, 64) of `1,8,64`, in that order, each once.

    Raises:
        UsageError: it is no such list, or a number is not from 1 to 65,536.
    """
    parts = [int(part) if re.fullmatch(r"[0-9]{1,5}", part.strip()) else -1 for part in text.split(",")]
    _require(0 not in parts or min(parts) < 0, option, text, "at least 1")
    _require(all(1 <= part <= HIGHEST_COUNT for part in parts), option, text or "empty", _COUNTS)
    return tuple(dict.fromkeys(parts))


def image_size(text: str) -> tuple[int, int]:
    """(height, width) in pixels of `32x48`, or of `32`, which stands for both.

    Raises:
        UsageError: it is neither, or a side is not from 1 to 4096.
    """
    match = re.fullmatch(r"([0-9]{1,4})(?:x([0-9]{1,4}))?", text)
    height, width = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    expected = f"32 or 32x48 (height x width), each from 1 to {HIGHEST_SIDE}"
    _require(1 <= height <= HIGHEST_SIDE and 1 <= width <= HIGHEST_SIDE, "--size", text or "empty", expected)
    return height, width


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far each training image is changed at random, anew in every epoch.

    Attributes:
        rotation_degrees: turned by up to so much, either way.
        zoom: enlarged or reduced by up to this part, each axis on its own.
        shift: moved by up to this part of its side, each axis on its own.
        flip: mirrored left to right, every other time.
        brightness: made lighter or darker by up to this part of the range.
        contrast: the distance from the mean stretched or shrunk by up to this part.
    """

    rotation_degrees: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(0.0 <= self.rotation_degrees <= HALF_TURN, "--rotation", self.rotation_degrees, "0 to 180 degrees")
        for option in ("zoom", "shift", "brightness", "contrast"):
            value = getattr(self, option)
            _require(0.0 <= value < 1.0, f"--{option}", value, "at least 0 and below 1")


AUGMENTATIONS: dict[Augment, Augmentation] = {
    "none": Augmentation(),
    # The article's: a digit that is turned further, or mirrored, is another one.
    "digits": Augmentation(rotation_degrees=10.0, zoom=0.1, shift=0.1),
    # Things that stand upright and may be seen from the other side, in other light.
    "photo": Augmentation(rotation_degrees=10.0, zoom=0.15, shift=0.1, flip=True, brightness=0.15, contrast=0.2),
}


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a network is trained.

    Attributes:
        model: a name in digitedge_models, or the path of a Python file with `build(input_shape, classes)`.
        data: a data source, see `digitedge.data`.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the peak of the schedule.
        schedule: `cosine` rises during 5 % of the steps and falls to zero as half a cosine; `one-cycle` rises during
            30 %; `plateau` stays, but for a factor of 0.3 after 3 epochs without better validation accuracy, to 1e-4.
        optimizer: the rule by which weights follow their gradients.
        patience: epochs without better validation accuracy after which training ends, with the best weights; or None.
        time_limit_minutes: no epoch is begun that would end after so long; or None.
        validation: the part of the training images that is held out.
        average_decay: momentum of the moving average of the weights, which is validated and saved; 0 turns it off.
        label_smoothing: the part of certainty that the loss shares among all classes (arXiv:1512.00567); 0 for none.
        seed: of the initial weights, the order and the augmentation; the held-out images are the same for every seed.
        precision: of the arithmetic of training; weights, averages and what is exported are float32 in any case.
        deterministic: operators that give the same bits each time, even if others are faster; a network that draws
            random numbers whose state cannot be saved is refused.
        device: `auto` (a GPU where there is one), `cpu`, `gpu`, `gpu:N` or `all` (every GPU of this machine).
        augment: a name in AUGMENTATIONS; None stands for `digits` on digits, and for `none` on anything else.
        rotation_degrees: instead of what `augment` says; so with the five that follow.
        zoom: as in Augmentation.
        shift: as in Augmentation.
        flip: as in Augmentation.
        brightness: as in Augmentation.
        contrast: as in Augmentation.
        size: that every image is resized to, `32` or `32x48` (height x width); None takes them as they are.
    """

    model: str = "classic"
    data: str = "mnist"
    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 3e-3
    validation: float = 0.08
    average_decay: float = 0.998
    label_smoothing: float = 0.05
    seed: int = 0
    precision: Precision = "float32"
    deterministic: bool = False
    device: str = "auto"
    augment: Augment | None = None
    schedule: Schedule = "cosine"
    optimizer: Optimizer = "adam"
    patience: int | None = None
    time_limit_minutes: float | None = None
    rotation_degrees: float | None = None
    zoom: float | None = None
    shift: float | None = None
    flip: bool | None = None
    brightness: float | None = None
    contrast: float | None = None
    size: str | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(self.epochs >= 1, "--epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 1, "--batch-size", self.batch_size, "at least 1")
        _require(0.0 < self.learning_rate < 1.0, "--learning-rate", self.learning_rate, "between 0 and 1")
        _require(0 <= self.seed < 2**31, "--seed", self.seed, "from 0 to 2147483647")
        _require(0.0 < self.validation < 1.0, "validation", self.validation, "between 0 and 1")
        _require(0.0 <= self.average_decay < 1.0, "average_decay", self.average_decay, "at least 0 and below 1")
        smoothing = self.label_smoothing
        _require(0.0 <= smoothing < 1.0, "--label-smoothing", smoothing, "at least 0 and below 1")

        _require(self.patience is None or self.patience >= 1, "--patience", self.patience, "at least 1")
        device = re.fullmatch(r"auto|cpu|gpu(:[0-9]{1,3})?|all", self.device)
        _require(device is not None, "--device", self.device or "empty", "auto, cpu, gpu, gpu:N or all")
        limit = self.time_limit_minutes
        _require(limit is None or limit > 0.0, "--time-limit", limit, "above 0 minutes")
        _ = self.augmentation  # so that a knob out of range is told now
        _ = self.image_size

    @property
    def image_size(self) -> tuple[int, int] | None:
        """`size` as (height, width)."""
        return None if self.size is None else image_size(self.size)

    @property
    def augment_name(self) -> Augment:
        """What `augment` means for this data set when it was not given."""
        return self.augment or ("digits" if self.data in DIGIT_SETS else "none")

    @property
    def augmentation(self) -> Augmentation:
        """What is done to the training images: the preset, with the knobs that were given."""
        knobs = {knob.name: getattr(self, knob.name) for knob in fields(Augmentation)}
        return replace(AUGMENTATIONS[self.augment_name], **{name: v for name, v in knobs.items() if v is not None})


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """What is made of a trained model.

    Attributes:
        formats: names of files in `digitedge.export`.
        int8: also write each format with 8-bit integer weights and activations.
        fp16: also write each format with half-precision weights and arithmetic, behind a float32 input and output.
        int8_weights: also write each format with 8-bit integer weights and float32 arithmetic.
        opset: of the ONNX files. 17 is read by ONNX Runtime from 1.12 (2022) on; tf2onnx writes at most 18.
        input: what the exported model takes: `float32` scaled values; `uint8` raw pixels, scaled inside the graph;
            `int8` the integers of an int8 file themselves.
        output: what the exported model gives.
        calibration_images: training images that the integer ranges are taken from.
        choice_images: training images besides, that an int8 recipe is chosen by.
        max_drop: of the accuracy of int8, in percentage points: layers are kept in float until it holds; None keeps
            every layer in integers.
    """

    formats: tuple[str, ...] = ("onnx", "tflite")
    int8: bool = False
    fp16: bool = False
    int8_weights: bool = False
    opset: int = 17
    input: Input = "float32"
    output: Output = "probabilities"
    calibration_images: int = 500
    choice_images: int = 2_000
    max_drop: float | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(self.opset in (17, 18), "--opset", self.opset, "17 or 18")
        _require(self.calibration_images >= 1, "calibration_images", self.calibration_images, "at least 1")
        _require(self.choice_images >= 1, "choice_images", self.choice_images, "at least 1")
        _require(bool(self.formats), "--to", "nothing", "at least one format")
        drop = self.max_drop
        _require(drop is None or 0.0 <= drop <= 100.0, "--max-drop", drop, "from 0 to 100 points")  # noqa: PLR2004 (per cent)

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions asked for, the reference first."""
        asked = {"fp32": True, "fp16": self.fp16, "int8-weights": self.int8_weights, "int8": self.int8}
        return tuple(name for name, wanted in asked.items() if wanted)


@dataclass(frozen=True, slots=True)
class BenchConfig:
    """How latency is measured.

    Attributes:
        providers: names of files in `digitedge.runtime.providers`, or of plugins; none for each that is really here.
        threads: that the engine may use for one call.
        batch: images a call.
        seconds: of timed calls for each row, over all processes.
        processes: fresh processes for each row, in random order.
        time_limit: seconds that one process may take besides; a model that has not returned by then is given up.
        seed: of that order and of the bootstrap.
        tune: also try ONNX Runtime's session options on each .onnx file on the CPU, after everything was timed.
        profile: also tell how the time of a call is shared among the operators, in processes of their own.
        end_to_end: time the whole way from pixels to labels instead of the engine alone.
        further: more pairs of threads and batch to measure besides.
    """

    providers: tuple[str, ...] = ()
    threads: int = 1
    batch: int = 1
    seconds: float = 2.0
    processes: int = 10
    time_limit: float = 120.0
    seed: int = 0
    tune: bool = False
    profile: bool = False
    end_to_end: bool = False
    further: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Raises UsageError for a value out of range."""
        _require(self.threads >= 1, "--threads", self.threads, "at least 1")
        _require(self.batch >= 1, "--batch", self.batch, "at least 1")
        _require(0.0 < self.seconds <= 3600.0, "--seconds", self.seconds, "above 0, at most 3600")  # noqa: PLR2004 (an hour)
        _require(self.processes >= 2, "processes", self.processes, "at least 2")  # noqa: PLR2004 (else no spread)
        _require(self.time_limit > 0.0, "time_limit", self.time_limit, "above 0")
