"""Every vector unit gives what the evaluator of integers gives, to the bit."""

from pathlib import Path

import numpy as np
import pytest

from digitedge.analysis.integers import evaluate
from digitedge.export.c import integer_quads

FLAGS = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
WIDTHS = {"small": ("-Os",), "plain": ("-Os", "-DDIGITEDGE_PLAIN_C")}
if "sse4_1" in FLAGS:
    WIDTHS["sse4"] = ("-O2", "-msse4.1")
if "avx2" in FLAGS:
    WIDTHS["avx2"] = ("-O2", "-mavx2", "-mfma", "-ffp-contract=fast")
if "avx" in FLAGS:
    WIDTHS["avx"] = ("-O2", "-mavx")
if "avx_vnni" in FLAGS:
    WIDTHS["avxvnni"] = ("-O2", "-mavx2", "-mavxvnni")
if "avx512bw" in FLAGS:
    WIDTHS["avx512"] = ("-O2", "-mavx512f", "-mavx512bw")
if "avx512_vnni" in FLAGS:
    WIDTHS["avx512vnni"] = ("-O2", "-mavx512vnni", "-mavx512vl")


def pixels(model, n=20, seed=2):
    channels, height, width = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:])
    return np.random.default_rng(seed).random((n, height, width, channels), np.float32)


def chw(images):
    return images.transpose(0, 3, 1, 2)


def mixed(s):
    """A pooled convolution, one of each channel by itself, one of two groups, and a dense layer."""
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(18, 3, 3, 3), s.weights(18))), kernel_shape=[2, 2], strides=[2, 2])
    x = s.HardSwish(s.Conv(x, s.weights(18, 1, 3, 3), s.weights(18), group=18, pads=[1, 1, 1, 1]))
    x = s.Conv(x, s.weights(10, 9, 2, 2), s.weights(10), group=2)
    return s.Gemm(s.Flatten(x), s.weights(10 * 9, 7), s.weights(7))


def grey(s):
    """Runs of three values, of fifteen and of seventy; a pooling of two columns."""
    x = s.MaxPool(
        s.Relu(s.Conv("image", s.weights(5, 3, 3, 3)[:, :1], s.weights(5))), kernel_shape=[1, 2], strides=[1, 2]
    )
    x = s.Relu(s.Conv(x, s.weights(7, 5, 3, 3), s.weights(7), strides=[1, 2], pads=[1, 1, 1, 1]))
    x = s.Relu(s.Conv(x, s.weights(7, 7, 1, 2)))
    return s.Gemm(s.Flatten(x), s.weights(7 * 8, 10), s.weights(10))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("bits", [7, 8])
def test_every_compilation_gives_the_same(bits, width, sketch, quantized, run_integers):
    made = sketch(10, 10, 3)
    model = made.model(mixed(made))
    images = pixels(model)
    model = quantized(model, chw(images), reduce_range=bits == 7)
    np.testing.assert_array_equal(run_integers(model, images, WIDTHS[width]), evaluate(model, chw(images)))


@pytest.mark.parametrize("bits", [7, 8])
def test_an_image_of_one_channel(bits, sketch, quantized, run_integers):
    made = sketch(10, 10, 1)
    model = made.model(grey(made))
    images = pixels(model)
    model = quantized(model, chw(images), reduce_range=bits == 7)
    expected = evaluate(model, chw(images))
    assert np.ptp(expected, axis=0).max() > 0.1, "a constant output proves nothing"
    for flags in (("-O3", "-march=native"), WIDTHS["plain"], WIDTHS["small"]):
        np.testing.assert_array_equal(run_integers(model, images, flags), expected)


def bright(sketch, quantized):
    """A layer whose neighbouring products leave 16 bits: weights of 127 times pixels of 255."""
    made = sketch(4, 4, 4)
    weights = np.abs(made.weights(8, 4, 2, 2)) + 0.5
    model = made.model(made.Gemm(made.Flatten(made.Conv("image", weights)), made.weights(8 * 9, 5)))
    images = 1 - pixels(model) / 10
    images[0, 0, 0] = 0.0
    return quantized(model, chw(images), reduce_range=False), images


@pytest.mark.parametrize("width", WIDTHS)
def test_no_sum_of_two_products_saturates(width, sketch, quantized, run_integers):
    model, images = bright(sketch, quantized)
    np.testing.assert_array_equal(run_integers(model, images, WIDTHS[width]), evaluate(model, chw(images)))


@pytest.mark.skipif("avx2" not in FLAGS, reason="the CPU has no AVX2")
def test_it_would_with_the_instructions_for_small_weights(sketch, quantized, run_integers, monkeypatch):
    """What the test above compares can differ."""
    model, images = bright(sketch, quantized)
    monkeypatch.setattr(integer_quads, "are_small", lambda _: True)
    assert (run_integers(model, images, WIDTHS["avx2"]) != evaluate(model, chw(images))).any()
