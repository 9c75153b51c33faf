import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper, parser

from digitedge.analysis.saturation import saturating_layers
from digitedge.errors import ContentError
from digitedge.export.quantize.onnx_int8 import layers, prepare, quantize
from digitedge.export.quantize.ranges import whole_ranges
from digitedge.export.quantize.recipes import RECIPES, Recipe

BY_NAME = {recipe.name: recipe for recipe in RECIPES}


def weights_of(model):
    """Arrays of bytes with two axes or more: biases and zero points are no weights."""
    kinds = (TensorProto.INT8, TensorProto.UINT8)
    tensors = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.data_type in kinds]
    return [array for array in tensors if array.ndim >= 2]


def kinds_of(model):
    return [node.op_type for node in model.graph.node]


@pytest.fixture
def quantized(prepared, ranges):
    """quantized("s7-channel", ...) -> onnx.ModelProto of the tiny network."""
    return lambda name, **options: quantize(prepared, BY_NAME[name], ranges, **options)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_weights_are_stored_as_the_recipe_says(recipe, quantized):
    found = weights_of(quantized(recipe.name))
    assert len(found) == 3
    middle, most = (0, 64 if recipe.bits == 7 else 127) if recipe.signed else (128, 128)
    for array in found:
        assert array.dtype == (np.int8 if recipe.signed else np.uint8)
        magnitude = np.abs(array.astype(int) - middle).max()
        assert most - 1 <= magnitude <= most, "the range should be used, and no more"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_each_channel_has_a_scale_or_the_tensor_has_one(recipe, quantized):
    model = quantized(recipe.name)
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    read = [node.input for node in model.graph.node if node.op_type == "DequantizeLinear"]
    scales = [arrays[scale].size for name, scale, *_ in read if name in arrays and arrays[name].ndim >= 2]
    assert sorted(scales) == ([6, 8, 10] if recipe.per_channel else [1, 1, 1])


def test_eight_signed_bits_saturate_and_the_other_recipes_do_not(quantized):
    saturating = {recipe.name: len(saturating_layers(quantized(recipe.name))) for recipe in RECIPES}
    assert saturating.pop("s8-channel") == 3
    assert set(saturating.values()) == {0}


def test_unsigned_weights_have_no_seven_bits():
    with pytest.raises(ValueError, match="odd: 7 bits are for signed weights"):
        Recipe("odd", signed=False, bits=7, per_channel=True, ranges="minmax")


def test_the_softmax_stays_in_float_and_no_relu_is_left(quantized):
    model = quantized("s7-channel")
    (softmax,) = (node for node in model.graph.node if node.op_type == "Softmax")
    assert list(softmax.output) == ["probabilities"]
    assert "Relu" not in kinds_of(model)


def test_nodes_stand_in_an_order_in_which_they_can_run(quantized):
    onnx.checker.check_model(quantized("s7-channel"), full_check=True)


def test_a_layer_can_stay_in_float(prepared, quantized):
    first = layers(prepared)[0]
    model = quantized("s7-channel", excluded=[first])
    (conv,) = (node for node in model.graph.node if node.name == first)
    assert conv.input[1] in {tensor.name for tensor in prepared.graph.initializer}
    assert len(weights_of(model)) == 2


def test_a_layer_can_be_the_only_one_in_integers(prepared, quantized):
    model = quantized("s7-channel", only=[layers(prepared)[1]])
    assert [array.shape for array in weights_of(model)] == [(8, 6, 3, 3)]


def test_layers_stand_in_the_order_of_the_network(prepared):
    assert [name.split("/")[1] for name in layers(prepared)] == ["conv1", "conv2", "probabilities"]


def test_the_originals_are_left_as_they_were(plain, prepared, quantized):
    before = plain.SerializeToString(), prepared.SerializeToString()
    prepare(plain)
    quantized("s7-channel")
    assert (plain.SerializeToString(), prepared.SerializeToString()) == before


GATE = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 4] image) => (float[N, 4] scores) {
    gate = Sigmoid(image)
    gated = Mul(image, gate)
    sum = MatMul(gated, w)
    scores = Sigmoid(sum)
}"""


def test_a_sigmoid_inside_is_in_integers_and_the_one_that_makes_the_scores_is_not():
    model = parser.parse_model(GATE)
    weights = np.eye(4, dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    for number, node in enumerate(model.graph.node):
        node.name = f"node{number}"
    prepared = prepare(model)
    images = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4)
    made = quantize(prepared, BY_NAME["s7-channel"], whole_ranges(prepared, images))
    makers = {name: node.op_type for node in made.graph.node for name in node.output}
    readers = {name: node.op_type for node in made.graph.node for name in node.input}
    assert readers["gate"] == readers["gated"] == "QuantizeLinear"
    assert makers["scores"] == "Sigmoid"


def test_a_graph_whose_shapes_contradict_each_other_is_one_line():
    broken = parser.parse_model(GATE)
    broken.graph.initializer.append(numpy_helper.from_array(np.eye(5, dtype=np.float32), "w"))
    with pytest.raises(ContentError, match=r"the network cannot be prepared for int8: .*dimension"):
        prepare(broken)
