"""digitedge show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitedge.commands.options import Data, Debug, Json, Overwrite, Quiet, Size
from digitedge.commands.session import session
from digitedge.config import TrainConfig, image_size

if TYPE_CHECKING:
    from digitedge.dataset import Dataset

_DEFAULT = TrainConfig()

Limit = Annotated[int, typer.Option(min=1, max=400, help="How many images.")]
Out = Annotated[Path | None, typer.Option(help="The picture that is written. (default: show.png)")]
DEFAULT_PICTURE = Path("show.png")


def show(
    *,
    data: Data = _DEFAULT.data,
    size: Size = None,
    limit: Limit = 5,
    out: Out = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw the first images of a data set with their labels."""
    with session("show", json=json, quiet=quiet, debug=debug) as terminal:
        from digitedge.commands.judging import lasting
        from digitedge.data.loading import load
        from digitedge.files import refuse_existing, write_bytes
        from digitedge.report.documents import envelope
        from digitedge.report.sheet import png, sheet
        from digitedge.report.steps.show import step

        if out is not None:
            refuse_existing(out, overwrite=overwrite)
        shown = load(data, None if size is None else image_size(size)).train.take(slice(limit))
        for change in shown.changes:
            terminal.note(change)
        labels = _labels(shown)
        picture = write_bytes(out or DEFAULT_PICTURE, png(sheet(shown.images, [label or "" for label in labels])))
        body = {"data": lasting(data), "labels": labels, "picture": str(picture.resolve())}
        document = envelope("show", body)
        terminal.show(step(document))
        terminal.document(document)


def _labels(dataset: Dataset) -> list[str | None]:
    if dataset.labels is None:
        return [None] * len(dataset)
    return [dataset.classes[label] for label in dataset.labels]
