import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import numpy_helper, parser
from onnx.reference import ReferenceEvaluator

from digitedge.analysis.coverage import coverage
from digitedge.export.quantize.int8 import Images, to_int8
from digitedge.export.quantize.integer_operators import with_integer_operators

NORMALIZED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3, 4, 5] image) => (float[N, 3, 4, 5] scores) {
    "net/bn" = BatchNormalization<epsilon = 0.01>(image, scale, bias, "net/bn/weights", var)
    scores = Neg("net/bn")
}"""
POOLED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3, 4, 5] image) => (float[N, 2] scores) {
    wide = Conv(image, kernel)
    normal = BatchNormalization(wide, scale, bias, mean, var)
    positive = Relu(normal)
    joined = Concat<axis = 1>(wide, positive)
    again = Conv(joined, kernel2)
    pooled = GlobalMaxPool(again)
    flat = Flatten(pooled)
    scores = MatMul(flat, matrix)
}"""


def model(text, **constants):
    made = parser.parse_model(text)
    made.graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), n) for n, array in constants.items()
    )
    for node in made.graph.node:
        node.name = node.output[0]
    return made


def kinds(made):
    return [node.op_type for node in made.graph.node]


def run(made, images):
    return ReferenceEvaluator(made).run(None, {"image": images})[0]


numbers = arrays.arrays(np.float32, 3, elements=st.floats(-3, 3, width=32))
variances = arrays.arrays(np.float32, 3, elements=st.floats(0.125, 8, width=32))


@given(scale=numbers, bias=numbers, mean=numbers, var=variances, seed=st.integers(0, 99))
def test_a_batch_normalization_becomes_a_convolution_that_gives_the_same(scale, bias, mean, var, seed):
    before = model(NORMALIZED, **{"net/bn/weights": mean}, scale=scale, bias=bias, var=var)
    images = np.random.default_rng(seed).normal(size=(2, 3, 4, 5)).astype(np.float32)
    after = with_integer_operators(before)
    assert kinds(after) == ["Conv", "Neg"]
    assert after.graph.node[0].output[0] == "net/bn"
    assert np.allclose(run(after, images), run(before, images), rtol=1e-5, atol=1e-5)
    assert kinds(before) == ["BatchNormalization", "Neg"], "the original is left as it was"


def test_of_a_vector_nothing_is_changed():
    vector = model(
        NORMALIZED.replace("3, 4, 5]", "3]"),
        scale=np.ones(3),
        bias=np.ones(3),
        var=np.ones(3),
        **{"net/bn/weights": np.ones(3)},
    )
    assert kinds(with_integer_operators(vector)) == ["BatchNormalization", "Neg"]


def test_a_normalization_whose_parameters_are_computed_is_left():
    computed = model(
        NORMALIZED.replace("{", "{ var = Abs(raw)"),
        scale=np.ones(3),
        bias=np.ones(3),
        raw=np.ones(3),
        **{"net/bn/weights": np.ones(3)},
    )
    assert kinds(with_integer_operators(computed)) == ["Abs", "BatchNormalization", "Neg"]


@pytest.fixture
def pooled():
    random = np.random.default_rng(0)
    shapes = {"kernel": (3, 3, 1, 1), "kernel2": (4, 6, 1, 1), "matrix": (4, 2), "scale": 3, "bias": 3, "mean": 3}
    constants = {name: random.normal(size=shape) for name, shape in shapes.items()}
    return model(POOLED, **constants, var=random.uniform(0.5, 2, 3))


def test_a_maximum_over_the_whole_image_becomes_one_over_a_window_of_its_size(pooled):
    images = np.random.default_rng(1).normal(size=(3, 3, 4, 5)).astype(np.float32)
    after = with_integer_operators(pooled)
    assert "MaxPool" in kinds(after)
    assert "GlobalMaxPool" not in kinds(after)
    assert np.allclose(run(after, images), run(pooled, images), rtol=1e-5, atol=1e-5)


def test_no_island_is_left_where_each_would_be_one(pooled):
    images = np.random.default_rng(1).normal(size=(60, 3, 4, 5)).astype(np.float32)
    made, facts = to_int8(pooled, Images(images[:30], images[30:], None))
    assert facts["float_islands"] == []
    assert coverage(made).macs_share == 1.0
