"""Keras to ONNX, by tf2onnx; int8 by ONNX Runtime's quantizer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import onnx
import tensorflow as tf

from digitedge import __version__
from digitedge.data.preprocess import to_input
from digitedge.export.converted import Converted
from digitedge.export.passes.canonical_names import canonical_names
from digitedge.export.quantize.onnx_int8 import quantize
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.streams import hushed

if TYPE_CHECKING:
    from digitedge.config import ExportConfig
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.export.source import Source
    from digitedge.spec import Spec

SUFFIX = ".onnx"
LIBRARIES = ("tensorflow", "tf-keras", "tf2onnx", "onnx", "onnxruntime")
IR_VERSION = 8
# The first release that knows the operator set: https://onnxruntime.ai/docs/reference/compatibility.html
_MIN_RUNTIME = {17: "onnxruntime 1.12", 18: "onnxruntime 1.14"}


def convert(source: Source, precision: str, config: ExportConfig, calibration: Calibration | None) -> Converted:
    """The model as an .onnx file. The same source and settings give the same bytes.

    Args:
        source: the network.
        precision: `fp32` or `int8`.
        config: opset.
        calibration: training images, for int8.
    """
    model = _from_keras(source, config.opset)
    if precision == "int8":
        if calibration is None:
            raise ValueError("int8 needs calibration images")
        model = quantize(model, source.spec.input_name, to_input(calibration.images, spec_of(source)))
    data = _seal(model, source, precision)
    return Converted(data, spec_of(source), operators(data), min_runtime(data))


def spec_of(source: Source) -> Spec:
    """What the file expects: NCHW, as ONNX Runtime's kernels do."""
    return replace(source.spec, layout="NCHW")


def operators(data: bytes) -> dict[str, int]:
    """How often each operator stands in the graph, by name."""
    return dict(sorted(Counter(node.op_type for node in onnx.load_from_string(data).graph.node).items()))


def min_runtime(data: bytes) -> str:
    """The oldest ONNX Runtime that reads the file."""
    (opset,) = (entry.version for entry in onnx.load_from_string(data).opset_import if entry.domain == "")
    return _MIN_RUNTIME[opset]


def _from_keras(source: Source, opset: int) -> Any:
    import tf2onnx

    name = source.spec.input_name
    signature = [tf.TensorSpec((None, *source.spec.input_shape), tf.float32, name=name)]

    def forward(image: Any) -> dict[str, Any]:
        return {source.spec.output_name: source.forward(image)}

    with hushed():
        function = tf.function(forward, input_signature=signature)
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=signature, opset=opset, inputs_as_nchw=[name]
        )
    canonical_names(model)
    return model


def _seal(model: Any, source: Source, precision: str) -> bytes:
    """Names the batch N, keeps only the operator sets in use, and writes the description into the file."""
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "digitedge", __version__
    model.graph.name, model.graph.doc_string, model.doc_string = source.name, "", ""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    embedded = Embedded(spec_of(source), source.digest, precision, __version__)
    onnx.helper.set_model_props(model, {KEY: to_json(embedded)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data
