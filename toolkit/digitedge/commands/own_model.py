"""A model that digitedge has not trained: what it takes, and what its classes are called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from digitedge.errors import UsageError
from digitedge.runtime.keras import KerasModel
from digitedge.spec import counted as count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitedge.commands.judging import Reference
    from digitedge.input_range import Scaling
    from digitedge.runtime.model import Model
    from digitedge.verify.target import Described


def check_pixels(path: Path, pixels: Scaling) -> None:
    """Raises UsageError where somebody says what a network takes that was trained here, on pixels from 0 to 1."""
    from digitedge.commands.folders import is_run

    if pixels.said and is_run(path):
        message = f"{path} was trained here, on pixels as 0..1."
        raise UsageError(message, "Leave --input-range, --mean and --std out: they are for a model of your own.")


def own(model: KerasModel, path: Path, pixels: Scaling) -> tuple[KerasModel, tuple[str, ...]]:
    """The model with the pixels that it takes, and a sentence about them where it was not trained here.

    Raises:
        UsageError: its first layer and the user contradict each other, or nothing says what it takes.
    """
    from digitedge.commands.folders import is_run
    from digitedge.runtime.keras_front import described

    if is_run(path):
        return model, ()
    model, sentence = described(model, pixels, name=path.name)
    return model, (sentence,)


def as_exported(model: Model, candidates: Sequence[Described]) -> Model:
    """A Keras original with the pixels that it was exported with. It does not say them; what was made of it does.

    Args:
        model: any reference; one that is not Keras's knows what it takes.
        candidates: what is compared with it.
    """
    if not isinstance(model, KerasModel):
        return model
    for other in candidates:
        spec = other.spec
        if other.source_digest == model.source_digest and spec.input_dtype == "float32":
            return replace(model, spec=replace(model.spec, range=spec.range, mean=spec.mean, std=spec.std))
    return model


def named(model: KerasModel, reference: Reference, others: tuple[str, ...]) -> tuple[KerasModel, Reference]:
    """The model and its reference with the names of the data set's classes, where nobody has named the model's.

    Args:
        model: a Keras file holds no names: its classes are then counted.
        reference: what it gives for the images that it is judged on, of which the names are taken.
        others: names to take where those images have none either.
    """
    counted = model.spec.classes
    if counted != count(len(counted)):
        return model, reference
    classes = next((names for names in (reference.golden.classes, others) if names and names != counted), counted)
    golden = replace(reference.golden, classes=classes)
    return replace(model, spec=replace(model.spec, classes=classes)), replace(reference, golden=golden)
