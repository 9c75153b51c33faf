import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.export.passes.pad_channels import PadChannels

HEAD = "c = Conv <pads=[1,1,1,1]> (image, w, b)"


def normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def shapes(model):
    return {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}


def two_convolutions(network, channels, between="r = Relu(c)", outputs=3):
    body = f"{HEAD} {between} scores = Conv <pads=[1,1,1,1]> (r, v)"
    return network(body, (2, 5, 5), w=normal(channels, 2, 3, 3), b=normal(channels), v=normal(outputs, channels, 3, 3))


BETWEEN = {
    "Relu": "r = Relu(c)",
    "pools": "m = MaxPool <kernel_shape=[2,2]> (c) r = AveragePool <kernel_shape=[2,2]> (m)",
    "Sigmoid, which is 0.5 at 0": "r = Sigmoid(c)",
    "a branch": "s = Sigmoid(c) r = Mul(c, s)",
    "squeeze and excitation": "g = GlobalAveragePool(c) s = HardSigmoid(g) r = Mul(c, s)",
}


@settings(max_examples=20)
@given(channels=st.integers(4, 34), between=st.sampled_from(sorted(BETWEEN)))
def test_channels_become_a_multiple_of_16(channels, between, network, rewritten, same_scores, ops):
    model = two_convolutions(network, channels, BETWEEN[between])
    after = rewritten(model, PadChannels(most_added=9.0))
    padded = channels + -channels % 16
    assert shapes(after) == {"w": (padded, 2, 3, 3), "b": (padded,), "v": (3, padded, 3, 3)}
    assert ops(after) == ops(model)
    same_scores(model, after)


@pytest.mark.parametrize(("channels", "padded"), [(14, 16), (13, 13), (30, 32), (16, 16), (27, 27), (56, 64)])
def test_not_where_it_adds_more_than_15_percent(channels, padded, network, rewritten):
    assert shapes(rewritten(two_convolutions(network, channels), PadChannels()))["w"][0] == padded


def test_a_residual_block(network, rewritten, same_scores):
    body = f"{HEAD} r = Relu(c) d = Conv <pads=[1,1,1,1]> (r, u) a = Add(c, d) scores = Conv(a, v)"
    model = network(body, (2, 5, 5), w=normal(15, 2, 3, 3), b=normal(15), u=normal(15, 15, 3, 3), v=normal(3, 15, 3, 3))
    after = rewritten(model, PadChannels(most_added=0.2))
    assert shapes(after) == {"w": (16, 2, 3, 3), "b": (16,), "u": (16, 16, 3, 3), "v": (3, 16, 3, 3)}
    same_scores(model, after)


def test_a_depthwise_convolution(network, rewritten, same_scores):
    body = f"{HEAD} d = Conv <group=30> (c, u) r = Relu(d) scores = Conv(r, v)"
    model = network(body, (2, 5, 5), w=normal(30, 2, 3, 3), b=normal(30), u=normal(30, 1, 3, 3), v=normal(3, 30, 3, 3))
    after = rewritten(model, PadChannels())
    assert shapes(after)["u"] == (32, 1, 3, 3)
    same_scores(model, after)


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_dense_layer_beside_it_gets_rows_of_zeros(transposed, network, rewritten, same_scores):
    body = f"""{HEAD} r = Relu(c) d = Conv <kernel_shape=[5,5]> (r, v) e = Flatten(d) f = Flatten(r)
               g = Gemm <transB={transposed}> (f, u) scores = Add(g, e)"""
    dense = normal(15 * 25, 3)
    weights = {"w": normal(15, 2, 3, 3), "b": normal(15), "v": normal(3, 15, 5, 5)}
    model = network(body, (2, 5, 5), u=dense.T if transposed else dense, **weights)
    after = rewritten(model, PadChannels())
    assert shapes(after)["u"] == ((3, 16 * 25) if transposed else (16 * 25, 3))
    same_scores(model, after)


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param("scores = Relu(c)", id="the scores themselves"),
        pytest.param("f = Flatten(c) scores = Gemm(f, u)", id="no convolution reads them"),
        pytest.param("j = Concat <axis=1> (c, image) scores = Conv(j, x)", id="Concat"),
        pytest.param("s = Softmax <axis=1> (c) scores = Conv(s, v)", id="a function of several channels"),
        pytest.param("e = Exp(c) scores = Conv(e, v)", id="a function that is not known to be finite"),
        pytest.param("t = Transpose <perm=[0,1,3,2]> (c) scores = Conv(t, v)", id="Transpose"),
        pytest.param("d = Conv <group=3> (c, y) scores = Conv(d, v)", id="groups of several channels"),
        pytest.param("a = Add(c, k) scores = Conv(a, v)", id="a constant for each channel"),
    ],
)
def test_what_fixes_the_channels_is_left_alone(tail, network, rewritten, same_scores):
    given_weights = {"w": normal(15, 2, 3, 3), "b": normal(15), "v": normal(3, 15, 3, 3), "u": normal(375, 3),
                     "x": normal(3, 17, 3, 3), "y": normal(15, 5, 1, 1), "k": normal(15, 1, 1)}  # fmt: skip
    text = f"{HEAD} {tail}"
    named = {name: array for name, array in given_weights.items() if f", {name})" in text or name == "w"}
    model = network(text, (2, 5, 5), **named)
    after = rewritten(model, PadChannels(most_added=9.0))
    assert shapes(after) == {name: array.shape for name, array in named.items()}
    same_scores(model, after)


def test_added_weights_that_are_not_zero_are_found(network, monkeypatch):
    pad = np.pad
    monkeypatch.setattr(np, "pad", lambda content, ends: pad(content, ends, constant_values=0.1))
    with pytest.raises(ir.passes.PostconditionError) as caught:
        PadChannels()(ir.from_proto(two_convolutions(network, 15)))
    assert str(caught.value.__cause__) == "what was added to c is not zero"
