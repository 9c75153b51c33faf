"""digitedge predict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Debug, Json, Overwrite, Quiet
from digitedge.commands.session import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitedge.report.terminal import Terminal
    from digitedge.spec import Spec

Images = Annotated[list[Path], typer.Argument(help="Image files, folders of them, or one CSV.", show_default=False)]
ModelFile = Annotated[
    Path | None,
    typer.Option("--model", help="A model file, or a run folder for its fp32 ONNX file. (default: the newest run)"),
]
Csv = Annotated[Path | None, typer.Option(help="Write the labels as ImageId,Label, as Kaggle takes them.")]
PictureFile = Annotated[Path | None, typer.Option("--picture", help="Draw images with their predictions.")]
Invert = Annotated[bool, typer.Option("--invert", help="The pictures are dark on light: turn them round.")]

DRAWN = 10


@dataclass(frozen=True)
class Inputs:
    """What is to be recognised.

    Attributes:
        images: uint8 (n, height, width, channels).
        sources: where each comes from: an absolute path, with #1, #2 and so on for the rows of a CSV.
    """

    images: NDArray[np.uint8]
    sources: tuple[str, ...]


def predict(
    images: Images,
    *,
    model: ModelFile = None,
    csv: Csv = None,
    picture: PictureFile = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Recognise image files, folders of them, or the rows of a CSV."""
    with session("predict", json=json, quiet=quiet, debug=debug) as terminal:
        from digitedge.files import refuse_existing
        from digitedge.report.documents import envelope
        from digitedge.report.steps.predict import step
        from digitedge.runtime.loading import load, score

        for output in (csv, picture):
            if output is not None:
                refuse_existing(output, overwrite=overwrite)
        path = _model_file(model)
        loaded = load(path)
        inputs = _read(images, loaded.spec, path.parent, terminal, invert=invert)
        scores = score(loaded, inputs.images)
        _refuse_not_finite(scores, inputs)
        predictions = _predictions(inputs, scores, loaded.spec)
        written = {"csv": _write_csv(csv, predictions), "picture": _draw(picture, inputs, predictions)}
        document = envelope("predict", {"predictions": predictions, **written})
        terminal.show(step(document))
        terminal.document(document)


def _model_file(model: Path | None) -> Path:
    """The file itself, or the fp32 ONNX file of a run folder, as it was exported.

    Raises:
        ContentError: nothing is there, or it has changed since.
    """
    from digitedge.commands.folders import model_files, newest_run

    chosen = model or newest_run()
    (listed,) = model_files([_fp32_onnx(chosen) if chosen.is_dir() else chosen])
    return listed.path


def _fp32_onnx(run: Path) -> Path:
    from digitedge.artifact import read_manifest
    from digitedge.errors import ContentError

    for artifact in read_manifest(run):
        if (artifact.format, artifact.precision) == ("onnx", "fp32"):
            return artifact.path
    raise ContentError(f"{run} holds no fp32 ONNX file.", f"Type: digitedge export {run}")


def _read(paths: Sequence[Path], spec: Spec, run: Path, terminal: Terminal, *, invert: bool) -> Inputs:
    from digitedge.errors import UsageError

    tables = [path for path in paths if path.suffix.lower() == ".csv"]
    if not tables:
        return _read_pictures(paths, spec, terminal, invert=invert)
    if len(paths) > 1:
        raise UsageError(f"{tables[0]} is a CSV and cannot be mixed with other inputs.", "Name it alone.")
    return _read_csv(tables[0], spec, run, terminal, invert=invert)


def _read_pictures(paths: Sequence[Path], spec: Spec, terminal: Terminal, *, invert: bool) -> Inputs:
    from collections import Counter

    import numpy as np

    from digitedge.data.pictures import find, read_picture

    files = [file for path in paths for file in find(path)]
    pictures = [read_picture(file, spec.input_shape, invert=invert) for file in files]
    for change, number in Counter(change for picture in pictures for change in picture.changes).items():
        terminal.note(f"{change}: {number} of {len(files)} pictures" if len(files) > 1 else f"{files[0]}: {change}")
    return Inputs(np.stack([picture.pixels for picture in pictures]), tuple(str(file.absolute()) for file in files))


def _read_csv(path: Path, spec: Spec, run: Path, terminal: Terminal, *, invert: bool) -> Inputs:
    from digitedge.commands.folders import recorded_size
    from digitedge.data.loading import load
    from digitedge.errors import ContentError

    dataset = load(str(path), recorded_size(run)).train
    if dataset.image_shape != spec.input_shape:
        takes, are = ("x".join(map(str, shape)) for shape in (spec.input_shape, dataset.image_shape))
        raise ContentError(f"the rows of {path} are {are} images and the model takes {takes}.", "Name another --model.")
    for change in dataset.changes:
        terminal.note(change)
    images = 255 - dataset.images[:] if invert else dataset.images[:]
    return Inputs(images, tuple(f"{path.absolute()}#{number}" for number in range(1, len(images) + 1)))


def _refuse_not_finite(scores: NDArray[np.float32], inputs: Inputs) -> None:
    import numpy as np

    from digitedge.errors import ContentError

    for source, row in zip(inputs.sources, scores, strict=True):
        if not np.isfinite(row).all():
            raise ContentError(f"the model gives no finite number for {source}.", "Verify it: digitedge verify")


def _predictions(inputs: Inputs, scores: NDArray[np.float32], spec: Spec) -> list[dict[str, Any]]:
    """One entry an image. A model that gives labels does not say how sure it is: its confidence is None."""
    best, sure = scores.argmax(axis=1), spec.output_kind != "label"
    return [
        {"source": source, "label": spec.classes[index], "confidence": float(row[index]) if sure else None}
        for source, row, index in zip(inputs.sources, scores, best, strict=True)
    ]


def _write_csv(path: Path | None, predictions: Sequence[dict[str, Any]]) -> str | None:
    """ImageId counts from 1 in the order of the input, as in Kaggle's sample submission."""
    import csv
    import io

    from digitedge.files import write_text

    if path is None:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["ImageId", "Label"])
    writer.writerows([number, row["label"]] for number, row in enumerate(predictions, start=1))
    return str(write_text(path, text.getvalue()).resolve())


def _draw(path: Path | None, inputs: Inputs, predictions: Sequence[dict[str, Any]]) -> str | None:
    """Ten of them at most, drawn at random by a fixed seed where there are more."""
    import numpy as np

    from digitedge.files import write_bytes
    from digitedge.report.sheet import png, sheet

    if path is None:
        return None
    number = len(predictions)
    drawn = list(range(number))
    if number > DRAWN:
        drawn = sorted(np.random.default_rng(0).choice(number, DRAWN, replace=False).tolist())
    captions = [_caption(predictions[i]) for i in drawn]
    return str(write_bytes(path, png(sheet(inputs.images[drawn], captions))).resolve())


def _caption(prediction: dict[str, Any]) -> str:
    from digitedge.report.quantities import percent

    label, confidence = str(prediction["label"]), prediction["confidence"]
    return label if confidence is None else f"{label} · {percent(confidence, 1)}"
