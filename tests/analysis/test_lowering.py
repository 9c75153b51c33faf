import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from digitedge.analysis.integers import evaluate
from digitedge.analysis.lowering import lower

U8, STEP = np.uint8(0), np.float32(0.5)


def encode(source, target, *, scale="s", zero="z", back=True):
    """QuantizeLinear and DequantizeLinear of a value: `target` is what the second gives."""
    nodes = [helper.make_node("QuantizeLinear", [source, scale, zero], [f"{target}_q"])]
    return [*nodes, helper.make_node("DequantizeLinear", [f"{target}_q", scale, zero], [target])] if back else nodes


def model(nodes, *, output="y", **constants):
    tensors = {"s": STEP, "z": np.uint8(128), "s2": np.float32(0.25), **constants}
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )  # fmt: skip
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def kinds(made):
    return [type(operation).__name__ for operation in lower(made).operations]


def only(made, kind):
    (found,) = (operation for operation in lower(made).operations if type(operation).__name__ == kind)
    return found


def test_a_row_of_activations_is_one_table():
    nodes = [*encode("x", "a"), helper.make_node("Sigmoid", ["a"], ["b"]), helper.make_node("Mul", ["a", "b"], ["c"])]
    made = model([*nodes, *encode("c", "y")])
    assert kinds(made) == ["Quantize", "IntegerTable", "Dequantize"]
    values = only(made, "IntegerTable").values
    real = (np.arange(256) - 128) * 0.5
    np.testing.assert_array_equal(values, np.clip(np.rint(real / (1 + np.exp(-real)) / 0.5), -128, 127) + 128)


def test_another_encoding_is_a_table_and_the_same_one_moves():
    narrow = [*encode("x", "a"), helper.make_node("Flatten", ["a"], ["b"]), *encode("b", "y", scale="s2")]
    assert kinds(model(narrow)) == ["Quantize", "IntegerMove", "IntegerTable", "Dequantize"]
    same = [*encode("x", "a"), helper.make_node("Flatten", ["a"], ["b"]), *encode("b", "y")]
    assert kinds(model(same)) == ["Quantize", "IntegerMove", "Dequantize"]


def dense(*between, output="d"):
    weights = {"w": np.arange(-4, 4, dtype=np.int8).reshape(4, 2), "ws": STEP, "wz": np.int8(0)}
    nodes = [
        *encode("x", "a"), helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["v"]),
        helper.make_node("MatMul", ["a", "v"], ["d"]), *between, *encode(output, "y"),
    ]  # fmt: skip
    return nodes, weights


@pytest.mark.parametrize(
    ("between", "limits"),
    [
        ([], (0, 255)),
        ([helper.make_node("Relu", ["d"], ["r"])], (128, 255)),
        ([helper.make_node("Clip", ["d", "low", "high"], ["r"])], (126, 140)),
        ([helper.make_node("Clip", ["d", "", "high"], ["r"])], (0, 140)),
    ],
)
def test_a_clip_behind_a_layer_is_a_limit_of_its_integers(between, limits):
    nodes, weights = dense(*between, output="r" if between else "d")
    made = model(nodes, low=np.float32(-1), high=np.float32(6), **weights)
    assert kinds(made) == ["Quantize", "IntegerGemm", "Dequantize"]
    held = only(made, "IntegerGemm").weights
    assert (held.low, held.high) == limits


def test_a_layer_that_somebody_else_reads_in_float_gives_floats():
    nodes, weights = dense()
    nodes += [helper.make_node("Add", ["d", "y"], ["sum"])]
    made = model(nodes, output="sum", **weights)
    assert kinds(made) == ["Quantize", "IntegerGemm", "Quantize", "Dequantize", "FloatOperation"]
    assert only(made, "IntegerGemm").weights.output is None


@pytest.mark.parametrize("change", ["float_weights", "other_axis", "other_bias_steps", "alpha"])
def test_what_is_no_integer_layer_stays_in_float(change):
    weights = {"w": np.ones((4, 4), np.int8), "ws": np.full(4, STEP), "wz": np.zeros(4, np.int8)}
    bias = {"b": np.ones(4, np.int32), "bs": np.full(4, STEP * STEP), "bz": np.zeros(4, np.int32)}
    if change == "other_bias_steps":
        bias["bs"] = np.full(4, STEP)
    nodes = [
        *encode("x", "a"),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["v"], axis=0 if change == "other_axis" else 1),
        helper.make_node("DequantizeLinear", ["b", "bs", "bz"], ["c"], axis=0),
        helper.make_node("Gemm", ["a", "v", "c"], ["d"], alpha=2.0 if change == "alpha" else 1.0), *encode("d", "y"),
    ]  # fmt: skip
    if change == "float_weights":
        nodes = [node for node in nodes if "v" not in node.output]
        weights = {"v": np.ones((4, 4), np.float32)}
    assert "FloatOperation" in kinds(model(nodes, **weights, **bias))


def test_the_same_layer_unchanged_is_an_integer_layer():
    nodes, weights = dense()
    assert "FloatOperation" not in kinds(model(nodes, **weights))


def test_what_nobody_reads_is_left_out():
    nodes, weights = dense()
    nodes += [helper.make_node("Exp", ["a"], ["unused"])]
    assert kinds(model(nodes, **weights)) == ["Quantize", "IntegerGemm", "Dequantize"]


def test_bytes_at_the_input_need_no_quantization():
    nodes, weights = dense()
    made = model([node for node in nodes if "a_q" not in node.output], **weights)
    made.graph.input[0].CopyFrom(helper.make_tensor_value_info("a_q", TensorProto.UINT8, ["N", 4]))
    assert kinds(made) == ["IntegerGemm", "Dequantize"]
    assert only(made, "IntegerGemm").sources == ("a_q",)


def image_model(nodes, **constants):
    made = model(nodes, **constants)
    made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 4, 5]))
    return made


def computed(made, images):
    """By the evaluator, and by onnx's own."""
    newer = onnx.ModelProto.FromString(made.SerializeToString())
    newer.opset_import[0].version = 19
    return evaluate(made, images), ReferenceEvaluator(newer).run(None, {"x": images})[0]


IMAGES = np.random.default_rng(0).uniform(-20, 20, (6, 3, 4, 5)).astype(np.float32)
ROWS = {
    "a_scaling_of_each_channel": (
        [helper.make_node("Mul", ["a", "k"], ["b"]), helper.make_node("Add", ["b", "k"], ["c"])],
        {"k": np.array([0.5, -1.0, 2.0], np.float32).reshape(3, 1, 1)}, ["IntegerTable"],
    ),
    "a_gate": (
        [helper.make_node("GlobalAveragePool", ["a"], ["g"]), *encode("g", "h", scale="s2"),
         helper.make_node("Mul", ["a", "h"], ["c"])],
        {}, ["IntegerPool", "IntegerMultiply"],
    ),
    "zeros_around": (
        [helper.make_node("Pad", ["a", "pads"], ["b"]), helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2])],
        {"pads": np.array([0, 0, 1, 0, 0, 0, 0, 2])}, ["IntegerPad", "IntegerPool"],
    ),
    "a_mean_of_channels_last": (
        [helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 3, 1]),
         helper.make_node("ReduceMean", ["b"], ["m"], axes=[1, 2]), helper.make_node("Reshape", ["m", "to"], ["c"])],
        {"to": np.array([0, 3, 1, 1])},
        ["IntegerMove", "IntegerMove", "IntegerPool", "IntegerMove", "IntegerMove"],
    ),
    "a_mean": (
        [helper.make_node("ReduceMean", ["a"], ["c"], axes=[2, 3], keepdims=0)], {}, ["IntegerPool", "IntegerMove"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_what_stands_between_layers_is_integers_too(row):
    nodes, constants, expected = ROWS[row]
    made = image_model([*encode("x", "a"), *nodes, *encode("c", "y")], **constants)
    assert kinds(made) == ["Quantize", *expected, "Dequantize"]
    if "ReduceMean" in {node.op_type for node in nodes}:
        made.opset_import[0].version = 17
        ours, theirs = evaluate(made, IMAGES), mean_of(IMAGES)
    else:
        ours, theirs = computed(made, IMAGES)
    assert np.ptp(theirs) > 1
    steps = np.abs(ours.reshape(theirs.shape) - theirs) / STEP
    assert steps.max() <= 1
    assert (steps > 0).mean() < 0.05


def mean_of(images):
    """ReduceMean has its axes elsewhere in the operator sets that onnx's evaluator quantizes in."""
    return np.rint((np.rint(images / STEP) * STEP).mean(axis=(2, 3)) / STEP) * STEP


@pytest.mark.parametrize("change", ["reflect", "value", "channels"])
def test_other_paddings_stay_in_float(change):
    pads = np.array([0, 1 if change == "channels" else 0, 1, 0, 0, 0, 0, 2])
    attributes = {"mode": "reflect"} if change == "reflect" else {}
    node = helper.make_node("Pad", ["a", "pads", "v"], ["c"], **attributes)
    nodes = [*encode("x", "a"), node, *encode("c", "y")]
    made = image_model(nodes, pads=pads, v=np.float32(1 if change == "value" else 0))
    assert "FloatOperation" in kinds(made)
