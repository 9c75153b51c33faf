"""How much a layer's result may differ from Keras's by the precision of a file alone.

No number of decibels fits every layer: one that subtracts large sums from each other loses most of its digits in 8 bits
and is right (11 dB in a dense layer behind global pooling), where 30 dB in a plain convolution are a fault. So the
layer itself is asked: Keras computes it once more with its weights rounded, and the rounding of its results is added.
The limits come from what good files add of their own: 13 networks (those of tests/export/test_architectures.py, and
classic) in four precisions as .onnx and .tflite, 1,245 layers.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Round = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# How far the noise may lie above what is expected, in dB. In good files at most 7 (fp16, an operator of several), 4 in
# int8, 2.5 in int8-weights; in fp32 it lies 29 below.
NOISE_DB = 10.0
# How far the mean of the error may lie from zero, in root mean squares of the expected noise. Rounding errs to both
# sides: in good files it is 1.1 at most. A zero point that is off by one shifts all by one step, which is 2 and more.
SHIFT = 1.3
# Values beyond those that a result's integers can stand for are clipped: of images unlike those that a file was
# calibrated on, and on purpose by recipes of least squared error. In good files the loss is at most -25 dB of the
# signal; a range that is half as wide as it should be loses -10 dB.
CLIPPING_DB = 18.0

_FLOAT32_BITS, _FLOAT16_BITS = 16, 11  # of a significand; of float32's 24 bits 8 go to sums in another order
_WEIGHT_BITS = 7  # what the recipes for CPUs that saturate leave, and one less than the others


def round_weights(precision: str) -> Round:
    """What rounds a layer's weights as coarsely as a file of that precision may, or a little coarser."""
    if precision in {"int8", "int8-weights"}:
        return _to_integers
    return round_results(precision)


def round_results(precision: str) -> Round:
    """The same for results that are floats."""
    bits = _FLOAT16_BITS if precision == "fp16" else _FLOAT32_BITS
    return lambda values: _to_significand(values, bits)


@contextmanager
def rounded(layers: Sequence[Any], change: Round) -> Iterator[None]:
    """Keras layers with other weights, for as long as the context lasts."""
    before = [layer.get_weights() for layer in layers]
    try:
        for layer, weights in zip(layers, before, strict=True):
            layer.set_weights([change(one) for one in weights])
        yield
    finally:
        for layer, weights in zip(layers, before, strict=True):
            layer.set_weights(weights)


def rounding_noise(step: float) -> float:
    """Mean square of the error of rounding to multiples of `step`, evenly distributed: step^2 / 12."""
    return step * step / 12.0


def _to_integers(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Symmetric, one scale for each output of a kernel. Vectors, such as biases, keep more bits in every file."""
    if weights.ndim < 2:  # noqa: PLR2004 (a vector)
        return weights
    outputs = -2 if weights.ndim == 4 and weights.shape[-1] == 1 else -1  # noqa: PLR2004 (a depthwise kernel)
    others = tuple(axis for axis in range(weights.ndim) if axis != weights.ndim + outputs)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    step = np.where(largest > 0, largest, 1) / (2 ** (_WEIGHT_BITS - 1) - 1)
    coarse: NDArray[np.float32] = (np.rint(weights / step) * step).astype(np.float32)
    return coarse


def _to_significand(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Floats of so many significant bits, the nearest; integers as they are."""
    if values.dtype.kind != "f":
        return values
    fraction, exponent = np.frexp(values.astype(np.float64))
    coarse: NDArray[np.float32] = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits).astype(np.float32)
    return coarse
