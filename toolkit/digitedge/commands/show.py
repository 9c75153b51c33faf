"""digitedge show."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Data, Debug, Json, Overwrite, Quiet, Size
from digitedge.commands.session import session
from digitedge.commands.training_options import Brightness, Contrast, Flip, Rotation, Shift, Zoom
from digitedge.config import Augment, TrainConfig, image_size
from digitedge.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from digitedge.config import Augmentation
    from digitedge.dataset import Dataset

_DEFAULT = TrainConfig()

Limit = Annotated[int, typer.Option(min=1, max=400, help="How many images.")]
Out = Annotated[Path | None, typer.Option(help="The picture that is written. (default: show.png)")]
AugmentShown = Annotated[
    Augment | None, typer.Option(help="Beside each image, what training would see of it in five epochs.")
]
_EPOCHS = 5
DEFAULT_PICTURE = Path("show.png")


def show(
    *,
    data: Data = _DEFAULT.data,
    size: Size = None,
    limit: Limit = 5,
    augment: AugmentShown = None,
    rotation_degrees: Rotation = None,
    zoom: Zoom = None,
    shift: Shift = None,
    flip: Flip = None,
    brightness: Brightness = None,
    contrast: Contrast = None,
    out: Out = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw the first images of a data set with their labels, or what augmentation does to them."""
    knobs: dict[str, Any] = {"rotation_degrees": rotation_degrees, "zoom": zoom, "shift": shift, "flip": flip}
    knobs |= {"brightness": brightness, "contrast": contrast}
    with session("show", json=json, quiet=quiet, debug=debug) as terminal:
        from digitedge.commands.judging import lasting
        from digitedge.data.loading import load
        from digitedge.files import refuse_existing, write_bytes
        from digitedge.report.documents import envelope
        from digitedge.report.sheet import png
        from digitedge.report.steps.show import step

        changes = TrainConfig(data=data, augment=augment, **knobs)
        if augment is None and any(knob is not None for knob in knobs.values()):
            raise UsageError("a change of the images without --augment.", "Add --augment none, digits or photo.")
        if out is not None:
            refuse_existing(out, overwrite=overwrite)
        shown = load(data, None if size is None else image_size(size)).train.take(slice(limit))
        for change in shown.changes:
            terminal.note(change)
        drawn = _plain(shown) if augment is None else _augmented(shown, changes.augmentation)
        picture = write_bytes(out or DEFAULT_PICTURE, png(drawn))
        augmentation = None if augment is None else asdict(changes.augmentation)
        body = {"data": lasting(data), "labels": _labels(shown), "augmentation": augmentation}
        document = envelope("show", {**body, "picture": str(picture.resolve())})
        terminal.show(step(document))
        terminal.document(document)


def _plain(dataset: Dataset) -> Image:
    from digitedge.report.sheet import sheet

    return sheet(dataset.images, [label or "" for label in _labels(dataset)])


def _augmented(dataset: Dataset, augmentation: Augmentation) -> Image:
    """A row an image: as it is, then as training sees it."""
    import numpy as np

    from digitedge.report.sheet import sheet
    from digitedge.runtime.keras import import_tensorflow

    import_tensorflow("augmentation")
    from digitedge.training.augment import variants

    images = dataset.images[:]
    rows = np.concatenate([images[:, None], variants(images, augmentation, _EPOCHS)], axis=1)
    epochs = [f"epoch {epoch + 1}" for epoch in range(_EPOCHS)]
    captions = [caption for label in _labels(dataset) for caption in (label or "as it is", *epochs)]
    return sheet(rows.reshape(-1, *images.shape[1:]), captions, columns=1 + _EPOCHS)


def _labels(dataset: Dataset) -> list[str | None]:
    if dataset.labels is None:
        return [None] * len(dataset)
    return [dataset.classes[label] for label in dataset.labels]
