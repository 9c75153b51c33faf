import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.export.passes.fold_pads import FoldPads

BODY = "p = Pad {attributes} (image, counts{value}) scores = Conv <strides=[2,2]{pads}> (p, w)"
FILTERS = np.random.default_rng(1).normal(size=(4, 2, 3, 3))


def pads_of(model):
    (conv,) = (node for node in model.graph.node if node.op_type == "Conv")
    return [list(a.ints) for a in conv.attribute if a.name == "pads"]


@settings(max_examples=12)
@given(ends=st.lists(st.integers(0, 3), min_size=4, max_size=4), padded=st.booleans())
def test_zeros_around_the_image_are_the_convolutions_own(ends, padded, network, rewritten, same_scores, ops):
    top, left, bottom, right = ends
    body = BODY.format(attributes="", value="", pads=", pads=[0,1,2,0]" if padded else "")
    model = network(body, (2, 7, 6), w=FILTERS, counts=np.array([0, 0, top, left, 0, 0, bottom, right]))
    after = rewritten(model, FoldPads())
    assert ops(after) == "Conv"
    own = [0, 1, 2, 0] if padded else [0, 0, 0, 0]
    assert pads_of(after) == [[mine + more for mine, more in zip(own, ends, strict=True)]]
    same_scores(model, after)


@pytest.mark.parametrize(
    ("counts", "attributes", "value"),
    [
        pytest.param([0, 0, 1, 1, 0, 0, 1, 1], "", "one", id="ones instead of zeros"),
        pytest.param([0, 0, 1, 1, 0, 0, 1, 1], '<mode="edge">', None, id="the border repeated"),
        pytest.param([0, 1, 1, 1, 0, 0, 1, 1], "", None, id="a channel of zeros"),
        pytest.param([0, 0, -1, 1, 0, 0, 1, 1], "", None, id="a row cut off"),
    ],
)
def test_any_other_pad_stays(counts, attributes, value, network, rewritten, same_scores, ops):
    body = BODY.format(attributes=attributes, value=", one" if value else "", pads="")
    filters = np.random.default_rng(1).normal(size=(4, 2 + counts[1], 3, 3))
    ones = {"one": np.float32(1)} if value else {}
    model = network(body, (2, 7, 6), w=filters, counts=np.array(counts), **ones)
    after = rewritten(model, FoldPads())
    assert ops(after) == "Pad Conv"
    same_scores(model, after)


def test_a_pad_that_something_else_reads_stays(network, rewritten, ops):
    body = "p = Pad(image, counts) c = Conv <pads=[1,1,1,1]> (p, w) scores = Add(c, p)"
    model = network(body, (4, 5, 5), w=np.ones((4, 4, 3, 3)), counts=np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    assert ops(rewritten(model, FoldPads())) == "Pad Conv Add"
