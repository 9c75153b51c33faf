"""Graphs are hand-made: what `--int8` must not yield, it does not yield for a test either."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from digitedge.analysis.coverage import FUSED, coverage

HEADER = '<ir_version: 8, opset_import: ["" : 17]> g (float[N, 8] image) => (float[N, 8] scores)'
BYTES = np.arange(-32, 32, dtype=np.int8).reshape(8, 8)
FLOATS = np.eye(8, dtype=np.float32)


def model(body):
    """A graph of `body`; q and d stand for the nodes to bytes and back, with one scale for all."""
    made = parser.parse_model(f"{HEADER} {{ {body} }}")
    arrays = {"s": np.float32(0.1), "z": np.uint8(128), "zi": np.int8(0), "bytes": BYTES, "floats": FLOATS}
    arrays["bias"] = np.zeros(8, np.float32)
    used = {name for node in made.graph.node for name in node.input}
    made.graph.initializer.extend(numpy_helper.from_array(np.array(a), n) for n, a in arrays.items() if n in used)
    for node in made.graph.node:
        node.name = node.output[0]
    onnx.checker.check_model(made, full_check=True)
    return made


TO_BYTES = "q0 = QuantizeLinear(image, s, z) d0 = DequantizeLinear(q0, s, z)"
WEIGHTS = "w = DequantizeLinear(bytes, s, zi)"
GOOD = f"{TO_BYTES} {WEIGHTS} y1 = Gemm(d0, w, bias) q1 = QuantizeLinear(y1, s, z) d1 = DequantizeLinear(q1, s, z)"


def test_a_layer_between_bytes_is_in_integers():
    found = coverage(model(f"{GOOD} scores = Softmax(d1)"))
    assert (found.weights_share, found.macs_share, found.float_layers, found.islands) == (1.0, 1.0, (), ())


def test_a_float_model_has_nothing_in_integers():
    found = coverage(model("scores = Gemm(image, floats, bias)"))
    assert (found.weights_share, found.macs_share, found.float_layers) == (0.0, 0.0, ("scores",))


def test_a_model_without_weights_has_nothing_in_integers():
    found = coverage(model("scores = Softmax(image)"))
    assert (found.weights_share, found.macs_share) == (0.0, 0.0)


def test_bytes_that_are_read_into_float_arithmetic_are_weights_and_no_arithmetic():
    found = coverage(model(f"{WEIGHTS} scores = Gemm(image, w, bias)"))
    assert (found.weights_share, found.macs_share) == (1.0, 0.0)


def test_bytes_around_a_layer_whose_weights_are_floats_are_int8_in_name_only():
    body = f"{TO_BYTES} y1 = Gemm(d0, floats, bias) q1 = QuantizeLinear(y1, s, z) scores = DequantizeLinear(q1, s, z)"
    found = coverage(model(body))
    assert (found.weights_share, found.macs_share, found.float_layers) == (0.0, 0.0, ("y1",))


def test_float_weights_that_pass_through_bytes_in_the_file_are_int8_in_name_only():
    body = f"{TO_BYTES} qw = QuantizeLinear(floats, s, zi) w = DequantizeLinear(qw, s, zi) scores = Gemm(d0, w, bias)"
    found = coverage(model(body))
    assert (found.weights_share, found.macs_share) == (0.0, 0.0)


def test_a_layer_in_float_counts_by_its_weights_and_by_its_arithmetic():
    found = coverage(
        model(f"{GOOD} wide = Concat<axis = 1>(d1, d1) narrow = Gemm(d1, floats, bias) scores = Add(narrow, d1)")
    )
    assert (found.weights_share, found.macs_share, found.float_layers) == (0.5, 0.5, ("narrow",))


def test_a_node_that_computes_in_float_between_integer_layers_is_an_island():
    island = "y2 = Tanh(d1) q2 = QuantizeLinear(y2, s, z) d2 = DequantizeLinear(q2, s, z) scores = Gemm(d2, w, bias)"
    assert coverage(model(f"{GOOD} {island}")).islands == ("y2",)


def test_each_node_of_a_row_is_an_island():
    row = (
        "y2 = Tanh(d1) y3 = Neg(y2) y4 = Mul(y3, y2) q2 = QuantizeLinear(y4, s, z) scores = DequantizeLinear(q2, s, z)"
    )
    assert coverage(model(f"{GOOD} {row}")).islands == ("y2", "y3", "y4")


def test_a_layer_kept_in_float_between_integer_layers_is_an_island():
    kept = "y2 = Gemm(d1, floats, bias) q2 = QuantizeLinear(y2, s, z) scores = DequantizeLinear(q2, s, z)"
    assert coverage(model(f"{GOOD} {kept}")).islands == ("y2",)


def test_a_fused_node_with_a_float_constant_is_an_island():
    shifted = "y2 = Add(d1, bias) q2 = QuantizeLinear(y2, s, z) scores = DequantizeLinear(q2, s, z)"
    assert coverage(model(f"{GOOD} {shifted}")).islands == ("y2",)


@pytest.mark.parametrize("between", ["y2 = Flatten(d1)", "y2 = Sigmoid(d1)", "y2 = Add(d1, d0)"])
def test_nodes_that_fuse_are_no_islands(between):
    fused = f"{between} q2 = QuantizeLinear(y2, s, z) scores = DequantizeLinear(q2, s, z)"
    assert coverage(model(f"{GOOD} {fused}")).islands == ()


def test_floats_before_the_first_bytes_and_behind_the_last_are_no_islands():
    before = GOOD.replace("QuantizeLinear(image, s, z)", "QuantizeLinear(y0, s, z)", 1)
    assert coverage(model(f"y0 = Tanh(image) {before} y2 = Tanh(d1) scores = Softmax(y2)")).islands == ()


OPTIONS = {"MaxPool": {"kernel_shape": [2, 2]}, "AveragePool": {"kernel_shape": [2, 2]}, "Concat": {"axis": 1},
           "Transpose": {"perm": [0, 2, 3, 1]}, "LeakyRelu": {"alpha": 0.1}, "Split": {"axis": 1}}  # fmt: skip
PARAMETERS = {"Reshape": [[1, -1]], "Squeeze": [[0]], "Unsqueeze": [[0]], "Slice": [[0], [2]], "Pad": [[0] * 7 + [1]]}
LAYERS = {"Conv": (3, 4, 1, 1), "Gemm": (8, 3), "MatMul": (8, 3)}
NOT_FUSED = {"Relu", "HardSwish", "HardSigmoid", "Tanh", "Pad", "ReduceMean", "Sub", "GlobalMaxPool"}


def fused_by_onnx_runtime(kind, folder):
    """Whether ONNX Runtime leaves no DequantizeLinear of a node between bytes."""
    shape = (1, 8) if kind in {"Gemm", "MatMul"} else (1, 4, 8, 8)
    read = ["a", "b"] if kind in {"Add", "Mul", "Sub", "Concat"} else ["a"]
    tensors = [numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.uint8(128), "z"),
               numpy_helper.from_array(np.int8(0), "zi")]  # fmt: skip
    nodes = [helper.make_node("DequantizeLinear", [name, "s", "z"], [f"{name}d"]) for name in read]
    inputs = [f"{name}d" for name in read]
    if kind in LAYERS:
        tensors.append(numpy_helper.from_array(np.ones(LAYERS[kind], np.int8), "w"))
        nodes.append(helper.make_node("DequantizeLinear", ["w", "s", "zi"], ["wd"]))
        inputs.append("wd")
    for number, values in enumerate(PARAMETERS.get(kind, [])):
        tensors.append(numpy_helper.from_array(np.array(values, np.int64), f"p{number}"))
        inputs.append(f"p{number}")
    nodes.append(helper.make_node(kind, inputs, ["y"], **OPTIONS.get(kind, {})))
    nodes.append(helper.make_node("QuantizeLinear", ["y", "s", "z"], ["bytes"]))
    values = [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name in read]
    graph = helper.make_graph(
        nodes, "g", values, [helper.make_tensor_value_info("bytes", TensorProto.UINT8, None)], tensors
    )
    made = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    left = onnx.load(folder / "optimized.onnx")
    return not any(node.op_type == "DequantizeLinear" for node in left.graph.node)


@pytest.mark.parametrize("kind", sorted(FUSED | NOT_FUSED))
def test_onnx_runtime_fuses_what_is_said_to_fuse_and_nothing_else(kind, tmp_path):
    assert fused_by_onnx_runtime(kind, tmp_path) is (kind in FUSED)
