import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType

from digitedge.analysis.quantization_check import quantization_check


@pytest.fixture
def network(graph):
    """Two convolutions, one of which adds a shortcut, a pool and a dense layer."""
    random = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["image", "k1", "b1"], ["c1"], pads=[1, 1, 1, 1], name="c1"),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "k2", "b2"], ["c2"], pads=[1, 1, 1, 1], name="c2"),
        helper.make_node("Add", ["c2", "r1"], ["sum"]),
        helper.make_node("MaxPool", ["sum"], ["pool"], kernel_shape=[2, 2]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "k3", "b3"], ["scores"], name="dense"),
    ]
    shapes = {"k1": (6, 4, 3, 3), "b1": (6,), "k2": (6, 6, 3, 3), "b2": (6,), "k3": (336, 5), "b3": (5,)}
    return graph(nodes, {k: random.normal(size=v).astype(np.float32) for k, v in shapes.items()}, "scores")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"per_channel": False},
        {"weight_type": QuantType.QUInt8, "reduce_range": False},
        {"weight_type": QuantType.QUInt8, "reduce_range": False, "per_channel": False},
        {"activation_type": QuantType.QInt8},
    ],
    ids=str,
)
def test_right_graphs_pass_whatever_the_recipe(network, images, quantized, options):
    check = quantization_check(quantized(network, images, **options), "int8")
    assert (check.name, check.passed) == ("quantization", True)
    assert "quantized tensors agree with their readers" in check.reason


def test_floats_and_integers_go_by_their_names(network, images, quantized):
    assert quantization_check(network, "fp32").passed
    assert quantization_check(network, "int8").reason == "it goes by the name int8 and its activations are floats"
    for name in ("fp32", "fp16", "int8-weights"):
        check = quantization_check(quantized(network, images), name)
        assert check.reason == f"it goes by the name {name} and its activations are integers"
        assert not check.passed


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-weights", "int8"])
def test_every_precision_that_is_exported_passes(every_file, precision):
    assert quantization_check(onnx.load(every_file / f"tiny.{precision}.onnx"), precision).passed


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (1, np.array(0.0, np.float32), "the scale of flat_DequantizeLinear is not a positive number"),
        (1, np.array(np.nan, np.float32), "the scale of flat_DequantizeLinear is not a positive number"),
        (1, np.array(3.5, np.float32), "and 3.5"),
        (2, np.array(7, np.uint8), "the zero point is"),
        (2, np.array(7, np.int8), "the zero point is"),
    ],
)
def test_a_pair_that_disagrees(network, images, quantized, place, value, reason):
    model = quantized(network, images)
    node = next(node for node in model.graph.node if node.name == "flat_DequantizeLinear")
    model.graph.initializer.append(numpy_helper.from_array(value, "own"))
    node.input[place] = "own"
    check = quantization_check(model, "int8")
    assert not check.passed
    assert reason in check.reason


def test_a_scale_that_is_computed_is_none(network, images, quantized):
    model = quantized(network, images)
    node = next(node for node in model.graph.node if node.name == "flat_DequantizeLinear")
    node.input[1] = "scores"
    assert quantization_check(model, "int8").reason == "the scale of flat_DequantizeLinear is no constant"


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (
            "k2_zero_point",
            lambda old: old + 1,
            "the signed weights of k2_DequantizeLinear have a zero point of 6 numbers",
        ),
        (
            "b3_quantized_scale",
            lambda old: old * 1.001,
            "the bias of dense is in other units than the sums that it is added to",
        ),
    ],
)
def test_signed_weights_off_centre_and_a_bias_in_other_units(network, images, quantized, name, change, reason):
    model = quantized(network, images)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    old = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(change(old).astype(old.dtype), name))
    check = quantization_check(model, "int8")
    assert not check.passed
    assert check.reason == reason
