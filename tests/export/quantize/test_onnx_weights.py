"""Weights of 8 bits: which, how well, and that nothing is computed anew in each call."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from digitedge.export.quantize.onnx_weights import quantize_weights

# operator -> shape of its image, shape of its weights, axis of its outputs, attributes
LAYERS = {
    "Conv": ((1, 4, 6, 6), (8, 4, 5, 5), 0, {}),
    "ConvTranspose": ((1, 4, 6, 6), (4, 8, 5, 5), 1, {}),
    "MatMul": ((3, 40), (40, 8), 1, {}),
    "Gemm": ((3, 40), (40, 8), 1, {}),
    "Gemm of a transposed matrix": ((3, 40), (8, 40), 0, {"transB": 1}),
}


def layer(name, weights, shape):
    _, _, _, attributes = LAYERS[name]
    node = helper.make_node(name.split()[0], ["image", "w"], ["scores"], **attributes)
    values = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "g", values, outputs, [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def constants(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def restored(model):
    found = constants(model)
    return found["w/int8"].astype(np.float32) * found["w/scale"]


@settings(max_examples=20)
@given(name=st.sampled_from(sorted(LAYERS)), seed=st.integers(0, 2**31), spread=st.floats(-3, 3))
def test_every_weight_is_within_half_a_step_of_its_outputs_largest(name, seed, spread):
    shape, weights_shape, axis, _ = LAYERS[name]
    random = np.random.default_rng(seed)
    sizes = [-1 if index == axis else 1 for index in range(len(weights_shape))]
    weights = random.normal(size=weights_shape) * 10 ** (spread * random.random(weights_shape[axis])).reshape(sizes)
    weights = weights.astype(np.float32)
    model = layer(name, weights, shape)
    assert quantize_weights(model) == 1.0
    others = tuple(index for index in range(weights.ndim) if index != axis)
    step = np.abs(weights).max(axis=others, keepdims=True) / 127
    assert constants(model)["w/int8"].dtype == np.int8
    assert (np.abs(restored(model) - weights) <= step * 0.5001).all()
    image = random.random(shape, np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"image": image})
    (expected,) = onnxruntime.InferenceSession(layer(name, restored(model), shape).SerializeToString()).run(
        None, {"image": image}
    )
    np.testing.assert_array_equal(found, expected)


def test_an_output_whose_weights_are_all_zero_stays_zero():
    shape, weights_shape, _, _ = LAYERS["MatMul"]
    weights = np.ones(weights_shape, np.float32)
    weights[:, 3] = 0
    model = layer("MatMul", weights, shape)
    quantize_weights(model)
    np.testing.assert_array_equal(restored(model), weights)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_stay_for_parity_to_find(value):
    shape, weights_shape, _, _ = LAYERS["MatMul"]
    weights = np.ones(weights_shape, np.float32)
    weights[0, 0] = value
    model = layer("MatMul", weights, shape)
    before = model.SerializeToString()
    assert quantize_weights(model) == 0.0
    assert model.SerializeToString() == before


def test_a_layer_that_would_not_get_smaller_stays():
    model = layer("MatMul", np.ones((5, 4), np.float32), (3, 5))
    before = model.SerializeToString()
    assert quantize_weights(model) == 0.0
    assert model.SerializeToString() == before


def test_the_layer_that_barely_pays_does_get_smaller():
    sizes = {}
    for rows in range(2, 60):
        model = layer("MatMul", np.ones((rows, 4), np.float32), (3, rows))
        before = model.ByteSize()
        if quantize_weights(model):
            sizes[rows] = (before, model.ByteSize())
    assert min(sizes) < 40
    assert all(after < before for before, after in sizes.values())


def test_a_model_without_weights_has_none_in_int8():
    model = layer("MatMul", np.ones((40, 8), np.float32), (3, 40))
    del model.graph.initializer[:]
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (40, 8)))
    assert quantize_weights(model) == 0.0


def test_onnx_runtime_works_the_weights_out_when_it_loads_them(tmp_path):
    model = layer("Conv", np.random.default_rng(0).normal(size=(8, 4, 5, 5)).astype(np.float32), (1, 4, 6, 6))
    quantize_weights(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    import onnx

    assert [node.op_type for node in onnx.load(tmp_path / "loaded.onnx").graph.node] == ["Conv"]
