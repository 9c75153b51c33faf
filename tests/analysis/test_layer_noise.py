import numpy as np
import pytest
import tf_keras
from hypothesis import given
from hypothesis import strategies as st

from digitedge.analysis.layer_noise import round_results, round_weights, rounded, rounding_noise

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 2, 5)).astype(np.float32) * np.float32([1, 2, 4, 8, 0])


@given(st.floats(-65504, 65504, width=32).filter(lambda value: abs(value) > 1e-3 or value == 0))
def test_fp16_rounds_as_numpy_does(value):
    values = np.array([value], np.float32)
    assert round_results("fp16")(values) == values.astype(np.float16).astype(np.float32)


def test_int8_rounds_each_output_to_7_bits_and_leaves_vectors():
    coarse = round_weights("int8")(KERNEL)
    step = np.abs(KERNEL).max(axis=(0, 1, 2)) / 63
    assert np.all(np.abs(coarse - KERNEL) <= step / 2 + 1e-6)
    assert all(len(np.unique(coarse[..., one])) > 10 for one in range(4))
    np.testing.assert_array_equal(round_weights("int8")(KERNEL[0, 0, 0]), KERNEL[0, 0, 0])


def test_a_depthwise_kernel_has_its_outputs_before_the_last_axis():
    kernel = np.ones((3, 3, 2, 1), np.float32) * np.float32([1, 0.001]).reshape(2, 1)
    np.testing.assert_allclose(round_weights("int8")(kernel), kernel)


def test_fp32_leaves_16_bits_and_integers_alone():
    coarse = round_weights("fp32")(KERNEL)
    assert 0 < np.abs(coarse - KERNEL).max() <= np.abs(KERNEL).max() * 2.0**-16
    np.testing.assert_array_equal(round_results("fp32")(np.array([2**24 - 1])), [2**24 - 1])


def test_layers_have_their_weights_back_whatever_happens():
    layer = tf_keras.layers.Dense(3)
    layer.build((None, 4))
    before = layer.get_weights()
    with pytest.raises(ZeroDivisionError), rounded([layer], lambda weights: 0 * weights):
        assert not layer.get_weights()[0].any()
        raise ZeroDivisionError
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_rounding_to_a_grid_is_a_twelfth_of_its_square():
    values = np.random.default_rng(0).uniform(-5, 5, 100_000)
    assert np.square(np.rint(values / 0.5) * 0.5 - values).mean() == pytest.approx(rounding_noise(0.5), rel=0.01)
