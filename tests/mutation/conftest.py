import numpy as np
import onnx
import onnxruntime
import pytest

from digitedge.mutation.every import mutations
from digitedge.mutation.mutation import Right, read_right
from digitedge.runtime.loading import load
from digitedge.spec import image_spec

SUFFIXES = {"onnx": ".onnx", "tflite": ".tflite", "c99": ".c"}
RGB = """
<ir_version: 8, opset_import: ["" : 17]>
rgb (float[N, 3, 6, 6] image) => (float[N, 4] probabilities)
<float[5, 3, 3, 3] kernels, float[5] bias, float[4, 45] rows>
{
    padded = Conv <strides = [2, 2], pads = [0, 0, 1, 1], kernel_shape = [3, 3]> (image, kernels, bias)
    positive = Relu (padded)
    flat = Flatten (positive)
    logits = Gemm <transB = 1> (flat, rows)
    probabilities = Softmax <axis = 1> (logits)
}
"""


@pytest.fixture(scope="session")
def rights(every_file):
    """rights("onnx", "int8") -> Right of the tiny network."""

    def read(name, precision):
        (path,) = every_file.glob(f"tiny.{precision}{SUFFIXES[name]}")
        model = load(path)
        return read_right(path, model.precision, model.spec)

    return read


@pytest.fixture(scope="session")
def rgb(tmp_path_factory):
    """Right of an .onnx file with three channels, SAME_UPPER padding, a stride of 2 and a transposed dense layer."""
    random = np.random.default_rng(0)
    model = onnx.parser.parse_model(RGB)
    for name, shape in {"kernels": (5, 3, 3, 3), "bias": (5,), "rows": (4, 45)}.items():
        model.graph.initializer.append(
            onnx.numpy_helper.from_array(random.normal(scale=0.3, size=shape).astype(np.float32), name)
        )
    path = tmp_path_factory.mktemp("rgb") / "rgb.fp32.onnx"
    data = model.SerializeToString()
    path.write_bytes(data)
    return Right(path, "onnx", "fp32", image_spec((6, 6, 3), ("a", "b", "c", "d"), "NCHW"), data)


@pytest.fixture
def wrong():
    """wrong("kernel-rotated", right) -> Wrong or None."""
    known = {mutation.name: mutation for mutation in mutations()}

    def apply(name, right):
        assert known[name].is_for(right)
        return known[name].apply(right)

    return apply


@pytest.fixture
def run():
    """run(data, images) -> what an .onnx file gives, by ONNX Runtime."""

    def scores(data, images):
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: images})[0]

    return scores
