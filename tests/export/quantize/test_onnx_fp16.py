"""Half precision inside, float32 outside."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitedge.errors import ContentError
from digitedge.export.quantize.onnx_fp16 import to_fp16


def dense(weights=None, *, end="Softmax"):
    weights = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32) if weights is None else weights
    nodes = [helper.make_node("MatMul", ["image", "w"], ["y"]), helper.make_node("Relu", ["y"], ["z"])]
    kind, shape, attributes = TensorProto.FLOAT, ["N", 4], {}
    if end == "ArgMax":
        kind, shape, attributes = TensorProto.INT64, ["N"], {"axis": -1, "keepdims": 0}
    nodes.append(helper.make_node(end, ["z"], ["scores"], **attributes))
    values = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 6])]
    outputs = [helper.make_tensor_value_info("scores", kind, shape)]
    graph = helper.make_graph(nodes, "g", values, outputs, [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def run(model):
    onnx.checker.check_model(model, full_check=True)
    image = np.random.default_rng(1).random((50, 6), np.float32)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"image": image})[0]


def types(model):
    inferred = onnx.shape_inference.infer_shapes(model).graph
    return {value.name: value.type.tensor_type.elem_type for value in (*inferred.value_info, *inferred.output)}


@pytest.mark.parametrize("end", ["Softmax", "ArgMax", "Relu", "Identity"])
def test_weights_and_arithmetic_are_float16_between_float32_ends(end):
    expected, half = run(dense(end=end)), to_fp16(dense(end=end))
    found = run(half)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, atol=0 if end == "ArgMax" else 5e-3)
    assert {tensor.data_type for tensor in half.graph.initializer} == {TensorProto.FLOAT16}
    matmul = next(node for node in half.graph.node if node.op_type == "MatMul")
    assert types(half)[matmul.output[0]] == TensorProto.FLOAT16
    assert half.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_softmax_is_float32_and_its_scores_are_not_rounded_behind_it():
    half = to_fp16(dense())
    assert Counter(node.op_type for node in half.graph.node) == {"Cast": 2, "MatMul": 1, "Relu": 1, "Softmax": 1}
    scores = run(half)
    assert (scores != scores.astype(np.float16)).mean() > 0.9
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_a_weight_that_float16_cannot_hold_is_told_and_not_cut():
    weights = np.ones((6, 4), np.float32)
    weights[2, 1] = -70_000
    with pytest.raises(ContentError, match=r"w holds 7e\+04, and float16 ends at 65504\. Export it without --fp16\."):
        to_fp16(dense(weights))
    weights[2, 1] = np.nan  # which float16 holds, and parity finds
    assert np.isnan(run(to_fp16(dense(weights)))).any()
