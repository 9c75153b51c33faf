import pytest
from onnx import helper

from digitedge.analysis.layers import layer_of


@pytest.mark.parametrize(
    ("output", "layer"),
    [
        ("classic/conv1/Conv2D", "conv1"),
        ("classic/conv1/BiasAdd_2", "conv1"),
        ("net/bn/FusedBatchNormV3", "bn"),
        ("net/bn/batchnorm/add_1", "bn"),
        ("net/depthwise_conv2d/depthwise", "depthwise_conv2d"),
        ("net/depthwise/depthwise", "depthwise"),
        ("net/add/add", "add"),
        ("net/block/conv/BiasAdd", "block/conv"),
        ("net/block/add/add", "block/add"),
        ("net/concatenate/concat", "concatenate"),
        ("net/normalization/truediv", "normalization"),
        ("net/Stem/Conv2D", "Stem"),
        ("net/dense/MatMul/MatMulAddFusion", "dense"),
        ("sequential_1/conv2d_1/convolution", "conv2d_1"),
    ],
)
def test_the_name_of_what_a_node_gives_tells_its_layer(output, layer):
    assert layer_of(helper.make_node("Relu", ["x"], [output], name="elsewhere/other/Relu")) == layer


def test_of_an_output_of_the_graph_the_name_of_the_node_tells():
    assert layer_of(helper.make_node("Softmax", ["x"], ["probabilities"], name="net/scores/Softmax")) == "scores"


def test_a_node_without_a_name_stands_for_itself():
    assert layer_of(helper.make_node("Softmax", ["x"], ["probabilities"])) == "probabilities"
