"""A lowered network on images, operation by operation, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.float_operations import compute
from digitedge.analysis.integer_graph import (
    Dequantize,
    FloatOperation,
    IntegerAdd,
    IntegerConv,
    IntegerGemm,
    IntegerGraph,
    IntegerMove,
    IntegerMultiply,
    IntegerPad,
    IntegerPool,
    IntegerTable,
    Operation,
    Quantize,
)
from digitedge.analysis.integer_kernels import (
    accumulator,
    add,
    average,
    dequantize,
    largest,
    multiply,
    quantize,
    requantize,
    rows,
    windows,
)
from digitedge.analysis.saturating_pairs import lost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.analysis.integer_graph import Weights


@dataclass(frozen=True)
class _Step:
    """What an operation computes from, besides its own fields."""

    sources: list[NDArray[Any]]
    graph: IntegerGraph
    saturating: bool


def values(graph: IntegerGraph, inputs: NDArray[Any], *, saturating: bool = False) -> dict[str, NDArray[Any]]:
    """Every value of a network, by name.

    Args:
        graph: of the network.
        inputs: (n, ...) as the network's input expects.
        saturating: add up products in pairs of 16 bits, see `saturating_pairs`.

    Raises:
        ContentError: the sums of a layer can leave 32 bits.
    """
    found: dict[str, NDArray[Any]] = {graph.input: inputs}
    for operation in graph.operations:
        found[operation.target] = run(
            operation, [found[name] for name in operation.sources], graph, saturating=saturating
        )
    return found


def run(
    operation: Operation, sources: list[NDArray[Any]], graph: IntegerGraph, *, saturating: bool = False
) -> NDArray[Any]:
    """What one operation of a network makes of its sources. See `values`."""
    return _run(operation, _Step(sources, graph, saturating))


@singledispatch
def _run(operation: Operation, _step: _Step) -> NDArray[Any]:
    raise TypeError(operation)


@_run.register(Quantize)
def _quantize(operation: Quantize, step: _Step) -> NDArray[Any]:
    return quantize(step.sources[0], operation.encoding)


@_run.register(Dequantize)
def _dequantize(operation: Dequantize, step: _Step) -> NDArray[Any]:
    return dequantize(step.sources[0], operation.encoding)


@_run.register(IntegerConv)
def _conv(operation: IntegerConv, step: _Step) -> NDArray[Any]:
    (images,), weights, geometry = step.sources, operation.weights, operation.geometry
    exact = accumulator(weights, (1, 2, 3), operation.name)
    columns = windows(images.astype(exact) - weights.input.zero_point, geometry)
    matrix = rows(weights.integers.astype(exact) - weights.zero_point, geometry.groups)
    sums = matrix @ columns  # (n, groups, out / groups, places)
    if step.saturating and weights.integers.dtype == np.int8:
        sums += lost(columns + _to_unsigned(weights), matrix)
    height, width = geometry.output((images.shape[2], images.shape[3]))
    sums = sums.reshape(len(images), -1, height, width) + weights.bias.astype(exact).reshape(-1, 1, 1)
    return requantize(sums, weights, 1)


@_run.register(IntegerGemm)
def _gemm(operation: IntegerGemm, step: _Step) -> NDArray[Any]:
    (vectors,), weights = step.sources, operation.weights
    exact = accumulator(weights, (0,), operation.name)
    centred = vectors.astype(exact) - weights.input.zero_point
    matrix = weights.integers.astype(exact) - weights.zero_point
    sums = centred @ matrix
    if step.saturating and weights.integers.dtype == np.int8:
        sums += lost((centred + _to_unsigned(weights)).swapaxes(-1, -2), matrix.T).swapaxes(-1, -2)
    return requantize(sums + weights.bias.astype(exact), weights, sums.ndim - 1)


@_run.register(IntegerPool)
def _pool(operation: IntegerPool, step: _Step) -> NDArray[Any]:
    if operation.kind == "max":
        return largest(step.sources[0], operation.geometry)
    encodings, limits = (operation.input, operation.output), (operation.low, operation.high)
    return average(step.sources[0], operation.geometry, encodings, limits)


@_run.register(IntegerAdd)
def _sum(operation: IntegerAdd, step: _Step) -> NDArray[Any]:
    first, second = step.sources
    return add(first, second, operation.inputs, operation.output, (operation.low, operation.high))


@_run.register(IntegerMultiply)
def _product(operation: IntegerMultiply, step: _Step) -> NDArray[Any]:
    first, second = step.sources
    return multiply(first, second, operation.inputs, operation.output, (operation.low, operation.high))


@_run.register(IntegerPad)
def _pad(operation: IntegerPad, step: _Step) -> NDArray[Any]:
    top, left, bottom, right = operation.pads
    return np.pad(step.sources[0], ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=operation.fill)


@_run.register(IntegerTable)
def _look_up(operation: IntegerTable, step: _Step) -> NDArray[Any]:
    places = step.sources[0].astype(np.int64) - operation.low
    if operation.values.ndim == 1:
        entries: NDArray[Any] = operation.values[places]
        return entries
    channels = np.arange(len(operation.values)).reshape(-1, *[1] * (places.ndim - 2))
    return operation.values[channels, places]


@_run.register(IntegerMove)
def _move(operation: IntegerMove, step: _Step) -> NDArray[Any]:
    first = step.sources[0]
    if operation.kind == "concat":
        return np.concatenate(step.sources, axis=operation.to[0])
    if operation.kind == "transpose":
        return first.transpose(operation.to)
    return first.reshape([first.shape[axis] if length == 0 else length for axis, length in enumerate(operation.to)])


@_run.register(FloatOperation)
def _float(operation: FloatOperation, step: _Step) -> NDArray[Any]:
    values = {**step.graph.constants, **dict(zip(operation.sources, step.sources, strict=True))}
    return compute(operation.node, values, step.graph.opset)


def _to_unsigned(weights: Weights) -> int:
    """What makes unsigned bytes of centred activations: ONNX Runtime flips the highest bit of signed ones."""
    return weights.input.zero_point - weights.input.low
