import numpy as np
import onnx
import pytest

from digitedge.export.passes.same_scores import ScoresChangedError, check_same_scores

BODY = "c = Conv <pads=[1,1,1,1]> (image, w) f = Flatten(c) g = Gemm(f, v) scores = Softmax(g)"


@pytest.fixture
def weights():
    random = np.random.default_rng(1)
    return {"w": random.normal(size=(3, 1, 3, 3)), "v": random.normal(size=(48, 10))}


def test_rounding_is_no_difference(network, weights):
    nearly = weights | {"v": weights["v"] * (1 + 1e-7)}
    check_same_scores(network(BODY, (1, 4, 4), **weights), network(BODY, (1, 4, 4), **nearly))


def test_two_rows_in_each_others_place_are_found(network, weights):
    rows = weights["v"].copy()
    rows[[0, 1]] = rows[[1, 0]]
    with pytest.raises(
        ScoresChangedError, match=r"^rewriting the graph changed scores by .* This is a bug in digitedge"
    ):
        check_same_scores(network(BODY, (1, 4, 4), **weights), network(BODY, (1, 4, 4), **(weights | {"v": rows})))


def test_a_border_that_is_not_zero_is_found(network, weights):
    shifted, biased = "n = Add(image, s) " + BODY.replace("image, w", "n, w"), BODY.replace("image, w", "image, w, b")
    before = network(shifted, (1, 4, 4), s=np.full((1, 1, 1), 0.01), **weights)
    after = network(biased, (1, 4, 4), b=0.01 * weights["w"].sum(axis=(1, 2, 3)), **weights)
    with pytest.raises(ScoresChangedError, match="changed scores by"):
        check_same_scores(before, after)


def test_a_network_that_is_sure_hides_nothing(network, weights):
    """Behind the softmax, both give 1.0 for the same class."""
    sure = weights | {"v": weights["v"] * 1e3}
    wrong = sure | {"v": sure["v"] * 1.01}
    with pytest.raises(ScoresChangedError, match="changed scores by"):
        check_same_scores(network(BODY, (1, 4, 4), **sure), network(BODY, (1, 4, 4), **wrong))


def test_sums_that_cancel_may_round_otherwise(network):
    """1e8 times a pixel, less the same, and the rest: in another order the rest is another number."""
    before = np.random.default_rng(1).normal(size=(48, 10)) + 1e4 * np.resize([[1.0], [-1.0]], (48, 1))
    body = "f = Flatten(image) g = MatMul(f, v) scores = Softmax(g)"
    after = "f = Flatten(image) a = MatMul(f, v) b = MatMul(f, w) g = Add(a, b) scores = Softmax(g)"
    halves = {"v": before * (np.arange(48) < 24)[:, None], "w": before * (np.arange(48) >= 24)[:, None]}
    check_same_scores(network(body, (3, 4, 4), v=before), network(after, (3, 4, 4), **halves))
    wrong = halves | {"w": halves["w"] * 1.001}
    with pytest.raises(ScoresChangedError, match="changed scores by"):
        check_same_scores(network(body, (3, 4, 4), v=before), network(after, (3, 4, 4), **wrong))


def test_another_shape_is_found(network, weights):
    fewer = network(BODY, (1, 4, 4), **(weights | {"v": weights["v"][:, :9]}))
    with pytest.raises(ScoresChangedError, match=r"changed the shape of scores from \(1, 10\) to \(1, 9\)"):
        check_same_scores(network(BODY, (1, 4, 4), **weights), fewer)


def test_a_number_that_is_none_is_found(network, weights):
    broken = weights | {"v": np.where(np.arange(10) == 3, np.nan, weights["v"])}
    with pytest.raises(ScoresChangedError, match="changed where scores is not finite"):
        check_same_scores(network(BODY, (1, 4, 4), **weights), network(BODY, (1, 4, 4), **broken))


def test_a_network_that_was_broken_before_is_for_others_to_judge(network, weights):
    broken = network(BODY, (1, 4, 4), **(weights | {"v": weights["v"] * np.nan}))
    check_same_scores(broken, onnx.ModelProto.FromString(broken.SerializeToString()))


def test_one_call_with_a_fixed_batch(network):
    model = network("f = Flatten(image) scores = Relu(f)", (1, 4, 4))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 2
    check_same_scores(model, model)
