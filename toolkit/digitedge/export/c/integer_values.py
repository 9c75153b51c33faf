"""Where the values of a lowered network lie in C, and in which order.

ONNX says height and width last, C kernels have channels last. Nothing is moved for that: each value knows which element
of ONNX's order each element in memory is, and a dense layer's weights are sorted accordingly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from digitedge.analysis.integer_evaluation import run
from digitedge.analysis.integer_graph import FloatOperation, IntegerConv, IntegerMove
from digitedge.analysis.qdq import MOVES
from digitedge.export.c.tensor import Halo, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from digitedge.analysis.integer_graph import IntegerGraph, Operation
    from digitedge.export.c.tensor import Place

_IMAGE = 4  # axes of (1, channels, height, width)


@dataclass(frozen=True, eq=False)
class Value:
    """A value of one image.

    Attributes:
        place: in memory.
        shape: in ONNX, with a first axis of length 1.
        order: int64 (elements,): the place in ONNX's order of each element in memory.
    """

    place: Place
    shape: tuple[int, ...]
    order: NDArray[np.int64]

    @property
    def has_channels_last(self) -> bool:
        """Whether pixels and channels lie as kernels expect them."""
        return np.array_equal(self.order, channels_last(self.shape))

    def lies_along(self, other: Value) -> bool:
        """Whether each element is what ONNX pairs with the element of the other at the same place in memory.

        Of a value with one place, for all places of the other.
        """
        here, there = self.place.shape, other.place.shape
        if here not in (there, Shape(1, 1, there.channels)):
            return False
        partners = np.broadcast_to(np.arange(self.order.size).reshape(self.shape), other.shape).ravel()[other.order]
        return np.array_equal(partners, np.tile(self.order, there.count // here.count))


def channels_last(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The order of height, width, channels of a value (1, channels, height, width); that of ONNX of any other."""
    places = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
    return (places.transpose(0, 2, 3, 1) if len(shape) == _IMAGE else places).ravel()


def shape_of(shape: tuple[int, ...]) -> Shape:
    """Of a value's place: a vector unless it is an image."""
    if len(shape) == _IMAGE:
        return Shape(shape[2], shape[3], shape[1])
    return Shape(1, 1, int(np.prod(shape, dtype=np.int64)))


def is_move(operation: Operation) -> bool:
    """Whether an operation changes only how a value is seen."""
    if isinstance(operation, FloatOperation):
        return operation.node.op_type in MOVES
    return isinstance(operation, IntegerMove) and operation.kind != "concat"


def move(operation: Operation, value: Value, graph: IntegerGraph) -> Value:
    """The same memory, seen as `operation` makes it."""
    places = np.arange(value.order.size).reshape(value.shape)
    moved = run(operation, [places], graph)
    seen = np.empty(value.order.size, np.int64)
    seen[moved.ravel()] = np.arange(value.order.size)
    return replace(value, shape=moved.shape, order=seen[value.order])


@dataclass(frozen=True)
class Around:
    """What convolutions read around a value: how far, and the integer that stands for zero there."""

    halo: Halo
    fill: int


def around(graph: IntegerGraph, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Around]:
    """What is read around values, by name; of a value that is seen in several ways, by its first name.

    Args:
        graph: the network.
        shapes: of all values.
    """
    first: dict[str, str] = {}
    found: dict[str, Around] = {}
    for operation in graph.operations:
        source = operation.sources[0]
        root = first.get(source, source)
        if is_move(operation):
            first[operation.target] = root
        if isinstance(operation, IntegerConv):
            size = (shapes[source][2], shapes[source][3])
            halo = Halo(*operation.geometry.on(size).pads)
            before = found[root].halo if root in found else Halo()
            if halo | before != Halo():
                found[root] = Around(halo | before, operation.weights.input.zero_point)
    return found
