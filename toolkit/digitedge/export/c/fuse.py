"""Joins operations that one C function does at once, where that saves memory and costs no time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from digitedge.export.c.activation import Bounds, HardSigmoid
from digitedge.export.c.convolution import Convolution, Window
from digitedge.export.c.dense import Dense
from digitedge.export.c.depthwise import Depthwise
from digitedge.export.c.graph import Graph, Node
from digitedge.export.c.pointwise import Pointwise
from digitedge.export.c.pooling import Pooling

if TYPE_CHECKING:
    from collections.abc import Callable

# Its sums are all in registers at once. Where there are but sixteen, the last few are spilled, at little cost.
_LARGEST_WINDOW = 16


def fuse(graph: Graph) -> Graph:
    """The same network in fewer operations.

    1. Pointwise operations after one another are one, with or without an addition before them.
    2. An activation that can be computed on vectors joins the convolution or dense layer before it.
    3. So does a pooling whose windows lie side by side join a convolution: only its result is ever stored.

    An operation is joined only where nothing else reads what lies between.
    """
    for join in (_pointwise, _activation, _pooling):
        graph = _all(graph, join)
    return graph


def _all(graph: Graph, join: Callable[[Any, Any], Any]) -> Graph:
    """Joins pairs of a writer and its only reader until there are none."""
    nodes = list(graph.nodes)
    position = 0
    while position < len(nodes):
        second = nodes[position]
        first = next((node for node in nodes if second.reads and node.writes is second.reads[0]), None)
        if (
            first is not None
            and len(second.reads) == 1
            and replace(graph, nodes=tuple(nodes)).readers(first.writes) == 1
        ):
            operation = join(first.operation, second.operation)
            if operation is not None and (not isinstance(operation, Pointwise) or _same(first, second)):
                nodes[position] = Node(operation, first.reads, second.writes)
                nodes.remove(first)
                continue
        position += 1
    return replace(graph, nodes=tuple(nodes))


def _same(first: Node, second: Node) -> bool:
    return first.writes.shape == second.writes.shape


def _pointwise(first: Any, second: Any) -> Any:
    if isinstance(first, Pointwise) and isinstance(second, Pointwise):
        return Pointwise((*first.stages, *second.stages), first.operator)
    return None


def _activation(first: Any, second: Any) -> Any:
    is_sum = isinstance(first, (Convolution, Dense, Depthwise)) and first.activation is None
    if not is_sum or getattr(first, "pool", None) is not None or not isinstance(second, Pointwise):
        return None
    (*rest, activation) = second.stages
    if rest or activation.on_vec("v") is None:
        return None
    return replace(first, activation=activation)


def _pooling(first: Any, second: Any) -> Any:
    if not isinstance(first, Convolution) or first.pool is not None or not isinstance(second, Pooling):
        return None
    side_by_side = second.window == second.strides and second.pads == (0, 0)
    inside = all(n * w <= size for n, w, size in zip(_size(second), second.window, first.output, strict=True))
    # The activation of the largest is the largest activation only where it never falls.
    rises = isinstance(first.activation, (Bounds, HardSigmoid, type(None)))
    if not side_by_side or not inside or not rises or math.prod(second.window) > _LARGEST_WINDOW:
        return None
    kind = "max" if second.kind == "max" else "average"
    return replace(first, pool=Window(*second.window, kind))


def _size(pooling: Pooling) -> tuple[int, int]:
    return pooling.result.height, pooling.result.width
