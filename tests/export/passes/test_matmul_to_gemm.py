import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.export.passes.matmul_to_gemm import MatmulToGemm

DENSE = "f = Flatten(image) p = MatMul(f, w) {add} scores = Relu({last})"


def normal(*shape):
    return np.random.default_rng(1).normal(size=shape)


@settings(max_examples=12)
@given(inputs=st.integers(1, 5), bias=st.sampled_from([(), (1,), (5,), (1, 5)]), swapped=st.booleans())
def test_a_dense_layer_is_one_node(inputs, bias, swapped, network, rewritten, same_scores, ops):
    add = "s = Add(b, p)" if swapped else "s = Add(p, b)"
    model = network(DENSE.format(add=add, last="s"), (inputs, 2, 1), w=normal(inputs * 2, 5), b=normal(*bias))
    after = rewritten(model, MatmulToGemm())
    assert ops(after) == "Flatten Gemm Relu"
    same_scores(model, after)


def test_without_a_bias_it_is_a_gemm_all_the_same(network, rewritten, same_scores, ops):
    model = network(DENSE.format(add="", last="p"), (3, 2, 1), w=normal(6, 5))
    after = rewritten(model, MatmulToGemm())
    assert ops(after) == "Flatten Gemm Relu"
    same_scores(model, after)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        pytest.param("p = MatMul(image, w) scores = Add(p, b)", "MatMul Add", id="over more dimensions"),
        pytest.param("f = Flatten(image) p = MatMul(f, w) q = Add(p, b) scores = Mul(p, q)", "Flatten Gemm Add Mul",
                     id="a product that something else reads"),
        pytest.param("f = Flatten(image) p = MatMul(f, w) q = Relu(f) r = Slice(q, from, to, axis) scores = Add(p, r)",
                     "Flatten Gemm Relu Slice Add", id="a sum with what is computed"),
        pytest.param("f = Flatten(image) v = Relu(w) scores = MatMul(f, v)", "Flatten Relu MatMul",
                     id="a weight that is computed"),
    ],
)  # fmt: skip
def test_what_is_no_dense_layer_stays(body, left, network, rewritten, same_scores, ops):
    rows = 4 if "image, w" in body else 8
    steps = {"from": np.array([0]), "to": np.array([5]), "axis": np.array([1])} if "Slice" in body else {}
    model = network(body, (1, 2, 4), w=normal(rows, 5), b=normal(5), **steps)
    after = rewritten(model, MatmulToGemm())
    assert ops(after) == left
    same_scores(model, after)
