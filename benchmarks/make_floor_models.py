"""Writes the models that do nothing: `floor_p50_us`, what one call of an engine costs before any arithmetic.

    python benchmarks/make_floor_models.py

An image of 1 x 10 values in, the same ten values out, by one Flatten (ONNX), Reshape (TFLite) or loop (C), which copies
40 bytes. An execution provider may leave a graph to the CPU in which nothing is computed: relu.onnx is for those, with
ten comparisons before the Flatten. They ship inside the package, in digitedge/bench/floor/. The same versions of the
libraries give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import digitedge.bench
from digitedge.files import write_bytes
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.runtime.tflite import METADATA
from digitedge.spec import Spec, image_spec

SPEC = image_spec((1, 10, 1), tuple(str(index) for index in range(10)), "NHWC")


def identity_onnx() -> bytes:
    """An .onnx file of opset 17: `image` float32 (N, 1, 1, 10) to `probabilities` float32 (N, 10)."""
    from onnx import helper

    return _onnx("identity", [helper.make_node("Flatten", [SPEC.input_name], [SPEC.output_name])])


def relu_onnx() -> bytes:
    """The same with a Relu before it, which leaves what is not negative as it is."""
    from onnx import helper

    relu = helper.make_node("Relu", [SPEC.input_name], ["positive"])
    return _onnx("relu", [relu, helper.make_node("Flatten", ["positive"], [SPEC.output_name])])


def _onnx(name: str, nodes: list[Any]) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    takes = helper.make_tensor_value_info(SPEC.input_name, TensorProto.FLOAT, ["N", 1, 1, 10])
    gives = helper.make_tensor_value_info(SPEC.output_name, TensorProto.FLOAT, ["N", 10])
    graph = helper.make_graph(nodes, name, [takes], [gives])
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="digitedge"
    )
    helper.set_model_props(model, {KEY: description(replace(SPEC, layout="NCHW"))})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def identity_tflite() -> bytes:
    """A .tflite file: float32 (1, 1, 10, 1) to float32 (1, 10)."""
    import tensorflow as tf

    signature = [tf.TensorSpec((1, *SPEC.input_shape), tf.float32, name=SPEC.input_name)]
    function = tf.function(lambda image: {SPEC.output_name: tf.reshape(image, (1, 10))}, input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
    stream = io.BytesIO(converter.convert())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(METADATA, (1980, 1, 1, 0, 0, 0)), description(SPEC))
    return stream.getvalue()


def identity_c99() -> tuple[bytes, bytes]:
    """A .c file and its header: ten floats to ten floats."""
    from digitedge.export.c.frame import write
    from digitedge.export.c.program import Buffer, Program, Step

    takes, gives = Buffer("float", 10), Buffer("float", 10)
    body = "    for (int i = 0; i < 10; i++) {\n        y[i] = x[i];\n    }"
    copy = Step("copy1", "The same values", body, (takes,), gives)
    return write("identity", Program(takes, gives, (copy,)), Embedded(SPEC, "identity", "fp32", "floor"))


def description(spec: Spec) -> str:
    return to_json(Embedded(spec, source_digest="identity", precision="fp32", version="floor"))


def main() -> None:
    folder = Path(digitedge.bench.__file__).parent / "floor"
    source, header = identity_c99()
    made = {
        "identity.onnx": identity_onnx(),
        "relu.onnx": relu_onnx(),
        "identity.tflite": identity_tflite(),
        "identity.c": source,
        "identity.h": header,
    }
    for name, data in made.items():
        path = write_bytes(folder / name, data)
        print(f"{path}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
