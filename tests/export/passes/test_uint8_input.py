"""Raw pixels in give the very bits of floats in."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from digitedge.data.preprocess import to_input, to_unit
from digitedge.export.passes.uint8_input import uint8_input
from digitedge.spec import image_spec

PLAIN = image_spec((16, 16, 1), ("a", "b"), "NCHW")
EVERY = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
STEP = np.float32(1) / np.float32(255)


def model(nodes, initializers, kind=TensorProto.FLOAT):
    values = [
        helper.make_tensor_value_info(name, kind, ["N", None, None, None])
        for name, kind in (("image", TensorProto.FLOAT), ("scores", kind))
    ]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in initializers.items()]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], tensors)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def identity():
    return model([helper.make_node("Identity", ["image"], ["scores"])], {})


def quantizing(scale=STEP, zero_point=np.uint8(0), between=()):  # noqa: B008 (a number)
    """A graph that begins as int8 files do: what it gives are the integers, as floats."""
    names = ["image", *(f"moved{index}" for index, _ in enumerate(between))]
    nodes = [
        helper.make_node(operator, [before, *more], [after], **attributes)
        for (operator, more, attributes), before, after in zip(between, names, names[1:], strict=False)
    ]
    nodes += [
        helper.make_node("QuantizeLinear", [names[-1], "scale", "zero"], ["integers"]),
        helper.make_node("DequantizeLinear", ["integers", "one", "zero"], ["scores"]),
    ]
    constants = {"scale": scale, "zero": zero_point, "one": np.float32(1), "shape": np.array([0, 0, 16, 16])}
    return model(nodes, constants if between else {name: constants[name] for name in ("scale", "zero", "one")})


def run(graph, images):
    onnx.checker.check_model(graph, full_check=True)
    return onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"image": images})[0]


def both(graph, spec, pixels):
    """What the graph gives for floats, and what it gives for raw pixels when it takes those."""
    expected = run(graph, to_input(to_unit(pixels), spec))
    uint8_input(graph, spec)
    assert graph.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    return expected, run(graph, np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def test_every_pixel_is_scaled_to_the_same_bits():
    expected, found = both(identity(), PLAIN, EVERY)
    np.testing.assert_array_equal(found, expected)
    assert (found.min(), found.max(), len(np.unique(found))) == (0, 1, 256)


@settings(max_examples=25)
@given(
    low=st.floats(-300, 0, width=32),
    width=st.floats(0.125, 600, width=32),
    mean=st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3),
    std=st.lists(st.floats(0.125, 100, width=32), min_size=3, max_size=3),
)
def test_so_it_is_with_any_range_mean_and_std(low, width, mean, std):
    colours = image_spec((16, 16, 3), ("a", "b"), "NCHW")
    spec = replace(colours, range=(low, low + width), mean=tuple(mean), std=tuple(std))
    expected, found = both(identity(), spec, np.repeat(EVERY, 3, axis=3))
    np.testing.assert_array_equal(found, expected)


MOVES = [("Reshape", ["shape"], {}), ("Transpose", [], {"perm": [0, 2, 3, 1]}), ("Identity", [], {})]


@pytest.mark.parametrize("between", [(), MOVES[:1], MOVES])
def test_where_the_integers_are_the_pixels_nothing_is_computed(between):
    graph = quantizing(between=between)
    expected, found = both(graph, PLAIN, EVERY)
    np.testing.assert_array_equal(found, expected)
    assert found.ravel().tolist() == list(range(256))
    operators = [node.op_type for node in graph.graph.node]
    assert operators == [*(operator for operator, _, _ in between), "DequantizeLinear"]
    assert "scale" not in {tensor.name for tensor in graph.graph.initializer}


def test_a_range_of_0_to_255_has_pixels_for_integers_too():
    graph = quantizing(scale=np.float32(1))
    expected, found = both(graph, replace(PLAIN, range=(0.0, 255.0)), EVERY)
    np.testing.assert_array_equal(found, expected)
    assert [node.op_type for node in graph.graph.node] == ["DequantizeLinear"]


@pytest.mark.parametrize(
    ("graph", "spec"),
    [
        (quantizing(scale=np.nextafter(STEP, np.float32(1))), PLAIN),
        (quantizing(zero_point=np.uint8(1)), PLAIN),
        (quantizing(zero_point=np.int8(0)), PLAIN),
        (quantizing(), replace(PLAIN, mean=(0.5,))),
        (quantizing(), replace(PLAIN, std=(0.5,))),
        (quantizing(), replace(PLAIN, range=(-1.0, 1.0))),
    ],
)
def test_where_they_are_not_the_pixels_are_scaled_and_quantized(graph, spec):
    expected, found = both(graph, spec, EVERY)
    np.testing.assert_array_equal(found, expected)
    operators = [node.op_type for node in graph.graph.node]
    assert operators[0] == "Cast"
    assert operators[-2:] == ["QuantizeLinear", "DequantizeLinear"]


def test_where_something_else_reads_the_image_too_it_is_scaled():
    graph = quantizing()
    graph.graph.node[1].output[0] = "first"
    graph.graph.node.append(helper.make_node("Add", ["first", "image"], ["scores"]))
    expected, found = both(graph, PLAIN, EVERY)
    np.testing.assert_array_equal(found, expected)
