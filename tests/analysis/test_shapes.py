import numpy as np
import pytest
from onnx import numpy_helper, parser

from digitedge.analysis.shapes import float_shapes, multiply_accumulates
from digitedge.errors import ContentError

NET = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 4, 10, 12] image) => (float[N, 5] scores) {
    wide = Conv<strides = [2, 2]>(image, kernel)
    deep = Conv<group = 6>(wide, depthwise)
    shape = Shape(image)
    flat = Flatten(deep)
    scores = Gemm<transB = 1>(flat, matrix)
}"""
WEIGHTS = {"kernel": (6, 4, 2, 2), "depthwise": (6, 1, 3, 3), "matrix": (5, 6 * 3 * 4)}


def model(text=NET, **weights):
    made = parser.parse_model(text)
    shapes = WEIGHTS | weights
    made.graph.initializer.extend(numpy_helper.from_array(np.ones(shapes[n], np.float32), n) for n in shapes)
    return made


def test_a_batch_that_is_left_open_counts_one():
    assert float_shapes(model()) == {
        "image": (1, 4, 10, 12),
        "wide": (1, 6, 5, 6),
        "deep": (1, 6, 3, 4),
        "flat": (1, 72),
        "scores": (1, 5),
    }


def test_each_layer_multiplies_its_results_by_what_it_sums_over():
    assert multiply_accumulates(model()) == {
        "wide": 5 * 6 * 6 * (4 * 2 * 2),
        "deep": 3 * 4 * 6 * (3 * 3),
        "scores": 5 * 72,
    }


def test_a_dense_layer_may_be_a_matrix_product_or_read_its_input_transposed():
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[1, 7] image) => (float[1, 3] scores) {
        column = Transpose<perm = [1, 0]>(image)
        hidden = Gemm<transA = 1>(column, a)
        scores = MatMul(hidden, b)
    }"""
    made = parser.parse_model(text)
    made.graph.initializer.extend(
        numpy_helper.from_array(np.ones(shape, np.float32), n) for n, shape in {"a": (7, 4), "b": (4, 3)}.items()
    )
    assert multiply_accumulates(made) == {"hidden": 7 * 4, "scores": 4 * 3}


def test_a_layer_of_unknown_size_is_an_error():
    text = NET.replace("deep = Conv<group = 6>(wide, depthwise)", "deep = Reshape(wide, shape2)")
    with pytest.raises(ContentError, match="the graph does not say how large"):
        multiply_accumulates(parser.parse_model(text))
