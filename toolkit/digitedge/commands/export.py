"""digitedge export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitedge.commands.options import Debug, Json, JudgedOn, Overwrite, Quiet
from digitedge.commands.session import session, verdict
from digitedge.config import ExportConfig, Input, Output
from digitedge.input_range import Scaling, scaling

if TYPE_CHECKING:
    from digitedge.report.terminal import Terminal

_DEFAULT = ExportConfig()

Source = Annotated[
    Path | None,
    typer.Argument(help="A run folder, a .keras file or a SavedModel. (default: the newest run)", show_default=False),
]
To = Annotated[list[str], typer.Option("--to", help="A format: onnx, tflite or c99. May be repeated.")]
Int8 = Annotated[bool, typer.Option("--int8", help="Also write each format with 8-bit integers.")]
Fp16 = Annotated[bool, typer.Option("--fp16", help="Also write each format with half-precision floats.")]
Int8Weights = Annotated[
    bool, typer.Option("--int8-weights", help="Also write each format with 8-bit weights and float arithmetic.")
]
InputOption = Annotated[
    Input, typer.Option(help="What the exported model takes: scaled floats, raw pixels, or an int8 file's integers.")
]
MaxDrop = Annotated[
    float | None,
    typer.Option(
        help="Percentage points of accuracy that int8 may lose: layers stay in float until it holds. "
        "(default: every layer in integers)",
        show_default=False,
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Show the error of every layer of every .onnx file.")]
InputRange = Annotated[
    str | None,
    typer.Option(
        help="What a model of your own takes: 0..1, 0..255 or -1..1. (default: as its first layer says, or 0..1)",
        show_default=False,
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(help="Subtracted after that: one number, or one a channel: 0.485,0.456,0.406", show_default=False),
]
Std = Annotated[
    str | None, typer.Option(help="Divided by after that: one number, or one a channel.", show_default=False)
]
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
    fp16: Fp16 = _DEFAULT.fp16,
    int8_weights: Int8Weights = _DEFAULT.int8_weights,
    input: InputOption = _DEFAULT.input,  # noqa: A002 (the option's name)
    input_range: InputRange = None,
    mean: Mean = None,
    std: Std = None,
    opset: Opset = _DEFAULT.opset,
    output: OutputOption = _DEFAULT.output,
    calibrate: Calibrate = None,
    max_drop: MaxDrop = _DEFAULT.max_drop,
    explain: Explain = False,
    data: JudgedOn = None,
    out: Out = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a model as ONNX and TFLite, and prove each file before it gets its name."""
    with session("export", json=json, quiet=quiet, debug=debug) as terminal:
        config = ExportConfig(
            formats=tuple(dict.fromkeys(to)),
            int8=int8,
            fp16=fp16,
            int8_weights=int8_weights,
            opset=opset,
            input=input,
            output=output,
            max_drop=max_drop,
        )
        document = carry_out(
            config,
            source,
            terminal,
            calibrate=calibrate,
            data=data,
            out=out,
            overwrite=overwrite,
            explain=explain,
            pixels=scaling(input_range, mean, std),
        )
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
    explain: bool = False,
    pixels: Scaling = Scaling(),  # noqa: B008 (frozen)
) -> dict[str, Any]:
    """Converts, proves, writes the artefacts, manifest.json and golden.npz, and shows the step.

    Args:
        config: which formats and precisions.
        source: a run folder, a .keras file or a SavedModel; None for the newest run.
        terminal: where the step is shown.
        calibrate: a data source for the integer ranges; None for the run's training images.
        data: a data source to judge on; None for what the run records.
        out: where the files go; None for beside the model of a run, else `runs/<stem>`.
        overwrite: whether artefacts that were made otherwise may be replaced.
        explain: whether the error of every layer is worked out and shown.
        pixels: what the user says that a model of his own takes.

    Returns:
        The `export` document.
    """
    from digitedge.commands.calibrating import check_asked, images_to_calibrate
    from digitedge.commands.explaining import check_explained, explained
    from digitedge.commands.folders import KERAS_MODEL, RUNS, exclusive, is_run, keras_model_of, newest_run
    from digitedge.commands.judging import record
    from digitedge.commands.own_model import check_pixels, named, own
    from digitedge.report.bodies import export_body
    from digitedge.report.counting import counting
    from digitedge.report.documents import envelope
    from digitedge.report.steps.explain import step as layer_step
    from digitedge.report.steps.export import step
    from digitedge.runtime.keras import load

    require_formats(config)
    path = keras_model_of(source or newest_run(holding=[KERAS_MODEL]))
    check_asked(path, calibrate, config)
    check_pixels(path, pixels)
    if explain:
        check_explained(config)
    folder = (out or (path.parent if is_run(path) else RUNS / _stem(path))).resolve()
    with exclusive(folder), counting(terminal, "export") as watch:
        watch(0, 1, "reading the model")
        model, note = own(load(path), path, pixels)
        from digitedge.export.exporting import export as export_all
        from digitedge.export.source import make_source

        reference = record(model, path, data)
        calibration, changes, names = images_to_calibrate(model, path, calibrate, config)
        model, reference = named(model, reference, names)
        for change in dict.fromkeys((*note, *reference.changes, *changes)):
            terminal.note(change)
        made = make_source(_stem(path), model, config.output)
        exported = export_all(made, config, folder, reference.golden, calibration, overwrite=overwrite, watch=watch)
        layers = explained(exported, made, config, reference.golden) if explain else None
    document = envelope("export", export_body(exported, path, reference.golden, layers))
    terminal.show(step(document))
    if explain:
        terminal.show(layer_step(document))
    return document


def require_formats(config: ExportConfig) -> None:
    """Says what is missing before TensorFlow is loaded, and long before the first file is converted.

    Raises:
        UnknownNameError: a format does not exist.
        UsageError: a format cannot hold what is asked of it.
        NotPresentError: an engine or a converter is not installed.
    """
    from digitedge.errors import package_missing
    from digitedge.registry import installed
    from digitedge.runtime.capabilities import check
    from digitedge.runtime.loading import require_engine

    check(config)
    for name in ("keras", *config.formats):
        require_engine(name)
    if config.formats == ("tflite",):
        return
    for package in ("onnx", "onnx_ir", "tf2onnx", "onnxruntime"):
        if not installed(package):
            raise package_missing(
                package.replace("_", "-"), "cpu" if package == "onnxruntime" else "train", "writing this format"
            )


def _stem(path: Path) -> str:
    """What the artefacts are called: the architecture of a run, else the name of the file or the folder."""
    from digitedge.commands.folders import is_run, read_trained

    if is_run(path):
        return Path(read_trained(path.parent).model).stem
    return path.name if path.is_dir() else path.stem
