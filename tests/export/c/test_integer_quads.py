import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.analysis.integer_graph import Encoding, Weights
from digitedge.export.c.integer_layers import Layer
from digitedge.export.c.integer_quads import are_small, bias, in_quads, packed, runs
from digitedge.export.c.tensor import Halo, Shape, place

U8, S8 = np.dtype(np.uint8), np.dtype(np.int8)


def layer(integers, zero_point=0, input_zero=0, start=0, **geometry):
    channels = integers.shape[0] * integers.shape[-1]
    kept = Weights(
        integers, zero_point, np.full(channels, start, np.int32), np.ones(channels, np.float32),
        Encoding(np.float32(1), input_zero, U8), Encoding(np.float32(1), 0, U8), 0, 255,
    )  # fmt: skip
    return Layer(integers, kept, **geometry)


def weights(rows, columns, inputs, channels=2, groups=1):
    shape = (groups, rows, columns, inputs, channels)
    return np.random.default_rng(0).integers(-64, 65, shape).astype(np.int8)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 9), st.integers(1, 3))
def test_each_value_meets_its_weight_once_and_zeros_else(rows, columns, inputs, channels):
    integers = weights(rows, columns, inputs, channels)
    operation, x = layer(integers), place(Shape(9, 9, inputs), "uint8_t")
    there = runs(operation, x)
    met = np.zeros((rows, columns * inputs, channels), np.int64)
    for quad in range(there.quads):
        first = max(0, min(4 * quad, there.length - 4))
        for n in range(min(4, there.length)):
            met[:, first + n] += packed(operation, x)[0, :, 0, quad, :, n]
    np.testing.assert_array_equal(met.reshape(integers.shape), integers)


@pytest.mark.parametrize(
    ("geometry", "size", "halo", "expected"),
    [
        ({}, (3, 5, 2), None, (1, 1, 30)),
        ({}, (4, 5, 2), None, (1, 1, 30)),
        ({}, (3, 6, 2), None, (3, 1, 10)),
        ({}, (3, 5, 2), Halo(left=1), (3, 1, 10)),
        ({"dilations": (2, 1)}, (5, 5, 2), None, (3, 1, 10)),
        ({"dilations": (1, 2)}, (3, 9, 2), None, (3, 5, 2)),
    ],
)
def test_what_lies_side_by_side_is_one_run(geometry, size, halo, expected):
    there = runs(layer(weights(3, 5, 2), **geometry), place(Shape(*size), "uint8_t", halo))
    assert (there.rows, there.columns, there.length) == expected


def test_the_bias_takes_the_zero_point_of_the_image():
    integers = weights(2, 2, 3)
    np.testing.assert_array_equal(
        bias(layer(integers, input_zero=7, start=100)), 100 - 7 * integers.astype(np.int64).sum(axis=(0, 1, 2, 3))
    )


def test_what_other_kernels_compute():
    x, integers = place(Shape(8, 8, 3), "uint8_t"), weights(3, 3, 3)
    assert in_quads(layer(integers), x)
    assert not in_quads(layer(integers), place(x.shape, "int8_t")), "signed images"
    assert not in_quads(layer(integers.astype(np.uint8)), x), "unsigned weights"
    assert not in_quads(layer(integers, zero_point=1), x), "weights with a zero point"
    assert not in_quads(layer(weights(3, 3, 1, 1, groups=3)), x), "each channel by itself"
    assert not in_quads(layer(weights(3, 3, 3, 115)), x), "1,035 zeros among the weights"
    assert in_quads(layer(weights(3, 3, 3, 113)), x), "1,017 zeros"
    assert not in_quads(layer(integers, start=2**31 - 100), x), "a sum that could leave 32 bits"


@pytest.mark.parametrize("pair", [(64, 64), (127, 1), (127, -128), (-128, 0)])
def test_products_of_small_weights_fit_16_bits(pair):
    assert are_small(np.array([[0, 0, *pair]], np.int8))


@pytest.mark.parametrize("pair", [(127, 2), (65, 64), (-64, -65)])
def test_products_of_others_need_not(pair):
    assert not are_small(np.array([[0, 0, *pair]], np.int8))
    assert abs(255 * sum(pair)) >= 2**15
