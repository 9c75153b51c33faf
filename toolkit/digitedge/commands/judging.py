"""Which images a model is judged on, and what the original gives for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitedge.artifact import GOLDEN, Golden, read_golden
from digitedge.commands.folders import KERAS_MODEL, TRAIN, read_trained, recorded_size
from digitedge.commands.own_model import as_exported
from digitedge.data.loading import judged_on, load, named
from digitedge.dataset import Dataset
from digitedge.errors import ContentError, NotPresentError, UsageError
from digitedge.runtime.keras import KerasModel
from digitedge.runtime.loading import format_of, require_engine, score
from digitedge.runtime.loading import load as load_model
from digitedge.spec import counted
from digitedge.verify.target import Described, Scored, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitedge.runtime.model import Model
    from digitedge.verify.scoring import Scoring

INPUTS = 1_000
SEEDED = "seeded random inputs"
VALIDATION = "validation"


@dataclass(frozen=True)
class Reference:
    """What artefacts are compared with.

    Attributes:
        path: the model that gave the scores, or the golden.npz that holds them.
        golden: images, labels and scores.
        changes: what was done to the images, one sentence each.
        decisions_only: it gives labels, which stand in `golden` as scores of 0 and 1.
    """

    path: Path
    golden: Golden
    changes: tuple[str, ...] = ()
    decisions_only: bool = False


def lasting(source: str) -> str:
    """A data source as it is recorded: a name stays, a path becomes absolute: later commands may run elsewhere."""
    return source if source in named() or not Path(source).exists() else str(Path(source).resolve())


def recorded_images(run: Path) -> Dataset:
    """The images that a run is judged on: its test set, else the validation part of its training data.

    Raises:
        ContentError: train.json is damaged, or the data set is no longer what it was.
    """
    trained = read_trained(run)
    name, digest = trained.test or (trained.data, trained.validation_sha256)
    dataset = judged_on(name, trained.size) if trained.test else split(run)[1]
    if dataset.sha256 != digest:
        raise _changed(name, run)
    return dataset


def split(run: Path) -> tuple[Dataset, Dataset]:
    """The images that a run learnt from, and those that it held out.

    Raises:
        ContentError: train.json is damaged, or the data set is no longer what it was.
    """
    from digitedge.training.split import hold_out

    trained = read_trained(run)
    learnt, held_out = hold_out(load(trained.data, trained.size).train, trained.validation)
    if learnt.sha256 != trained.data_sha256:
        raise _changed(trained.data, run)
    return learnt, replace(held_out, name=VALIDATION)


def images_for(model: Model | Described, beside: Path, data: str | None) -> Dataset:
    """`data` where it was given, else what the folder beside the model records, else seeded random inputs.

    A folder without train.json, as on a device, records the images of its golden.npz, if that is of this model. Where
    the run beside the model was trained with --size, `data` are resized to that; else they must have the size.

    Raises:
        ContentError: the images or the classes do not fit the model.
    """
    if data is not None:
        dataset = judged_on(lasting(data), recorded_size(beside))
    elif (beside / TRAIN).exists():
        dataset = recorded_images(beside)
    else:
        dataset = _golden_images(model, beside) or _seeded(model)
    check_fit(model, dataset)
    return dataset


def check_fit(model: Model | Described, dataset: Dataset) -> None:
    """Raises ContentError if the model cannot be judged on these images."""
    if dataset.image_shape != model.spec.input_shape:
        takes, are = ("x".join(map(str, shape)) for shape in (model.spec.input_shape, dataset.image_shape))
        raise ContentError(
            f"the model takes {takes} images and those of {dataset.name} are {are}.", "Name another --data."
        )
    if dataset.labels is not None and len(dataset.classes) != len(model.spec.classes):
        known = f"the model knows {len(model.spec.classes)} classes and {dataset.name} has {len(dataset.classes)}."
        raise ContentError(known, "Name a data set of the same classes with --data.")


def reference_for(
    folder: Path, reference: Path | None, data: str | None, candidates: Sequence[Described], scoring: Scoring
) -> Reference:
    """What the artefacts in `folder` are compared with.

    `reference` where it was given; else the Keras original beside them; else, where there is no TensorFlow, or no
    original, the golden reference that was recorded with it.

    Args:
        folder: where they lie.
        reference: a model file in any format.
        data: images to judge on, instead of those that the folder records.
        candidates: the files that are compared with it.
        scoring: runs a reference that is not Keras's.

    Raises:
        ContentError: there is nothing to compare with, or the reference does not run.
    """
    if reference is not None:
        if format_of(reference) != "keras":
            return _run_aside(reference.resolve(), data, scoring)
        return record(as_exported(load_model(reference), candidates), reference.resolve(), data)
    original, recorded = folder / KERAS_MODEL, folder / GOLDEN
    if original.exists() and (_can_read(original) or not recorded.exists()):
        return record(load_model(original), original, data)
    if not recorded.exists():
        message = f"{folder} holds neither {KERAS_MODEL} nor {GOLDEN}: there is nothing to compare with."
        raise ContentError(message, "Name the original with --reference FILE.")
    if data is not None:
        raise UsageError(
            f"{recorded} holds the scores of its own images only.", "Leave --data out, or add --reference."
        )
    return Reference(recorded, read_golden(recorded))


def keras_original(path: Path, candidates: Sequence[Described]) -> KerasModel:
    """The Keras model that files were made of, with the pixels that they were exported with.

    Raises:
        ContentError: it is not Keras's.
    """
    if path.name == GOLDEN or format_of(path) != "keras":
        message = f"{path} is no Keras model: it cannot be asked for more than its scores."
        raise ContentError(message, "Name the original with --reference MODEL.keras.")
    model = as_exported(load_model(path), candidates)
    assert isinstance(model, KerasModel), "the format says so"
    return model


def record(model: Model, path: Path, data: str | None) -> Reference:
    """Runs the reference on the images that it is judged on."""
    dataset = images_for(model, path.parent, data)
    return _recorded(model, dataset, path, score(model, dataset.images))


def _run_aside(path: Path, data: str | None, scoring: Scoring) -> Reference:
    """The same for a file that digitedge has exported, in a process of its own."""
    found = scoring.describe(Target(path))
    if isinstance(found, Described):
        dataset = images_for(found, path.parent, data)
        scored = scoring.score(found.target, dataset.images)
        if isinstance(scored, Scored):
            return _recorded(found, dataset, path, scored.scores)
        found = scored
    raise ContentError(f"the reference {path} cannot be run: {found.reason}.", "Name another with --reference.")


def _recorded(model: Model | Described, dataset: Dataset, path: Path, scores: NDArray[np.float32]) -> Reference:
    golden = golden_of(model, dataset, scores)
    if dataset.labels is not None and model.spec.classes == counted(len(dataset.classes)):
        golden = replace(golden, classes=dataset.classes)  # a file without names: its classes are those of the images
    return Reference(path, golden, dataset.changes, model.spec.output_kind == "label")


def seeded_images(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """uint8 (1,000, height, width, channels): what a model is judged on where nobody has images for it."""
    # RandomState's stream is frozen for ever (NEP 19).
    return np.random.RandomState(0).randint(0, 256, (INPUTS, *shape), np.uint8)


def golden_of(model: Model | Described, dataset: Dataset, scores: NDArray[np.float32]) -> Golden:
    """What the model gives for a data set: `scores`, float32 (n, classes)."""
    return Golden(
        images=dataset.images,
        labels=dataset.labels,
        scores=scores,
        classes=model.spec.classes,
        source_digest=model.source_digest or "",
        test_set=dataset.name,
    )


def _changed(name: str, run: Path) -> ContentError:
    message = f"{name} is not the data set that {run.name} was trained with: it has changed."
    return ContentError(
        message, "Put the old one back, or name other images with --data (for int8, with --calibrate too)."
    )


def _can_read(path: Path) -> bool:
    try:
        require_engine(format_of(path))
    except NotPresentError:
        return False
    return True


def _golden_images(model: Model | Described, beside: Path) -> Dataset | None:
    if not (beside / GOLDEN).exists():
        return None
    golden = read_golden(beside / GOLDEN)
    of_this = golden.source_digest == model.source_digest
    return Dataset(golden.images, golden.labels, golden.classes, golden.test_set) if of_this else None


def _seeded(model: Model | Described) -> Dataset:
    return Dataset(seeded_images(model.spec.input_shape), None, model.spec.classes, SEEDED)
