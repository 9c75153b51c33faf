import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.analysis.noise import Noise, compare
from digitedge.errors import ContentError


def test_a_hundredth_of_the_amplitude_is_forty_decibels():
    signal = np.array([[3.0, -4.0]], np.float32)
    noise = compare(signal, signal * np.float32(1.01))
    assert noise.sqnr_db == pytest.approx(40.0, abs=1e-4)
    assert (noise.max_abs, noise.low, noise.high) == (pytest.approx(0.04), -4.0, 3.0)


def test_a_bit_less_is_six_decibels_less():
    values = np.random.default_rng(0).uniform(-1, 1, 100_000).astype(np.float32)
    eight, seven = (compare(values, np.rint(values * steps) / np.float32(steps)).sqnr_db for steps in (128, 64))
    assert eight - seven == pytest.approx(6.02, abs=0.1)


def test_where_nothing_differs_there_is_no_ratio():
    assert compare(np.ones(3, np.float32), np.ones(3, np.float32)).sqnr_db is None


def test_noise_without_a_signal_is_as_bad_as_can_be():
    assert compare(np.zeros(3, np.float32), np.ones(3, np.float32)).sqnr_db < -3_000


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=40), st.data())
def test_blocks_add_up_to_the_whole(numbers, data):
    values = np.array(numbers, np.float32)
    other = values + np.float32(0.5) * np.sign(values)
    cut = data.draw(st.integers(1, len(values) - 1))
    whole = compare(values, other)
    parts = compare(values[:cut], other[:cut]) + compare(values[cut:], other[cut:])
    assert parts == Noise(pytest.approx(whole.signal), pytest.approx(whole.noise), whole.max_abs, whole.low, whole.high)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_not_finite_has_no_decibels(wrong, side):
    arrays = [np.ones(3, np.float32), np.ones(3, np.float32)]
    arrays[side][1] = wrong
    with pytest.raises(ContentError, match="a value inside the network is not finite"):
        compare(*arrays)


def test_other_shapes_are_no_noise():
    with pytest.raises(ContentError, match=r"arrays of \(2,\) and \(3,\) cannot be compared"):
        compare(np.ones(2, np.float32), np.ones(3, np.float32))
