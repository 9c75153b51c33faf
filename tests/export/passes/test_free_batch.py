import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.export.passes.free_batch import FreeBatch


def batches(model):
    values = [*model.graph.input, *model.graph.output]
    return [dim.dim_param or dim.dim_value for value in values for dim in value.type.tensor_type.shape.dim[:1]]


def fixed(model, batch):
    """As a converter that was given one image writes it."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return model


@settings(max_examples=12)
@given(
    shape=st.sampled_from([[-1, 24], [1, 24], [1, 24, 1, 1], [-1, 4, 6], [1, 2, 3, 4], [0, 24]]),
    one_image=st.booleans(),
)
def test_any_number_of_images_passes(shape, one_image, network, rewritten, same_scores):
    model = network("r = Reshape(image, shape) scores = Relu(r)", (2, 3, 4), shape=np.array(shape))
    after = rewritten(fixed(model, 1) if one_image else model, FreeBatch())
    assert batches(after) == ["N", "N"]
    free = network("r = Reshape(image, shape) scores = Relu(r)", (2, 3, 4), shape=np.array([-1, *shape[1:]]))
    same_scores(free, after)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        pytest.param("r = Reshape(image, whole) scores = Relu(r)", "Relu", id="nothing changes"),
        pytest.param("g = GlobalAveragePool(image) r = Squeeze(g, axes) scores = Relu(r)",
                     "GlobalAveragePool Flatten Relu", id="Squeeze"),
        pytest.param("g = GlobalAveragePool(image) r = Squeeze(g, axes) u = Unsqueeze(r, axes) scores = Mul(image, u)",
                     "GlobalAveragePool Mul", id="there and back"),
        pytest.param("a = Reshape(image, rows) b = Reshape(a, flat) scores = Relu(b)", "Flatten Relu",
                     id="in two steps"),
        pytest.param("n = Shape(image) b = Slice(n, zero, one) s = Concat <axis=0> (b, tail) "
                     "r = Reshape(image, s) scores = Relu(r)", "Flatten Relu", id="a shape that is computed"),
    ],
)  # fmt: skip
def test_the_shortest_way_to_the_same_shape(body, left, network, rewritten, same_scores, ops):
    whole = {
        "whole": [-1, 2, 3, 4], "axes": [2, 3], "rows": [-1, 6, 4], "flat": [-1, 24], "zero": [0], "one": [1],
        "tail": [24],
    }  # fmt: skip
    model = network(body, (2, 3, 4), **{name: np.array(shape) for name, shape in whole.items() if name in body})
    after = rewritten(model, FreeBatch())
    assert ops(after) == left
    same_scores(model, after)


def test_a_reshape_that_mixes_images_stays(network, rewritten, same_scores, ops):
    body = "r = Reshape(image, rows) s = Relu(r) scores = Reshape(s, back)"
    model = network(body, (2, 3, 4), rows=np.array([-1, 4]), back=np.array([-1, 2, 3, 4]))
    after = rewritten(model, FreeBatch())
    assert ops(after) == "Reshape Relu Reshape"
    same_scores(model, after)


def test_the_batch_can_be_fixed(network, rewritten):
    after = rewritten(network("scores = Flatten(image)", (2, 3, 4)), FreeBatch(8))
    assert batches(after) == [8, 8]


def test_a_graph_that_needs_two_images_is_told(network):
    body = "r = Reshape(image, pair) s = Relu(r) scores = Reshape(s, back)"
    model = network(body, (2, 3, 4), pair=np.array([2, 12]), back=np.array([-1, 24]))
    with pytest.raises(ir.passes.PostconditionError) as caught:
        FreeBatch()(ir.from_proto(model))
    assert str(caught.value.__cause__) == "r fixes the batch to 2"


def test_an_output_with_another_batch_is_told(network):
    model = network("scores = Relu(w)", (2, 3, 4), w=np.ones((2, 12)))
    with pytest.raises(ir.passes.PostconditionError) as caught:
        FreeBatch()(ir.from_proto(model))
    assert str(caught.value.__cause__) == "the batch is N, but inputs and outputs have ['N', '2']"


def test_an_image_of_unknown_size_is_refused(network):
    model = network("scores = Relu(image)", (2, 3, 4))
    model.graph.input[0].type.tensor_type.shape.dim[3].Clear()
    with pytest.raises(ir.passes.PreconditionError) as caught:
        FreeBatch()(ir.from_proto(model))
    assert str(caught.value.__cause__) == "the shape of image is not known"


def test_a_graph_within_the_graph_is_refused(network):
    model = network("scores = Relu(image)", (2, 3, 4))
    inner = onnx.helper.make_graph([], "inner", [], [])
    model.graph.node.append(onnx.helper.make_node("If", ["image"], ["z"], then_branch=inner, else_branch=inner))
    with pytest.raises(ir.passes.PreconditionError) as caught:
        FreeBatch()(ir.from_proto(model))
    assert "graphs of their own" in str(caught.value.__cause__)
