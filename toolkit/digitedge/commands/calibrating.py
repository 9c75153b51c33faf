"""The training images that quantization goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from digitedge.config import ExportConfig
    from digitedge.dataset import Dataset
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.runtime.keras import KerasModel

# Of the images of a data set that somebody names: the pictures of a folder lie class by class.
_SEED = 20_120


def check_asked(path: Path, calibrate: str | None, config: ExportConfig) -> None:
    """Says what cannot be before TensorFlow is loaded.

    Args:
        path: of the Keras model.
        calibrate: the data source of --calibrate.
        config: which precisions.

    Raises:
        UsageError: int8 has no images, or what only int8 needs was given without it.
    """
    from digitedge.commands.folders import is_run

    if config.int8:
        if calibrate is None and not is_run(path):
            message = f"nothing is known of the data of {path.name}, and int8 needs real images to find its ranges."
            raise UsageError(message, "Name some with --calibrate DATA.")
        return
    for option, given in (("--calibrate", calibrate), ("--max-drop", config.max_drop)):
        if given is not None:
            raise UsageError(f"{option} is for integers.", "Add --int8, or leave it out.")


def images_to_calibrate(
    model: KerasModel, path: Path, calibrate: str | None, config: ExportConfig
) -> tuple[Calibration | None, tuple[str, ...], tuple[str, ...]]:
    """Training images for the integer ranges, and others to choose a recipe by; never those that a file is judged on.

    A recipe is chosen by images that the network has not learnt from, where the run has some besides its test set.

    Returns:
        None without int8; what was done to the images, one sentence each; and the names of the classes, () where
        nobody has labelled them.

    Raises:
        ContentError: they do not fit the model, or the run's data set has changed.
    """
    from digitedge.commands.folders import read_trained
    from digitedge.commands.judging import check_fit, split
    from digitedge.export.quantize.calibration import divide

    if not config.int8:
        return None, (), ()
    if calibrate is not None:
        images, held_out = _named(calibrate, path, config), None
    else:
        images, validation = split(path.parent)
        held_out = validation if read_trained(path.parent).test else None
    check_fit(model, images)
    made = divide(images, config.calibration_images, config.choice_images, held_out)
    return made, images.changes, () if images.labels is None else images.classes


def _named(calibrate: str, path: Path, config: ExportConfig) -> Dataset:
    import numpy as np

    from digitedge.commands.folders import recorded_size
    from digitedge.data.loading import load

    images = load(calibrate, recorded_size(path.parent)).train
    order = np.random.RandomState(_SEED).permutation(len(images)).astype(np.int64)
    return images.take(order[: config.calibration_images + config.choice_images])
