"""`--layers`: every layer of every file beside the same layer of the Keras original."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from digitedge.commands.judging import keras_original
from digitedge.commands.verifying import described
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitedge.analysis.inner_tensors import Inside
    from digitedge.analysis.keras_layers import Network
    from digitedge.commands.verifying import Work
    from digitedge.report.counting import Count
    from digitedge.runtime.keras import KerasModel
    from digitedge.verify.target import Described

# Enough for a mean over layers; a network that is cut at each of its layers takes its time.
IMAGES = 200
# Of the scores: a layer that moves them less contributes nothing. It is what float32 rounding moves them by, and more.
LEAST_SHARE = 5e-5
_NO_LAYERS = {
    "c99": "a C source keeps none of its layers' results: look at the .onnx or .tflite file of the same precision",
    "keras": "a Keras file holds the layers that others are compared with",
}


def layered(work: Work, watch: Count) -> list[dict[str, Any]]:
    """The layers of every file, in the first engine of its format, compared on the first images of the reference.

    Args:
        work: the files, and the Keras original.
        watch: is told how many files are done, of how many, and which is next.
    """
    files = {found.target.path: found for found in reversed(described(work.entries))}
    return compared(work.against.path, list(reversed(files.values())), work.against.golden.images[:IMAGES], watch)


def compared(
    original: Path, files: Sequence[Described], images: NDArray[np.uint8], watch: Count
) -> list[dict[str, Any]]:
    """The layers of every file beside those of a Keras file.

    Args:
        original: a .keras file.
        files: that were made of it.
        images: uint8 (n, height, width, channels).
        watch: is told how many files are done, of how many, and which is next.

    Returns:
        One entry for each file: `path`, `format`, `precision`, `images` (how many), `layers` (`analysis.layer_row.Row`
        as dicts), `first_departing` and `contributes_most` (names of layers, or None), and `note`: why there are no
        layers, or None.

    Raises:
        ContentError: the original's layers cannot be looked at, or a file cannot be read.
        NotPresentError: TensorFlow or an engine is not installed.
    """
    model = keras_original(original, files)
    network = _opened(model, original)
    entries = []
    for done, file in enumerate(files):
        watch(done, len(files), file.target.path.name)
        entries.append(_entry(model, network, file, images))
    return entries


def _opened(model: KerasModel, path: Path) -> Network:
    """The layers of the original, to the scores before a softmax."""
    from digitedge.analysis.keras_layers import network_of, refuse_opaque
    from digitedge.export.source import make_source

    refuse_opaque(model.network, name=str(path))
    last = model.network.layers[-1].name
    try:
        network = make_source(path.stem, model, "logits").network
    except ContentError:  # it does not end in a softmax: its scores are what it gives
        network = model.network
    new = network.layers[-1].name not in {layer.name for layer in model.network.layers}
    return network_of(network, name=str(path), last=last if new else None)


def _entry(model: KerasModel, network: Network, file: Described, images: NDArray[np.uint8]) -> dict[str, Any]:
    from digitedge.analysis.layer_faults import compare_layers
    from digitedge.data.preprocess import to_input, to_unit

    rows: list[dict[str, Any]] = []
    note = _NO_LAYERS.get(file.format)
    if note is None:
        unit = to_unit(images)
        mine, inputs = to_input(unit, model.spec), to_input(unit, file.spec)
        try:
            rows = [asdict(row) for row in compare_layers(network, _inside(file), mine, inputs, file.precision)]
        except ContentError as error:
            note = str(error)
    return {
        "path": str(file.target.path),
        "format": file.format,
        "precision": file.precision,
        "images": len(images),
        "layers": rows,
        "first_departing": next((row["layer"] for row in rows if row["departs"]), None),
        "contributes_most": _most(rows),
        "note": note,
    }


def _inside(file: Described) -> Inside:
    path, probabilities = file.target.path, file.spec.output_kind == "probabilities"
    if file.format == "onnx":
        import onnx

        from digitedge.analysis.inner_onnx import onnx_inside

        return onnx_inside(onnx.load(path), probabilities=probabilities)
    from digitedge.analysis.inner_tflite import tflite_inside

    return tflite_inside(path.read_bytes(), probabilities=probabilities)


def _most(rows: Sequence[dict[str, Any]]) -> str | None:
    """The layer that moves the scores most; one whose values are not finite moves them beyond measure."""
    broken = next((row["layer"] for row in rows if row["not_finite"]), None)
    moving = [row for row in rows if row["moves"] is not None and row["moves"] >= LEAST_SHARE]
    return broken or (max(moving, key=lambda row: float(row["moves"]))["layer"] if moving else None)
