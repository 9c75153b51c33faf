"""Nodes that move integers about, and nodes that no QuantizeLinear follows: their floats still stand for integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.analysis.integer_graph import (
    Dequantize,
    Geometry,
    IntegerMove,
    IntegerPad,
    IntegerPool,
    IntegerTable,
    Operation,
)
from digitedge.analysis.lowering_tables import recoding
from digitedge.analysis.qdq import QdqGraph, attributes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.analysis.integer_graph import Encoding
    from digitedge.analysis.qdq import End

_IMAGE_AXES = 4


def pad(graph: QdqGraph, node: Any) -> list[Operation] | None:
    """Zeros around an image."""
    source, attributes = graph.integer_input(node, 0), attributes_of(node)
    pads = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    fills = [graph.constants.get(name) for name in node.input[2:] if name]
    zeros = all(fill is not None and fill.size == 1 and float(fill.item()) == 0 for fill in fills)
    constant = attributes.get("mode", b"constant") == b"constant"
    if source is None or pads is None or not zeros or not constant:
        return None
    counts = [int(count) for count in pads]
    if len(counts) != 8 or any(counts[:2] + counts[4:6]) or min(counts) < 0:  # noqa: PLR2004 (4 axes, 2 ends)
        return None
    name, encoding = source
    target, rest = kept(graph, node, encoding)
    around = (counts[2], counts[3], counts[6], counts[7])
    return [IntegerPad(name_of(node), (name,), target, around, encoding.zero_point), *rest]


def move(kind: Any) -> Callable[[QdqGraph, Any], list[Operation] | None]:
    """The rule of operators that change the order or the shape of a value."""

    def rule(graph: QdqGraph, node: Any) -> list[Operation] | None:
        source, to = graph.integer_input(node, 0), _destination(graph, node)
        if source is None or to is None:
            return None
        name, encoding = source
        target, rest = kept(graph, node, encoding)
        return [IntegerMove(name_of(node), (name,), target, kind, to), *rest]

    return rule


def reduce_mean(graph: QdqGraph, node: Any) -> list[Operation] | None:
    """The mean of all places of an image, whose channels stand first or last."""
    attributes, source = attributes_of(node), graph.integer_input(node, 0)
    axes = graph.constants[node.input[1]] if len(node.input) > 1 else attributes.get("axes", ())
    places = sorted(int(axis) % _IMAGE_AXES for axis in axes)
    end = graph.end(node) or graph.end_behind_moves(node)
    if places not in ([2, 3], [1, 2]) or end is None or source is None:
        return None
    name, (integers, encoding) = name_of(node), source
    target, rest = _given(graph, node, end)
    last = places == [1, 2]
    first = [IntegerMove(name, (integers,), f"{target}/image", "transpose", (0, 3, 1, 2))] if last else []
    begin, mean = f"{target}/image" if last else integers, f"{target}/mean"
    pool = IntegerPool(name, (begin,), mean, "average", Geometry(None), encoding, end.encoding, end.low, end.high)
    shape = ((0, 1, 1, -1) if last else (0, -1, 1, 1)) if attributes.get("keepdims", 1) else (0, -1)
    return [*first, pool, IntegerMove(name, (mean,), target, "reshape", shape), *rest]


def concat(graph: QdqGraph, node: Any) -> list[Operation] | None:
    """Values side by side, each in the encoding of the result."""
    end = graph.end(node)
    found = [one for one in (graph.integer_input(node, index) for index in range(len(node.input))) if one is not None]
    if end is None or len(found) < len(node.input):
        return None
    graph.absorb(end)
    name = name_of(node)
    operations: list[Operation] = []
    sources = []
    for index, (source, encoding) in enumerate(found):
        same = _keeps(encoding, end)
        sources.append(source if same else f"{end.target}/{index}")
        if not same:
            operations.append(_recode(f"{name}/{index}", source, sources[-1], encoding, end))
    axis = (attributes_of(node)["axis"],)
    return [*operations, IntegerMove(name, tuple(sources), end.target, "concat", axis)]


def _destination(graph: QdqGraph, node: Any) -> tuple[int, ...] | None:
    """Where a Reshape, Flatten, Squeeze or Transpose moves to; None where no constant says it."""
    attributes = attributes_of(node)
    if node.op_type == "Transpose":
        return tuple(attributes["perm"]) if "perm" in attributes else None
    if node.op_type == "Flatten":
        return (0, -1) if attributes.get("axis", 1) == 1 else None
    to = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    if to is None or attributes.get("allowzero", 0):
        return None
    numbers = tuple(int(number) for number in to)
    if node.op_type == "Unsqueeze":  # of a vector: an image that has one place
        return (0, 0, 1, 1) if sorted(number % 4 for number in numbers) == [2, 3] else None
    if node.op_type == "Squeeze":  # of the places of an image that has one: what is left are its channels
        return (0, -1) if sorted(number % 4 for number in numbers) == [2, 3] else None
    return numbers


def _given(graph: QdqGraph, node: Any, end: End) -> tuple[str, list[Operation]]:
    """The name of the integers that a node gives in the encoding of an end, and what makes floats of them."""
    if graph.end(node) is not None:
        graph.absorb(end)
        return end.target, []
    return _encoded(graph, node, end.encoding)


def kept(graph: QdqGraph, node: Any, encoding: Encoding) -> tuple[str, list[Operation]]:
    """The name of the integers that a node gives in the encoding of its input, and what makes floats of them.

    The integers of the QuantizeLinear behind it, where that has the same encoding; else the node's own, which whatever
    comes next reads.
    """
    end = graph.end(node)
    if end is not None and _keeps(encoding, end):
        graph.absorb(end)
        return end.target, []
    return _encoded(graph, node, encoding)


def _encoded(graph: QdqGraph, node: Any, encoding: Encoding) -> tuple[str, list[Operation]]:
    floats = node.output[0]
    integers = f"{floats}/integers"
    graph.encoded[floats] = (integers, encoding)
    return integers, [Dequantize(name_of(node), (integers,), floats, encoding)]


def _recode(name: str, source: str, target: str, encoding: Encoding, end: End) -> Operation:
    return IntegerTable(name, (source,), target, recoding(encoding, end), encoding.low)


def _keeps(encoding: Encoding, end: End) -> bool:
    """Whether integers mean the same after the end as before it."""
    return encoding == end.encoding and (end.low, end.high) == (encoding.low, encoding.high)


def name_of(node: Any) -> str:
    """A node's name, or that of its result where it has none."""
    name: str = node.name or node.output[0]
    return name
