from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import QuantType

from digitedge.analysis.integers import evaluate
from digitedge.analysis.lowering import lower
from digitedge.analysis.saturation import saturating_layers
from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.onnx import convert
from digitedge.export.source import make_source
from digitedge.measure.cpus import labels
from digitedge.runtime.onnx import open_session
from digitedge.runtime.provider import require

RANDOM = np.random.default_rng(0)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def node(kind, *inputs, **attributes):
    return helper.make_node(kind, list(inputs), ["y"], name="layer", **attributes)


def after_conv(*nodes, **tensors):
    """ONNX Runtime's quantizer takes some operators in only when integers come to them."""
    return [helper.make_node("Conv", ["image", "v"], ["c"]), *nodes], {"v": weights(4, 4, 1, 1), **tensors}


FLATTEN = helper.make_node("Flatten", ["c"], ["f"])


# Where ONNX Runtime's arithmetic is the evaluator's.
SAME = {
    "conv": ([node("Conv", "image", "w", "b")], {"w": weights(6, 4, 3, 3), "b": weights(6)}),
    "conv_strided_padded": (
        [node("Conv", "image", "w", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2])], {"w": weights(6, 4, 3, 3)},
    ),
    "conv_same": ([node("Conv", "image", "w", auto_pad="SAME_UPPER", strides=[2, 2])], {"w": weights(5, 4, 3, 3)}),
    "conv_same_lower": ([node("Conv", "image", "w", auto_pad="SAME_LOWER")], {"w": weights(5, 4, 2, 2)}),
    "conv_depthwise": ([node("Conv", "image", "w", "b", group=4)], {"w": weights(4, 1, 3, 3), "b": weights(4)}),
    "conv_grouped": ([node("Conv", "image", "w", group=2)], {"w": weights(6, 2, 3, 3)}),
    "max_pool": after_conv(node("MaxPool", "c", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])),
    "transpose": after_conv(node("Transpose", "c", perm=[0, 2, 3, 1])),
    "conv_relu": after_conv(node("Relu", "c")),
    "gemm": after_conv(FLATTEN, node("Gemm", "f", "w", "b"), w=weights(288, 7), b=weights(7)),
    "gemm_transposed": after_conv(FLATTEN, node("Gemm", "f", "w", "b", transB=1), w=weights(7, 288), b=weights(7)),
    "matmul": after_conv(FLATTEN, node("MatMul", "f", "w"), w=weights(288, 7)),
    "concat": after_conv(node("Concat", "image", "c", axis=1)),
}  # fmt: skip
# Where it adds up or rounds in another order.
CLOSE = {
    "add": after_conv(node("Add", "image", "c")),
    "average_pool": after_conv(node("AveragePool", "c", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
    "average_pool_counting": after_conv(
        node("AveragePool", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    ),
    "global_average": after_conv(node("GlobalAveragePool", "c")),
    "sigmoid": after_conv(node("Sigmoid", "c")),
}  # fmt: skip
BOTH = {**SAME, **CLOSE}
# The share of values that may be a step off. A mean of 4 or 6 integers, at the padded border, is often a tie.
SHARE = dict.fromkeys(BOTH, 0.01) | {"average_pool": 0.1}
TYPES = {
    "u8s8": {},
    "per_tensor": {"per_channel": False},
    "u8u8": {"per_channel": False, "weight_type": QuantType.QUInt8},
    "s8s8": {"activation_type": QuantType.QInt8},
}


def run(model, images, *, optimize):
    session = open_session(Path("m.onnx"), model.SerializeToString(), require("cpu"), optimize=optimize)
    return session.run(None, {"image": images})[0]


def reference(model, images):
    """onnx's own evaluator, which has quantization from opset 19 on."""
    newer = onnx.ModelProto.FromString(model.SerializeToString())
    newer.opset_import[0].version = 19
    return ReferenceEvaluator(newer).run(None, {"image": images})[0]


def output_step(model):
    """The scale of the integers that the output is made of."""
    (last,) = (node for node in model.graph.node if model.graph.output[0].name in node.output)
    (scale,) = (tensor for tensor in model.graph.initializer if tensor.name == last.input[1])
    return float(onnx.numpy_helper.to_array(scale))


def kinds(model):
    return Counter(type(operation).__name__ for operation in lower(model).operations)


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("layer", SAME)
def test_each_layer_is_equal_to_the_bit_to_onnx_runtimes_integer_kernel(layer, types, graph, quantized, images):
    model = quantized(graph(*SAME[layer], "y"), images, **TYPES[types])
    assert kinds(model)["FloatOperation"] == 0
    np.testing.assert_array_equal(evaluate(model, images), run(model, images, optimize=True))


@pytest.mark.parametrize("types", ["u8s8", "s8s8"])
@pytest.mark.parametrize("layer", CLOSE)
def test_other_layers_are_one_step_off_at_most_and_seldom(layer, types, graph, quantized, images):
    model = quantized(graph(*CLOSE[layer], "y"), images, **TYPES[types])
    assert kinds(model)["FloatOperation"] == 0
    steps = np.abs(evaluate(model, images) - run(model, images, optimize=True)) / output_step(model)
    assert steps.max() < 1.01
    assert (steps > 0.5).mean() < SHARE[layer]


@pytest.mark.parametrize("layer", BOTH)
def test_the_graph_as_it_is_written_is_one_step_off_at_most_and_seldom(layer, graph, quantized, images):
    """In float, a sum that lies between two integers may fall to the other side."""
    model = quantized(graph(*BOTH[layer], "y"), images)
    ours, step = evaluate(model, images), output_step(model)
    for other in (run(model, images, optimize=False), reference(model, images[:2])):
        steps = np.abs(ours[: len(other)] - other) / step
        assert steps.max() < 1.01
        assert (steps > 0.5).mean() < SHARE[layer]


def test_another_weight_gives_another_answer(graph, quantized, images):
    """What the tests above compare can differ."""
    model = quantized(graph(*SAME["conv"], "y"), images)
    before = evaluate(model, images)
    (integers,) = (t for t in model.graph.initializer if t.name == "w_quantized")
    changed = onnx.numpy_helper.to_array(integers).copy()
    changed[0, 0, 0, 0] += 1 if changed[0, 0, 0, 0] < 64 else -1
    integers.CopyFrom(onnx.numpy_helper.from_array(changed, "w_quantized"))
    assert (evaluate(model, images) != before).any()


def residual(graph, seed=3):
    random = np.random.default_rng(seed)
    tensors = {
        "w1": random.normal(0, 0.3, (8, 4, 3, 3)), "b1": random.normal(0, 0.3, 8),
        "w2": random.normal(0, 0.3, (8, 1, 3, 3)),
        "w3": random.normal(0, 0.5, (8, 8, 1, 1)), "w4": random.normal(0, 1, (8, 5)), "b4": random.normal(0, 1, 5),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2"], ["c2"], name="depthwise", group=8, pads=[1, 1, 1, 1]),
        helper.make_node("HardSwish", ["c2"], ["h2"]),
        helper.make_node("Conv", ["h2", "w3"], ["c3"], name="pointwise"),
        helper.make_node("Add", ["c3", "p1"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w4", "b4"], ["logits"], name="dense"),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    return graph(nodes, {name: array.astype(np.float32) for name, array in tensors.items()}, "probabilities")


def test_a_residual_net_is_integers_from_end_to_end(graph, quantized, images):
    model = quantized(
        residual(graph), images, op_types_to_quantize=["Conv", "Gemm", "Add", "MaxPool", "GlobalAveragePool", "Relu"]
    )
    assert kinds(model) == {
        "Quantize": 1, "IntegerConv": 3, "IntegerPool": 2, "IntegerTable": 1, "IntegerAdd": 1, "IntegerMove": 1,
        "IntegerGemm": 1, "Dequantize": 1, "FloatOperation": 1,
    }  # fmt: skip
    ours, theirs = evaluate(model, images), run(model, images, optimize=True)
    assert np.ptp(ours, axis=0).max() > 0.1, "constant scores prove nothing"
    assert np.abs(ours - theirs).max() < 0.1
    assert (labels(ours) == labels(theirs)).mean() >= 0.95


def test_a_layer_that_stays_in_float_is_computed_in_float(graph, quantized, images):
    model = quantized(residual(graph), images, nodes_to_exclude=["depthwise", "first"])
    counts = kinds(model)
    assert (counts["IntegerConv"], counts["IntegerGemm"]) == (1, 1)
    assert sum(isinstance(o.node.op_type, str) and o.node.op_type == "Conv" for o in floats(model)) == 2
    np.testing.assert_allclose(evaluate(model, images), run(model, images, optimize=True), atol=0.02)


def floats(model):
    return [operation for operation in lower(model).operations if type(operation).__name__ == "FloatOperation"]


def test_a_float_model_is_computed_as_it_is(graph, images):
    model = residual(graph)
    np.testing.assert_allclose(evaluate(model, images), run(model, images, optimize=True), atol=1e-5)


def test_logits_may_stay_in_float_behind_integer_sums(graph, quantized, images):
    model = quantized(graph(*SAME["gemm"], "y"), images)
    (dense,) = (one for one in model.graph.node if one.op_type == "Gemm")
    kept = [one for one in model.graph.node if "y" not in one.output and dense.output[0] not in one.input]
    dense.output[0] = "y"
    nodes = [
        onnx.NodeProto.FromString(one.SerializeToString())
        for one in kept
        if one.op_type != "QuantizeLinear" or one.input[0] != "y"
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert kinds(model)["IntegerGemm"] == 1
    assert kinds(model)["Dequantize"] == 0
    np.testing.assert_allclose(evaluate(model, images), run(model, images, optimize=False), rtol=1e-5, atol=1e-5)


def test_a_digit_is_decided_as_onnx_runtime_decides_it(tiny_model, tiny_golden, calibration):
    source = make_source("tiny", tiny_model, "probabilities")
    model = onnx.load_from_string(convert(source, "int8", ExportConfig(), calibration).data)
    images = (tiny_golden.images.astype(np.float32) / 255).transpose(0, 3, 1, 2)
    scores = evaluate(model, images)
    np.testing.assert_allclose(scores, run(model, images, optimize=True), atol=1e-6)
    np.testing.assert_array_equal(evaluate(model, images, saturating=True), scores)


def naive(graph, quantized, images):
    """Full 8-bit weights and inputs that use all bytes: what saturates on AVX2."""
    return quantized(graph(*SAME["conv"], "y"), images, reduce_range=False)


def test_eight_bit_weights_saturate_in_pairs_and_seven_bit_weights_do_not(graph, quantized, images):
    wide = naive(graph, quantized, images)
    assert saturating_layers(wide)
    assert (evaluate(wide, images, saturating=True) != evaluate(wide, images)).any()
    narrow = quantized(graph(*SAME["conv"], "y"), images)
    np.testing.assert_array_equal(evaluate(narrow, images, saturating=True), evaluate(narrow, images))


def test_sums_beyond_32_bits_are_an_error(graph, quantized, images):
    model = quantized(graph(*SAME["gemm"], "y"), images)
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == "b_quantized")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(7, 2**31 - 1, np.int32), "b_quantized"))
    with pytest.raises(ContentError, match="the sums of layer can leave 32 bits"):
        evaluate(model, images)


def test_images_in_blocks_are_images_at_once(graph, quantized, images):
    model = quantized(graph(*SAME["conv"], "y"), images)
    many = np.concatenate([images] * 3)
    np.testing.assert_array_equal(evaluate(model, many), np.concatenate([evaluate(model, images)] * 3))


def test_a_model_of_two_inputs_is_refused(graph):
    model = graph([node("Relu", "image")], {}, "y")
    model.graph.input.append(helper.make_tensor_value_info("other", 1, ["N"]))
    with pytest.raises(ContentError, match="the model has 2 inputs and 1 outputs"):
        lower(model)
