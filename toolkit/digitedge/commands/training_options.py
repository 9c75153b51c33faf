"""The options of TrainConfig, once: `train` and `run` take them all."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Data, Size
from digitedge.config import Augment, Optimizer, Precision, Schedule, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULT = TrainConfig()
_HARDWARE = "Hardware"
_COURSE, _CHANGES = "Course of training", "Changes of the training images, instead of what --augment says"

Model = Annotated[str, typer.Option(help="An architecture's name, or a Python file with build(input_shape, classes).")]
Epochs = Annotated[int, typer.Option(help="Passes over the training images.", rich_help_panel=_COURSE)]
BatchSize = Annotated[int, typer.Option(help="Images a step.", rich_help_panel=_COURSE)]
LearningRate = Annotated[float, typer.Option(help="The peak of the schedule.", rich_help_panel=_COURSE)]
ScheduleOption = Annotated[
    Schedule,
    typer.Option(
        help="cosine, one-cycle: up, then down to zero. plateau: down where it stalls.", rich_help_panel=_COURSE
    ),
]
OptimizerOption = Annotated[
    Optimizer, typer.Option(help="How weights follow their gradients.", rich_help_panel=_COURSE)
]
LabelSmoothing = Annotated[
    float, typer.Option(help="Part of certainty that the loss shares among all classes.", rich_help_panel=_COURSE)
]
Patience = Annotated[
    int | None,
    typer.Option(help="End after so many epochs that do not validate better; keep the best.", rich_help_panel=_COURSE),
]
TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", help="Minutes: begin no epoch that would end later.", rich_help_panel=_COURSE),
]
Seed = Annotated[int, typer.Option(help="Of the weights, the order and the augmentation.", rich_help_panel=_COURSE)]
Device = Annotated[str, typer.Option(help="auto, cpu, gpu, gpu:N, or all GPUs.", rich_help_panel=_HARDWARE)]
PrecisionOption = Annotated[
    Precision, typer.Option(help="Of the arithmetic; what is saved is float32.", rich_help_panel=_HARDWARE)
]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="The same bits each time, on a CPU.", rich_help_panel=_HARDWARE)
]
AugmentOption = Annotated[
    Augment | None,
    typer.Option(help="How training images are changed at random. (default: digits for mnist, else none)"),
]
Rotation = Annotated[float | None, typer.Option("--rotation", help="Degrees, either way.", rich_help_panel=_CHANGES)]
Zoom = Annotated[float | None, typer.Option(help="Part by which each axis grows or shrinks.", rich_help_panel=_CHANGES)]
Shift = Annotated[float | None, typer.Option(help="Part of the side.", rich_help_panel=_CHANGES)]
Flip = Annotated[bool | None, typer.Option(help="Mirror every other time.", rich_help_panel=_CHANGES)]
Brightness = Annotated[float | None, typer.Option(help="Part of the range.", rich_help_panel=_CHANGES)]
Contrast = Annotated[float | None, typer.Option(help="Part of the distance from the mean.", rich_help_panel=_CHANGES)]


def train_config(
    *,
    model: Model = _DEFAULT.model,
    data: Data = _DEFAULT.data,
    size: Size = _DEFAULT.size,
    augment: AugmentOption = _DEFAULT.augment,
    epochs: Epochs = _DEFAULT.epochs,
    batch_size: BatchSize = _DEFAULT.batch_size,
    learning_rate: LearningRate = _DEFAULT.learning_rate,
    schedule: ScheduleOption = _DEFAULT.schedule,
    optimizer: OptimizerOption = _DEFAULT.optimizer,
    label_smoothing: LabelSmoothing = _DEFAULT.label_smoothing,
    patience: Patience = _DEFAULT.patience,
    time_limit_minutes: TimeLimit = _DEFAULT.time_limit_minutes,
    seed: Seed = _DEFAULT.seed,
    device: Device = _DEFAULT.device,
    precision: PrecisionOption = _DEFAULT.precision,
    deterministic: Deterministic = _DEFAULT.deterministic,
    rotation_degrees: Rotation = _DEFAULT.rotation_degrees,
    zoom: Zoom = _DEFAULT.zoom,
    shift: Shift = _DEFAULT.shift,
    flip: Flip = _DEFAULT.flip,
    brightness: Brightness = _DEFAULT.brightness,
    contrast: Contrast = _DEFAULT.contrast,
) -> TrainConfig:
    """What was typed, as a TrainConfig.

    Raises:
        UsageError: a value is out of range.
    """
    return TrainConfig(**locals())


def takes_train_config(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command every option of `train_config` in place of its parameter `config`.

    The command gets a function that makes the TrainConfig, so that a value out of range is told like any other error.

    Args:
        command: a typer command whose first parameter is `config: Callable[[], TrainConfig]`.
    """
    options = inspect.signature(train_config, eval_str=True).parameters
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "config"]

    @functools.wraps(command)
    def expanded(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in options}
        command(functools.partial(train_config, **chosen), **values)

    expanded.__signature__ = inspect.Signature([*options.values(), *own])  # type: ignore[attr-defined] # typer reads it
    expanded.__annotations__ = {}
    return expanded
