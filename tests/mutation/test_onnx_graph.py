import numpy as np
import onnx
import pytest

from digitedge.mutation.onnx_graph import Graph, on_graph

ADDED = """
<ir_version: 8, opset_import: ["" : 17]>
added (float[N, 3] image) => (float[N, 2] scores)
<float[3, 2] weights = {1, 2, 3, 4, 5, 6}, float[2] bias = {7, 8}>
{
    products = MatMul (image, weights)
    scores = Add (products, bias)
}
"""


def _graph(rgb, text=ADDED):
    return Graph(onnx.parser.parse_model(text), rgb.spec)


def test_layers_with_weights_bias_and_the_axis_of_their_outputs(rgb, rights):
    graph = Graph(onnx.load_from_string(rgb.data), rgb.spec)
    assert [(one.weights, one.bias, one.outputs_axis) for one in graph.layers] == [
        ("kernels", "bias", 0),
        ("rows", None, 0),
    ]
    quantized = Graph(onnx.load_from_string(rights("onnx", "int8").data), rgb.spec)
    assert [quantized.arrays[one.weights].dtype.name for one in quantized.layers] == ["int8"] * 3
    assert [quantized.arrays[one.bias].dtype.name for one in quantized.layers] == ["int32"] * 3


def test_the_bias_that_an_add_adds(rgb):
    (layer,) = _graph(rgb).layers
    assert (layer.bias, layer.outputs_axis) == ("bias", 1)


@pytest.mark.parametrize(
    ("name", "expected"), [("image", [[25, 32]]), ("products", [[25, 32]]), ("scores", [[32, 40]])]
)
def test_a_node_behind_the_image_inside_and_behind_the_output(rgb, run, name, expected):
    graph = _graph(rgb)
    graph.behind(name, "Mul", np.array(2, np.float32))
    onnx.checker.check_model(graph.model, full_check=True)
    np.testing.assert_array_equal(run(graph.model.SerializeToString(), np.ones((1, 3), np.float32)), expected)


def test_a_node_taken_out(rgb, run):
    graph = _graph(rgb)
    graph.bypass(graph.nodes[1])
    np.testing.assert_array_equal(run(graph.model.SerializeToString(), np.ones((1, 3), np.float32)), [[9, 12]])


def test_a_weight_keeps_its_type_and_shape_even_of_rank_0(rgb):
    graph = _graph(rgb)
    graph.set("new", np.array(3.0, np.float32))
    assert graph.model.graph.initializer[-1].dims == []
    graph.set("bias", np.array([1, 2]))
    assert graph.arrays["bias"].dtype == np.float32


def test_an_edit_that_changes_nothing_has_no_place(rgb):
    assert on_graph(lambda graph: True)(rgb) is None
    assert on_graph(lambda graph: False)(rgb) is None
