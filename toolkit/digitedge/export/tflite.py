"""Keras to TensorFlow Lite."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from digitedge import __version__
from digitedge.data.preprocess import to_input, to_pixels
from digitedge.export.converted import Converted
from digitedge.export.source import inlined
from digitedge.export.tflite_child import IMAGES, JOB, MODEL
from digitedge.export.tflite_converter import CONVERTER
from digitedge.runtime.capabilities import input_of
from digitedge.runtime.metadata import Embedded, to_json
from digitedge.runtime.tflite import METADATA
from digitedge.spec import raw_pixels
from digitedge.streams import hushed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.config import ExportConfig, Input
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.export.source import Source
    from digitedge.spec import Spec

SUFFIX = ".tflite"
LIBRARIES = ("tensorflow", "tf-keras", "ai-edge-litert")
# The earliest date that a zip archive can hold: the same model gives the same bytes on any day.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def convert(source: Source, precision: str, config: ExportConfig, calibration: Calibration | None) -> Converted:
    """The model as a .tflite file with a batch of 1. The same source and settings give the same bytes.

    Args:
        source: the network.
        precision: `fp32`; `fp16` for float16 weights, in arithmetic of whatever the device is best at; `int8-weights`
            for 8-bit weights of large layers, whose inputs are rounded to 8 bits as they come ("dynamic range"); `int8`
            for integer weights and activations.
        config: input. Where that is `int8`, the output of the int8 file is int8 too, so that whoever computes in
            integers alone meets no float; each tensor has its scale and zero point. Labels are int64 in any case.
        calibration: training images, for int8.

    Raises:
        ContentError: the converter cannot convert the network.
    """
    takes = input_of(precision, config)
    spec = raw_pixels(spec_of(source)) if takes == "uint8" else replace(spec_of(source), input_dtype=takes)
    if precision == "int8":
        if calibration is None:
            raise ValueError("int8 needs calibration images")
        data = _integers(source, takes, calibration)
    else:
        data = _lite(source, precision, scales=takes == "uint8")
    data = _seal(data, Embedded(spec, source.digest, precision, __version__))
    return Converted(data, spec, operators(data), min_runtime(data))


def spec_of(source: Source) -> Spec:
    """What a file of floats expects: Keras's own layout."""
    return source.spec


def operators(data: bytes) -> dict[str, int]:
    """How often each operator stands in the graph, by name."""
    model = _parse(data)
    names = {value: name for name, value in vars(_schema().BuiltinOperator).items() if isinstance(value, int)}
    codes = [names[model.OperatorCodes(index).BuiltinCode()] for index in range(model.OperatorCodesLength())]
    graph = model.Subgraphs(0)
    used = Counter(codes[graph.Operators(index).OpcodeIndex()] for index in range(graph.OperatorsLength()))
    return dict(sorted(used.items()))


def min_runtime(data: bytes) -> str:
    """The oldest TensorFlow Lite that reads the file: the converter writes it there."""
    model = _parse(data)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == b"min_runtime_version":
            version = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes().rstrip(b"\0").decode()
            return f"tensorflow lite {version}"
    return "tensorflow lite of an unknown release"


def _integers(source: Source, takes: Input, calibration: Calibration) -> bytes:
    """The int8 file. Raw pixels are its integers where its input tensor means them, else the graph scales them."""
    shown = _black_and_white(calibration.images) if takes == "uint8" else calibration.images
    images = to_input(shown, source.spec)
    # The label is no score, and has no scale.
    gives = "int8" if takes == "int8" and source.spec.output_kind != "label" else "float32"
    data = _lite(source, "int8", input=takes, output=gives, images=images)
    if takes == "uint8" and not _holds_pixels(data, source.spec):
        return _lite(source, "int8", scales=True, input=takes, output=gives, images=to_pixels(shown))
    return data


def _black_and_white(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same with a black and a white pixel in the first: the converter takes the brightest that it sees for 255."""
    images = images.copy()
    images[0, 0, 0], images[0, -1, -1] = 0.0, 1.0
    return images


def _lite(
    source: Source,
    precision: str,
    *,
    scales: bool = False,
    input: str = "float32",  # noqa: A002 (as the option is called)
    output: str = "float32",
    images: NDArray[Any] | None = None,
) -> bytes:
    """What the converter makes of the network.

    Args:
        source: the network.
        precision: of the weights.
        scales: whether the graph takes raw pixels and scales them itself.
        input: type of the input tensor of an int8 file.
        output: type of its output tensor.
        images: to calibrate it with, as the graph takes them.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _save(source, folder / MODEL, scales=scales)
        if images is not None:
            np.save(folder / IMAGES, images)
        job = {"precision": precision, "input": input, "output": output}
        (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        return CONVERTER.convert(folder, source.name)


def _save(source: Source, folder: Path, *, scales: bool) -> None:
    spec = source.spec
    image = tf.TensorSpec((1, *spec.input_shape), tf.uint8 if scales else tf.float32, name=spec.input_name)

    def forward(image: Any) -> dict[str, Any]:
        return {spec.output_name: source.forward(_scaled(image, spec) if scales else image)}

    with hushed():
        with inlined():
            function = tf.function(forward).get_concrete_function(image)
        module = tf.Module()
        module.variables_of_network = list(function.graph.variables)  # what a SavedModel writes must hang on its root
        tf.saved_model.save(module, str(folder), signatures=function)


def _scaled(pixels: Any, spec: Spec) -> Any:
    """What `data.preprocess.to_unit` and `to_input` do to raw pixels, step by step."""
    values = tf.cast(pixels, tf.float32) / 255.0
    low, high = spec.range
    if (low, high) != (0.0, 1.0):
        values = values * (high - low) + low
    if any(spec.mean) or any(value != 1.0 for value in spec.std):
        values = (values - tf.constant(spec.mean, tf.float32)) / tf.constant(spec.std, tf.float32)
    return values


def _holds_pixels(data: bytes, spec: Spec) -> bool:
    """Whether the integers of the uint8 input are the pixels: what they stand for is what the network takes of them."""
    quantization = _input_tensor(data).Quantization()
    scale, zero_point = quantization.Scale(0), quantization.ZeroPoint(0)
    plain = spec.range[0] == 0.0 and not any(spec.mean) and all(value == 1.0 for value in spec.std)
    return plain and zero_point == 0 and bool(np.float32(scale) == np.float32(spec.range[1]) / np.float32(255))


def _input_tensor(data: bytes) -> Any:
    graph = _parse(data).Subgraphs(0)
    return graph.Tensors(graph.Inputs(0))


def _seal(data: bytes, embedded: Embedded) -> bytes:
    """Appends a zip archive with the description and the class names: interpreters ignore what follows the model."""
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(METADATA, _EPOCH), to_json(embedded))
        archive.writestr(zipfile.ZipInfo("labels.txt", _EPOCH), "\n".join(embedded.spec.classes) + "\n")
    return stream.getvalue()


def _parse(data: bytes) -> Any:
    return _schema().Model.GetRootAs(data, 0)


def _schema() -> Any:
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated
