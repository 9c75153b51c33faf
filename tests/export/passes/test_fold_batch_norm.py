import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.export.passes.fold_batch_norm import FoldBatchNorm

NORM = "BatchNormalization <epsilon=0.001> ({}, scale, shift, mean, var)"


def normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


@settings(max_examples=15)
@given(
    groups=st.sampled_from([1, 2, 4]),
    bias=st.booleans(),
    pads=st.sampled_from([0, 1]),
    stride=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_behind_a_convolution(groups, bias, pads, stride, seed, network, rewritten, same_scores, ops, batch_norm):
    attributes = f"group={groups}, pads=[{pads},{pads},{pads},{pads}], strides=[{stride},{stride}]"
    conv = f"c = Conv <{attributes}> (image, w{', b' * bias})"
    weights = {"w": normal(8, 4 // groups, 3, 3, seed=seed)} | ({"b": normal(8, seed=seed)} if bias else {})
    model = network(f"{conv} scores = {NORM.format('c')}", (4, 6, 5), **weights, **batch_norm(seed, 8))
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == "Conv"
    same_scores(model, after)


@settings(max_examples=15)
@given(
    groups=st.sampled_from([1, 2, 4]), between=st.sampled_from(["", "MaxPool", "AveragePool"]), seed=st.integers(0, 99)
)
def test_before_a_convolution_without_padding(groups, between, seed, network, rewritten, same_scores, ops, batch_norm):
    pool = f"p = {between} <kernel_shape=[2,2], strides=[2,2]> (n)" if between else ""
    conv = f"Conv <group={groups}> ({'p' if between else 'n'}, w, b)"
    body = f"r = Relu(image) n = {NORM.format('r')} {pool} scores = {conv}"
    weights = {"w": normal(8, 4 // groups, 2, 2, seed=seed), "b": normal(8, seed=seed)}
    model = network(body, (4, 6, 5), **weights, **batch_norm(seed, 4))
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == " ".join(["Relu", *([between] if between else []), "Conv"])
    same_scores(model, after)


@settings(max_examples=10)
@given(turned=st.booleans(), transposed=st.sampled_from([0, 1]), seed=st.integers(0, 99))
def test_before_dense_layers(turned, transposed, seed, network, rewritten, same_scores, ops, batch_norm):
    turn = "t = Transpose <perm=[0,2,3,1]> (n)" if turned else ""
    body = f"""r = Relu(image) n = {NORM.format("r")} {turn} f = Flatten({"t" if turned else "n"})
               one = Gemm <transB={transposed}> (f, w) two = Gemm (f, v, b) scores = Add(one, two)"""
    dense = normal(24, 5, seed=seed)
    model = network(
        body, (4, 3, 2), w=dense.T if transposed else dense, v=normal(24, 5), b=normal(5), **batch_norm(seed, 4)
    )
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == ("Relu Transpose " if turned else "Relu ") + "Flatten Gemm Gemm Add"
    same_scores(model, after)


def test_what_a_converter_leaves_of_one_behind_a_dense_layer(network, rewritten, same_scores, ops):
    body = "f = Flatten(image) g = Gemm(f, w, b) m = Mul(s, g) a = Sub(m, t) scores = Add(a, u)"
    model = network(body, (4, 3, 2), w=normal(24, 5), b=normal(5), s=normal(5), t=normal(1, 5), u=normal(1))
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == "Flatten Gemm"
    same_scores(model, after)


def test_weights_that_another_layer_shares_stay_its_own(network, rewritten, same_scores, ops, batch_norm):
    body = f"c = Conv(image, w) n = {NORM.format('c')} d = Conv(image, w) scores = Add(n, d)"
    model = network(body, (4, 5, 5), w=normal(4, 4, 3, 3), **batch_norm(1, 4))
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == "Conv Conv Add"
    same_scores(model, after)


PADDED = "Conv <pads=[1,1,1,1]>"


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        pytest.param(f"r = Relu(image) n = {NORM} scores = {PADDED} (n, w)", {}, id="zeros around a shifted image"),
        pytest.param(f"r = Relu(image) n = {NORM} p = MaxPool <kernel_shape=[2,2]> (n) scores = Conv(p, w)",
                     {"scale": -np.ones(4)}, id="the maximum of what is turned over"),
        pytest.param(f"r = Relu(image) n = {NORM} p = AveragePool <kernel_shape=[2,2], pads=[1,1,0,0]> (n) "
                     "scores = Conv(p, w)", {}, id="a mean with a border"),
        pytest.param(f"r = Relu(image) n = {NORM} c = Conv(n, v) scores = Add(c, n)", {}, id="another reader behind"),
        pytest.param(f"r = Conv(image, v) n = {NORM} scores = Add(r, n)", {}, id="another reader before"),
        pytest.param("n = BatchNormalization(image, scale, shift, mean, var) scores = Conv(n, w)", {},
                     id="the scaling of pixels"),
        pytest.param(f"m = Mul(image, half) r = Add(m, half) n = {NORM} scores = Conv(n, w)", {"half": np.float32(0.5)},
                     id="the scaling of pixels in steps"),
        pytest.param(f"r = Relu(image) n = {NORM} s = Sigmoid(n) scores = Conv(s, w)", {}, id="a curve between"),
    ],
)  # fmt: skip
def test_where_it_would_not_be_exact_it_stays(body, changes, network, rewritten, same_scores, ops, batch_norm):
    weights = {"w": normal(4, 4, 3, 3), "v": normal(4, 4, 1, 1)} | batch_norm(1, 4) | changes
    text = body.format("r")
    named = {name: content for name, content in weights.items() if f"{name})" in text or f"{name}," in text}
    model = network(text, (4, 6, 6), **named)
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == ops(model)
    same_scores(model, after)


def test_without_a_shift_the_border_does_not_matter(network, rewritten, same_scores, ops):
    body = f"r = Relu(image) n = Mul(r, s) scores = {PADDED} (n, w)"
    model = network(body, (4, 6, 6), s=normal(4, 1, 1), w=normal(4, 4, 3, 3))
    after = rewritten(model, FoldBatchNorm())
    assert ops(after) == "Relu Conv"
    same_scores(model, after)


def test_weights_that_would_be_infinite_stay(network, rewritten, ops):
    large = {"w": np.full((2, 2, 1, 1), 1e30), "s": np.full((2, 1, 1), 1e30)}
    model = network("c = Conv(image, w) scores = Mul(c, s)", (2, 3, 3), **large)
    assert ops(rewritten(model, FoldBatchNorm())) == "Conv Mul"


@pytest.mark.parametrize("change", [{"var": -np.ones(4)}, {"scale": np.full(4, np.nan)}], ids=["variance", "scale"])
def test_a_normalization_that_makes_no_sense_stays(change, network, rewritten, ops, batch_norm):
    body = f"c = Conv(image, w) scores = {NORM.format('c')}"
    model = network(body, (4, 3, 3), w=normal(4, 4, 1, 1), **(batch_norm(1, 4) | change))
    assert ops(rewritten(model, FoldBatchNorm())) == "Conv BatchNormalization"
