"""Keras to TensorFlow Lite."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge import __version__
from digitedge.data.preprocess import to_input
from digitedge.export.converted import Converted
from digitedge.runtime.metadata import Embedded, to_json
from digitedge.runtime.tflite import METADATA
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from digitedge.config import ExportConfig
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.export.source import Source
    from digitedge.spec import Spec

SUFFIX = ".tflite"
LIBRARIES = ("tensorflow", "tf-keras", "ai-edge-litert")
# The earliest date that a zip archive can hold: the same model gives the same bytes on any day.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def convert(
    source: Source,
    precision: str,
    config: ExportConfig,  # noqa: ARG001 (every format's signature)
    calibration: Calibration | None,
) -> Converted:
    """The model as a .tflite file with a batch of 1. The same source and settings give the same bytes.

    Args:
        source: the network.
        precision: `fp32`, or `int8` for integer weights and activations behind a float32 input and output.
        config: not needed here.
        calibration: training images, for int8.
    """
    signature = [tf.TensorSpec((1, *source.spec.input_shape), tf.float32, name=source.spec.input_name)]
    with hushed():
        function = tf.function(lambda image: {source.spec.output_name: source.forward(image)})
        concrete = function.get_concrete_function(*signature)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], source.network)
        if precision == "int8":
            if calibration is None:
                raise ValueError("int8 needs calibration images")
            _ask_for_int8(converter, to_input(calibration.images, source.spec))
        data: bytes = converter.convert()
    data = _seal(data, source, precision)
    return Converted(data, spec_of(source), operators(data), min_runtime(data))


def spec_of(source: Source) -> Spec:
    """What the file expects: Keras's own layout."""
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


def _ask_for_int8(converter: Any, calibration: NDArray[np.float32]) -> None:
    def images() -> Iterator[list[NDArray[np.float32]]]:
        for image in calibration:
            yield [image[None]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = images
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def _seal(data: bytes, source: Source, precision: str) -> bytes:
    """Appends a zip archive with the description and the class names: interpreters ignore what follows the model."""
    embedded = Embedded(spec_of(source), source.digest, precision, __version__)
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(METADATA, _EPOCH), to_json(embedded))
        archive.writestr(zipfile.ZipInfo("labels.txt", _EPOCH), "\n".join(source.spec.classes) + "\n")
    return stream.getvalue()


def _parse(data: bytes) -> Any:
    return _schema().Model.GetRootAs(data, 0)


def _schema() -> Any:
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated
