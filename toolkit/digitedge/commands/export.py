"""digitedge export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Debug, Json, JudgedOn, Overwrite, Quiet
from digitedge.commands.session import session, verdict
from digitedge.config import ExportConfig, Output

if TYPE_CHECKING:
    from digitedge.dataset import Dataset
    from digitedge.report.terminal import Terminal
    from digitedge.runtime.keras import KerasModel

_DEFAULT = ExportConfig()

Source = Annotated[
    Path | None, typer.Argument(help="A run folder or a .keras file. (default: the newest run)", show_default=False)
]
To = Annotated[list[str], typer.Option("--to", help="A format: onnx or tflite. May be repeated.")]
Int8 = Annotated[bool, typer.Option("--int8", help="Also write each format with 8-bit integers.")]
Opset = Annotated[int, typer.Option(help="Operator set of the ONNX files.")]
OutputOption = Annotated[Output, typer.Option(help="What the exported model gives.")]
Calibrate = Annotated[
    str | None, typer.Option(help="Images for the integer ranges of --int8. (default: the run's training images)")
]
Out = Annotated[Path | None, typer.Option(help="Where the files go. (default: beside the model, or runs/STEM)")]


def export(
    source: Source = None,
    *,
    to: To = list(_DEFAULT.formats),  # noqa: B006 (typer takes a list, and never changes it)
    int8: Int8 = _DEFAULT.int8,
    opset: Opset = _DEFAULT.opset,
    output: OutputOption = _DEFAULT.output,
    calibrate: Calibrate = None,
    data: JudgedOn = None,
    out: Out = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a model as ONNX and TFLite, and prove each file before it gets its name."""
    with session("export", json=json, quiet=quiet, debug=debug) as terminal:
        config = ExportConfig(tuple(dict.fromkeys(to)), int8=int8, opset=opset, output=output)
        document = carry_out(config, source, terminal, calibrate=calibrate, data=data, out=out, overwrite=overwrite)
        terminal.document(document)
        verdict(passed=document["passed"])


def carry_out(
    config: ExportConfig,
    source: Path | None,
    terminal: Terminal,
    *,
    calibrate: str | None = None,
    data: str | None = None,
    out: Path | None = None,
    overwrite: bool,
) -> dict[str, Any]:
    """Converts, proves, writes the artefacts, manifest.json and golden.npz, and shows the step.

    Args:
        config: which formats and precisions.
        source: a run folder or a .keras file; None for the newest run.
        terminal: where the step is shown.
        calibrate: a data source for the integer ranges; None for the run's training images.
        data: a data source to judge on; None for what the run records.
        out: where the files go; None for beside the model of a run, else `runs/<stem>`.
        overwrite: whether artefacts that were made otherwise may be replaced.

    Returns:
        The `export` document.
    """
    from digitedge.commands.folders import KERAS_MODEL, RUNS, exclusive, keras_model_of, newest_run
    from digitedge.commands.judging import record
    from digitedge.report.bodies import export_body
    from digitedge.report.counting import counting
    from digitedge.report.documents import envelope
    from digitedge.report.steps.export import step
    from digitedge.runtime.keras import load

    require_formats(config)
    path = keras_model_of(source or newest_run(holding=[KERAS_MODEL]))
    _check_calibration(path, calibrate, config)
    folder = (out or (path.parent if _is_run(path) else RUNS / path.stem)).resolve()
    with exclusive(folder), counting(terminal, "export") as watch:
        watch(0, 1, "reading the model")
        model = load(path)
        from digitedge.export.exporting import export as export_all
        from digitedge.export.quantize.calibration import divide
        from digitedge.export.source import make_source

        reference = record(model, path, data)
        calibration = _calibration(model, path, calibrate, config)
        for change in dict.fromkeys((*reference.changes, *(calibration.changes if calibration is not None else ()))):
            terminal.note(change)
        divided = None if calibration is None else divide(calibration, config.calibration_images)
        made = make_source(_stem(path), model, config.output)
        exported = export_all(made, config, folder, reference.golden, divided, overwrite=overwrite, watch=watch)
    document = envelope("export", export_body(exported, path, reference.golden))
    terminal.show(step(document))
    return document


def require_formats(config: ExportConfig) -> None:
    """Says what is missing before TensorFlow is loaded, and long before the first file is converted.

    Raises:
        UnknownNameError: a format does not exist.
        NotPresentError: an engine or a converter is not installed.
    """
    from digitedge.errors import UnknownNameError, package_missing
    from digitedge.registry import entries, installed
    from digitedge.runtime.loading import require_engine

    formats = sorted(entries("digitedge.runtime", "SUFFIX").keys() - {"keras"})
    for name in config.formats:
        if name not in formats:
            raise UnknownNameError("format", name, formats)
    for name in ("keras", *config.formats):
        require_engine(name)
    for package in ("onnx", "tf2onnx"):
        if "onnx" in config.formats and not installed(package):
            raise package_missing(package, "train", "writing an .onnx file")


def _check_calibration(path: Path, calibrate: str | None, config: ExportConfig) -> None:
    """Raises UsageError where int8 has no images, or images have no int8, before TensorFlow is loaded."""
    from digitedge.errors import UsageError

    if calibrate is not None and not config.int8:
        raise UsageError("--calibrate is for integers.", "Add --int8, or leave it out.")
    if calibrate is None and config.int8 and not _is_run(path):
        message = f"nothing is known of the data of {path.name}, and int8 needs real images to find its ranges."
        raise UsageError(message, "Name some with --calibrate DATA.")


def _is_run(path: Path) -> bool:
    from digitedge.commands.folders import KERAS_MODEL, TRAIN

    return path.name == KERAS_MODEL and (path.parent / TRAIN).exists()


def _stem(path: Path) -> str:
    """What the artefacts are called: the architecture of a run, else the name of the file."""
    from digitedge.commands.folders import read_trained

    return Path(read_trained(path.parent).model).stem if _is_run(path) else path.stem


def _calibration(model: KerasModel, path: Path, calibrate: str | None, config: ExportConfig) -> Dataset | None:
    """Training images for the integer ranges and the choice of a recipe; never test images."""
    from digitedge.commands.folders import recorded_size
    from digitedge.commands.judging import check_fit, split
    from digitedge.data.loading import load

    if not config.int8:
        return None
    images = load(calibrate, recorded_size(path.parent)).train if calibrate is not None else split(path.parent)[0]
    check_fit(model, images)
    return images.take(slice(config.calibration_images + config.choice_images))
