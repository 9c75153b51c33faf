"""Small float graphs with random weights, and images for them."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

SHAPE = (4, 9, 8)


@pytest.fixture
def graph():
    """graph(nodes, weights, output, shape=SHAPE) -> onnx.ModelProto: float32, from `image` (n, *shape) to `output`."""

    def build(nodes, weights, output, shape=SHAPE):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *shape])
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
        made = helper.make_graph(nodes, "g", [image], [result], tensors)
        return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])

    return build


@pytest.fixture
def images():
    """float32 (40, *SHAPE), from -1 to 1, seeded."""
    return np.random.default_rng(1).uniform(-1, 1, (40, *SHAPE)).astype(np.float32)
