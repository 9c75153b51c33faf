"""Keras to ONNX, by tf2onnx; int8 by ONNX Runtime's quantizer."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import onnx
import tensorflow as tf

from digitedge import __version__
from digitedge.data.preprocess import to_input
from digitedge.export.converted import Converted
from digitedge.export.onnx_releases import oldest_release
from digitedge.export.passes.canonical_names import canonical_names
from digitedge.export.passes.pipeline import optimize
from digitedge.export.passes.uint8_input import uint8_input
from digitedge.export.quantize.int8 import Images, to_int8
from digitedge.export.quantize.onnx_fp16 import to_fp16
from digitedge.export.quantize.onnx_weights import quantize_weights
from digitedge.export.source import inlined
from digitedge.runtime.capabilities import input_of
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.spec import raw_pixels
from digitedge.streams import hushed

if TYPE_CHECKING:
    from digitedge.config import ExportConfig
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.export.source import Source
    from digitedge.spec import Spec

SUFFIX = ".onnx"
LIBRARIES = ("tensorflow", "tf-keras", "tf2onnx", "onnx", "onnxruntime")
IR_VERSION = 8


def convert(source: Source, precision: str, config: ExportConfig, calibration: Calibration | None) -> Converted:
    """The model as an .onnx file. The same source and settings give the same bytes.

    Args:
        source: the network.
        precision: `fp32`, `fp16`, `int8-weights` or `int8`.
        config: opset and input.
        calibration: training images, for int8.
    """
    model, facts = _in_precision(source, precision, config, calibration)
    spec = spec_of(source)
    if input_of(precision, config) == "uint8":
        uint8_input(model, spec)
        spec = raw_pixels(spec)
    data = _seal(model, source, Embedded(spec, source.digest, precision, __version__))
    return Converted(data, spec, operators(data), min_runtime(data), facts=facts)


@lru_cache(maxsize=2)
def plain(source: Source, config: ExportConfig) -> Any:
    """What tf2onnx makes of the network, under names that depend on the graph alone.

    Returns:
        onnx.ModelProto, float32, the image in NCHW. It is shared: copy it before you change it.
    """
    return _from_keras(source, config.opset)


@lru_cache(maxsize=4)
def optimized(source: Source, config: ExportConfig, *, pad_channels: bool) -> tuple[Any, dict[str, Any]]:
    """The same scores by a smaller and faster graph.

    Args:
        source: the network.
        config: opset.
        pad_channels: whether channels that are always zero may be added, where the CPU's vectors gain by it.

    Returns:
        onnx.ModelProto, shared: copy it before you change it; and what was rewritten, for the manifest.
    """
    return optimize(plain(source, config), pad_channels=pad_channels)


@lru_cache(maxsize=2)
def quantized(source: Source, config: ExportConfig, calibration: Calibration) -> tuple[Any, dict[str, Any]]:
    """The network in 8-bit integers, as QDQ nodes around the float graph of `optimized`.

    Returns:
        onnx.ModelProto, shared: copy it before you change it; and what was rewritten and chosen, for the manifest.
    """
    model, facts = optimized(source, config, pad_channels=False)
    spec = spec_of(source)
    images = Images(to_input(calibration.images, spec), to_input(calibration.held_out, spec), calibration.labels)
    integers, found = to_int8(model, images, config.max_drop)
    return integers, {**facts, **found}


def spec_of(source: Source) -> Spec:
    """What a file of floats expects: NCHW, as ONNX Runtime's kernels do."""
    return replace(source.spec, layout="NCHW")


def operators(data: bytes) -> dict[str, int]:
    """How often each operator stands in the graph, by name."""
    return dict(sorted(Counter(node.op_type for node in onnx.load_from_string(data).graph.node).items()))


def min_runtime(data: bytes) -> str:
    """The oldest ONNX Runtime that reads the file."""
    return oldest_release(onnx.load_from_string(data))


def _in_precision(
    source: Source, precision: str, config: ExportConfig, calibration: Calibration | None
) -> tuple[Any, dict[str, Any]]:
    """A graph that may be changed, and what was done to it."""
    if precision == "int8":
        if calibration is None:
            raise ValueError("int8 needs calibration images")
        model, facts = quantized(source, config, calibration)
        return copy.deepcopy(model), facts
    model, facts = optimized(source, config, pad_channels=True)
    own = copy.deepcopy(model)
    if precision == "fp16":
        own = to_fp16(own)
        canonical_names(own)  # the converter numbers its Casts
    if precision == "int8-weights":
        facts = {**facts, "int8_weights_share": quantize_weights(own)}
    return own, facts


def _from_keras(source: Source, opset: int) -> Any:
    import tf2onnx

    name = source.spec.input_name
    signature = [tf.TensorSpec((None, *source.spec.input_shape), tf.float32, name=name)]

    def forward(image: Any) -> dict[str, Any]:
        return {source.spec.output_name: source.forward(image)}

    with hushed(), inlined():
        function = tf.function(forward, input_signature=signature)
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=signature, opset=opset, inputs_as_nchw=[name]
        )
    _hold_constants(model, function)
    canonical_names(model)
    return model


def _hold_constants(model: Any, function: Any) -> None:
    """Makes initializers of the constants that a layer holds as tensors, as Normalization does: they come as inputs."""
    captured = function.get_concrete_function().graph.captures
    constants = {place.name: tensor.numpy() for tensor, place in captured if place.dtype != tf.resource}
    read = {name for node in model.graph.node for name in node.input}
    kept = [value for value in model.graph.input if value.name not in constants]
    held = [value.name for value in model.graph.input if value.name in constants and value.name in read]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(constants[name], name) for name in held)


def _seal(model: Any, source: Source, embedded: Embedded) -> bytes:
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
    onnx.helper.set_model_props(model, {KEY: to_json(embedded)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data
