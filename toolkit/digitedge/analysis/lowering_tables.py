"""A function of one 8-bit integer is a table of 256: activations between two encodings, scalings, other encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from digitedge.analysis.integer_graph import IntegerTable
from digitedge.analysis.integer_kernels import dequantize, quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.analysis.integer_graph import Encoding
    from digitedge.analysis.qdq import End, QdqGraph

# Operators that look at one number at a time, as long as their other operands are constants, one or one a channel.
POINTWISE = frozenset(
    ("Add", "Clip", "Div", "Elu", "Exp", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Max", "Min", "Mul",
     "Neg", "Relu", "Sigmoid", "Softplus", "Softsign", "Sub", "Tanh")
)  # fmt: skip


def table(graph: QdqGraph, node: Any, encoding: Encoding) -> IntegerTable | None:
    """The table that a QuantizeLinear ends; None where more than one value, or another operator, leads to it.

    Args:
        graph: that the node stands in.
        node: the QuantizeLinear.
        encoding: of it.
    """
    row: list[Any] = []
    sources: dict[str, tuple[str, Encoding]] = {}
    if not _walk(graph, node.input[0], row, sources) or len(set(sources.values())) != 1:
        return None
    ((integers, found),) = set(sources.values())
    channels = _channels(graph, row)
    if channels is None:
        return None
    start = dequantize(_all(found), found)
    values = {name: np.broadcast_to(start, (1, channels, 1, start.size)) for name in sources}
    for step in row:
        inputs = {key: values.get(key, graph.constants.get(key)) for key in step.input if key}
        (values[step.output[0]],) = ReferenceEvaluator(step, opsets={"": graph.opset}).run(None, inputs)
    entries = quantize(values[node.input[0]], encoding).reshape(channels, -1)
    name = node.name or node.output[0]
    return IntegerTable(name, (integers,), node.output[0], entries[0] if channels == 1 else entries, found.low)


def _channels(graph: QdqGraph, row: list[Any]) -> int | None:
    """How many channels the constants of a row of nodes tell apart; None if they tell apart anything else."""
    arrays = [graph.constants[name] for node in row for name in node.input if name in graph.constants]
    shapes = {array.shape[-3:] for array in arrays if array.size > 1}
    if not shapes:
        return 1
    ((channels, *places),) = shapes if len(shapes) == 1 else ((0, 0, 0),)
    whole = [array for array in arrays if array.size not in (1, channels)]
    return channels if places == [1, 1] and not whole else None


def recoding(encoding: Encoding, end: End) -> NDArray[Any]:
    """(256,) integers of another encoding for each integer of the first, within the limits of the end."""
    integers: NDArray[Any] = quantize(dequantize(_all(encoding), encoding), end.encoding).clip(end.low, end.high)
    return integers


def _all(encoding: Encoding) -> NDArray[Any]:
    return np.arange(encoding.low, encoding.high + 1).astype(encoding.dtype)


def _walk(graph: QdqGraph, name: str, row: list[Any], sources: dict[str, tuple[str, Encoding]]) -> bool:
    """Whether only pointwise nodes lead from integers to a value: they go to `row`, what they read to `sources`."""
    if name in graph.constants:
        return True
    found = graph.integers_of(name)
    if found is not None:
        sources[name] = found
        return True
    node = graph.producer(name)
    if node is None or node.op_type not in POINTWISE:
        return False
    if not all(_walk(graph, key, row, sources) for key in node.input if key):
        return False
    if all(node is not other for other in row):
        row.append(node)
    return True
