import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.export.passes.drop_transposes import DropTransposes

TURN = "t = Transpose <perm=[0,2,3,1]> (image)"
PERMS = [(0, *tail) for tail in itertools.permutations((1, 2, 3))]


def normal(*shape):
    return np.random.default_rng(1).normal(size=shape)


@settings(max_examples=20)
@given(
    perm=st.sampled_from(PERMS),
    before=st.booleans(),
    behind=st.booleans(),
    transposed=st.sampled_from([0, 1]),
    twice=st.booleans(),
)
def test_rows_of_weights_take_the_order(perm, before, behind, transposed, twice, network, rewritten, same_scores, ops):
    body = f"""t = Transpose <perm=[{",".join(map(str, perm))}]> (image)
               {"r = Relu(t) f = Flatten(r)" if before else "f = Flatten(t)"} {"s = Sigmoid(f)" if behind else ""}
               {"one" if twice else "scores"} = Gemm <transB={transposed}> ({"s" if behind else "f"}, w)
               {f"two = Gemm({'s' if behind else 'f'}, v) scores = Add(one, two)" if twice else ""}"""
    weights = {"w": normal(5, 24) if transposed else normal(24, 5)} | ({"v": normal(24, 5)} if twice else {})
    model = network(body, (4, 3, 2), **weights)
    after = rewritten(model, DropTransposes())
    assert "Transpose" not in ops(after)
    assert "Reshape" not in ops(after)
    same_scores(model, after)


@settings(max_examples=10)
@given(first=st.sampled_from(PERMS), second=st.sampled_from(PERMS))
def test_two_in_a_row_are_one_or_none(first, second, network, rewritten, same_scores, ops):
    one, two = (",".join(map(str, perm)) for perm in (first, second))
    body = f"r = Relu(image) a = Transpose <perm=[{one}]> (r) b = Transpose <perm=[{two}]> (a) scores = Sigmoid(b)"
    model = network(body, (4, 3, 2))
    after = rewritten(model, DropTransposes())
    inverse = [first[axis] for axis in second] == [0, 1, 2, 3]
    assert ops(after) == ("Relu Sigmoid" if inverse else "Relu Transpose Sigmoid")
    same_scores(model, after)


def test_for_one_channel_the_bytes_are_the_same(network, rewritten, same_scores, ops):
    model = network("t = Transpose <perm=[0,3,1,2]> (image) scores = Conv(t, w)", (6, 5, 1), w=normal(4, 1, 3, 3))
    after = rewritten(model, DropTransposes())
    assert ops(after) == "Reshape Conv"
    same_scores(model, after)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"{TURN} f = Flatten(t) g = Gemm(f, w) r = ReduceSum <keepdims=1> (f) "
                     "scores = Add(g, r)", id="another reader of what is flattened"),
        pytest.param(f"{TURN} f = Flatten(t) g = Gemm(f, w) u = Flatten(t) h = Gemm(u, v) "
                     "scores = Add(g, h)", id="another reader of the Transpose"),
        pytest.param(f"{TURN} s = Softmax <axis=1> (t) f = Flatten(s) scores = Gemm(f, w)",
                     id="a function of several numbers between"),
        pytest.param(f"{TURN} f = Flatten(t) v = Relu(w) scores = Gemm(f, v)",
                     id="weights that are computed"),
        pytest.param("r = Relu(image) t = Transpose <perm=[0,2,3,1]> (r) scores = Flatten(t)", id="nothing behind it"),
    ],
)  # fmt: skip
def test_where_something_else_depends_on_the_order_it_stays(body, network, rewritten, same_scores, ops):
    named = {name: normal(24, 5) for name in ("w", "v") if f", {name})" in body or f"Relu({name})" in body}
    named = {name: content for name, content in named.items() if f"{name} = " not in body}
    model = network(body, (4, 3, 2), **named)
    after = rewritten(model, DropTransposes())
    assert ops(after) == ops(model)
    same_scores(model, after)


def test_where_images_change_places_it_stays(network, rewritten, ops):
    swap = "Transpose <perm=[1,0,2,3]>"
    body = f"a = {swap} (image) r = Relu(a) b = {swap} (r) f = Flatten(b) scores = Gemm(f, w)"
    model = network(body, (4, 3, 2), w=normal(24, 5))
    assert ops(rewritten(model, DropTransposes())) == ops(model)
