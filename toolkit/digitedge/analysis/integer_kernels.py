"""Integer layers in NumPy, exactly: by float matrix multiplication, in a type that is proved to hold every sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

    from digitedge.analysis.integer_graph import Encoding, Geometry, Weights

# Every integer below these is a float32 (24 bits of mantissa) or float64 (53 bits) of its own.
_EXACT_IN_FLOAT32 = 2**24
_INT32 = 2**31
_FIXED_POINT_LIMIT, _MAX_SHIFT = 2**30, 30


def quantize(values: NDArray[np.float32], encoding: Encoding) -> NDArray[Any]:
    """Integers of float32 values, of any shape: round half to even of value / scale, plus the zero point, clipped.

    https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
    """
    return _clip(values / encoding.scale, encoding, encoding.low, encoding.high)


def dequantize(integers: NDArray[Any], encoding: Encoding) -> NDArray[np.float32]:
    """float32 values of integers, of any shape."""
    values: NDArray[np.float32] = (integers.astype(np.int32) - encoding.zero_point).astype(np.float32) * encoding.scale
    return values


def requantize(sums: NDArray[Any], weights: Weights, axis: int) -> NDArray[Any]:
    """What a layer gives for sums of products, bias included, whose channels stand on `axis`.

    float32(sum) * multiplier, round half to even, plus the zero point, clipped: MlasRequantizeOutput in
    https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/mlas/lib/quantize.cpp. float32 where the layer
    has no output encoding.
    """
    shape = [1] * sums.ndim
    shape[axis] = -1
    scaled = sums.astype(np.float32) * weights.multiplier.reshape(shape)
    return scaled if weights.output is None else _clip(scaled, weights.output, weights.low, weights.high)


def accumulator(weights: Weights, fan_in_axes: tuple[int, ...], name: str) -> DTypeLike:
    """The float type in which the sums of a layer are exact.

    Args:
        weights: of the layer.
        fan_in_axes: of the weights, that are summed over.
        name: of the layer, for the message.

    Raises:
        ContentError: a sum could leave 32 bits, so that CPUs need not agree.
    """
    magnitudes = np.abs(weights.integers.astype(np.int64) - weights.zero_point).sum(axis=fan_in_axes)
    encoding = weights.input
    largest = max(encoding.high - encoding.zero_point, encoding.zero_point - encoding.low)
    bound = int((magnitudes * largest + np.abs(weights.bias.astype(np.int64))).max())
    if bound >= _INT32:
        raise ContentError(f"the sums of {name} can leave 32 bits.", "Keep that layer in float.")
    return np.float32 if bound < _EXACT_IN_FLOAT32 else np.float64


@dataclass(frozen=True)
class FixedPoint:
    """How two integers become steps of their sum: `first * multipliers[0] + second * multipliers[1]`, over 2**shift."""

    multipliers: tuple[int, int]
    shift: int


def addition(inputs: tuple[Encoding, Encoding], output: Encoding) -> FixedPoint:
    """The finest fixed point in which the sum of two centred values stays below 2**30.

    Raises:
        ContentError: there is none, the output's steps being far too small.
    """
    ratios = [float(encoding.scale) / float(output.scale) for encoding in inputs]
    largest = [max(encoding.high - encoding.zero_point, encoding.zero_point - encoding.low) for encoding in inputs]
    for shift in range(_MAX_SHIFT, 0, -1):
        first, second = (round(ratio * 2**shift) for ratio in ratios)
        if first * largest[0] + second * largest[1] < _FIXED_POINT_LIMIT:
            return FixedPoint((first, second), shift)
    raise ContentError("a sum of two values has steps far smaller than theirs.", "Keep it in float.")


def add(
    first: NDArray[Any],
    second: NDArray[Any],
    inputs: tuple[Encoding, Encoding],
    output: Encoding,
    limits: tuple[int, int],
) -> NDArray[Any]:
    """Integers of the sum of two values, in fixed point; halves are rounded up; `limits` are the least and the most.

    Fixed point is how ONNX Runtime adds on ARM, and what no compiler can contract. It adds in float32 on x86: where a
    sum lies between two integers, that may be one step off.
    """
    fixed = addition(inputs, output)
    total = np.zeros((), np.int64)
    for value, encoding, multiplier in zip((first, second), inputs, fixed.multipliers, strict=True):
        total = total + (value.astype(np.int64) - encoding.zero_point) * multiplier
    steps = (total + 2 ** (fixed.shift - 1) >> fixed.shift) + output.zero_point
    integers: NDArray[Any] = steps.clip(*limits).astype(output.dtype)
    return integers


def multiply(
    first: NDArray[Any],
    second: NDArray[Any],
    inputs: tuple[Encoding, Encoding],
    output: Encoding,
    limits: tuple[int, int],
) -> NDArray[Any]:
    """Integers of the product of two values: the exact product times `product_scale`, rounded half to even."""
    a, b = (v.astype(np.int32) - one.zero_point for v, one in zip((first, second), inputs, strict=True))
    return _clip((a * b).astype(np.float32) * product_scale(inputs, output), output, *limits)


def product_scale(inputs: tuple[Encoding, Encoding], output: Encoding) -> np.float32:
    """The product of two scales in steps of the output."""
    return np.float32(inputs[0].scale * inputs[1].scale / output.scale)


def average(
    integers: NDArray[Any], geometry: Geometry, encodings: tuple[Encoding, Encoding], limits: tuple[int, int]
) -> NDArray[Any]:
    """Integers of the mean of each window: an exact sum times float32(scale / (output scale * places)), rounded.

    Args:
        integers: (n, channels, height, width).
        geometry: of the window.
        encodings: of the input and the output.
        limits: the smallest and the largest integer.
    """
    source, target = encodings
    size = (integers.shape[2], integers.shape[3])
    centred = integers.astype(np.float32) - np.float32(source.zero_point)
    sums = sum_windows(centred, geometry)
    multiplier = source.scale / (target.scale * window_sizes(geometry, size))
    return _clip(sums * multiplier, target, *limits)


def window_sizes(geometry: Geometry, size: tuple[int, int]) -> NDArray[np.float32]:
    """How many places each window averages over: float32 (out height, out width), for an image of (height, width)."""
    there = geometry.on(size)
    if there.counts_pads:
        kernel = there.kernel or size
        return np.full(there.output(size), kernel[0] * kernel[1], np.float32)
    sizes: NDArray[np.float32] = sum_windows(np.ones((1, 1, *size), np.float32), geometry)[0, 0]
    return sizes


def sum_windows(values: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """The sum of each window of values (n, channels, height, width), padded with 0."""
    sums: NDArray[Any] = np.add.reduce(list(_shifted(values, geometry, 0)))
    return sums


def largest(values: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """The largest of each window of values (n, channels, height, width)."""
    lowest = np.iinfo(values.dtype).min if np.issubdtype(values.dtype, np.integer) else -np.inf
    maxima: NDArray[Any] = np.maximum.reduce(list(_shifted(values, geometry, lowest)))
    return maxima


def windows(values: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """The windows of values (n, channels, height, width), padded with 0, as columns of a matrix for each group.

    Returns:
        (n, groups, height * width * channels / groups of the kernel, out height * out width). Channels change fastest
        in a column, as in ONNX Runtime's integer kernels, which decides about which two products are a pair.
    """
    n, channels, height, width = values.shape
    out = geometry.output((height, width))
    stack = np.stack(list(_shifted(values, geometry, 0)), axis=1)  # (n, places, channels, out height, out width)
    columns = stack.reshape(n, stack.shape[1], geometry.groups, channels // geometry.groups, out[0] * out[1])
    return columns.transpose(0, 2, 1, 3, 4).reshape(n, geometry.groups, -1, out[0] * out[1])


def rows(weights: NDArray[Any], groups: int) -> NDArray[Any]:
    """The weights of a convolution (out, in / groups, height, width) as (groups, out / groups, ...), as `windows`."""
    return weights.transpose(0, 2, 3, 1).reshape(groups, weights.shape[0] // groups, -1)


def _shifted(values: NDArray[Any], geometry: Geometry, fill: float) -> Iterator[NDArray[Any]]:
    """For each place of the kernel, row by row: what it sees, (n, channels, out height, out width)."""
    size = (values.shape[2], values.shape[3])
    there = geometry.on(size)
    height, width = there.output(size)
    top, left, bottom, right = there.pads
    padded = (
        np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
        if any(there.pads)
        else values
    )
    kernel = there.kernel or size
    (down, across), (step, stride) = there.dilations, there.strides
    for row in range(0, kernel[0] * down, down):
        for column in range(0, kernel[1] * across, across):
            yield padded[
                :, :, row : row + step * (height - 1) + 1 : step, column : column + stride * (width - 1) + 1 : stride
            ]


def _clip(steps: NDArray[Any], encoding: Encoding, low: int, high: int) -> NDArray[Any]:
    clipped = np.clip(np.rint(steps), low - encoding.zero_point, high - encoding.zero_point)
    integers: NDArray[Any] = (clipped + encoding.zero_point).astype(encoding.dtype)
    return integers
