import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from digitedge.analysis.saturation import MAX_INT16, saturating_layers


def model(weights, *, dequantized=True):
    scale = numpy_helper.from_array(np.float32(0.1), "scale")
    nodes = [helper.make_node("DequantizeLinear", ["w", "scale"], ["y"])] if dequantized else []
    return helper.make_model(helper.make_graph(nodes, "g", [], [], [numpy_helper.from_array(weights, "w"), scale]))


@pytest.mark.parametrize(
    ("pair", "saturates"),
    [((64, 64), False), ((64, 65), True), ((-64, -64), False), ((127, 1), False), ((127, 2), True), ((-128, 0), False)],
)
def test_two_weights_saturate_if_their_sum_times_255_exceeds_16_bits(pair, saturates):
    weights = np.array([pair], np.int8)
    assert saturating_layers(model(weights)) == (("w",) if saturates else ())


def test_the_worst_pair_counts_wherever_its_weights_stand():
    weights = np.zeros((3, 5, 5), np.int8)
    weights[0, 0, 0] = weights[2, 4, 4] = 100
    assert saturating_layers(model(weights)) == ("w",)


@given(st.lists(st.integers(-128, 127), min_size=2, max_size=20))
def test_the_verdict_is_that_of_every_pair(values):
    """VPMADDUBSW adds two products of an unsigned and a signed byte in 16 bits: here for the largest activation."""
    worst = max(255 * (abs(a) + abs(b)) for i, a in enumerate(values) for b in values[i + 1 :])
    assert bool(saturating_layers(model(np.array([values], np.int8)))) is (worst > MAX_INT16)


@pytest.mark.parametrize(
    "weights", [np.full((2, 2), 255, np.uint8), np.full((2, 2), 2**20, np.int32), np.full(9, 127, np.int8)]
)
def test_unsigned_weights_and_biases_take_another_kernel(weights):
    assert saturating_layers(model(weights)) == ()


def test_integers_that_no_layer_multiplies_are_none_of_its_business():
    assert saturating_layers(model(np.full((2, 2), 127, np.int8), dequantized=False)) == ()


def test_a_single_weight_has_no_partner():
    assert saturating_layers(model(np.array([[127]], np.int8))) == ()


def test_a_float_model_cannot_saturate():
    assert saturating_layers(helper.make_model(helper.make_graph([], "g", [], []))) == ()
