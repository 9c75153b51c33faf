"""The values of an ONNX graph while it is lowered.

ONNX thinks in N x C x H x W, the C file in height x width x channels, and between the two stand Transposes, Reshapes
and Flattens. None of them moves anything here: a value remembers, for each of its elements as ONNX counts them, where
that element lies in memory. A dense layer behind them has its weights in that order; whoever needs another one gets a
copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.errors import ContentError
from digitedge.export.c.graph import Node, Tensor
from digitedge.export.c.moving import Order
from digitedge.export.c.tensor import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANK = 4  # of images: N x C x H x W


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor as ONNX sees it.

    Attributes:
        tensor: in memory.
        places: int64, of the shape that ONNX gives it, for one image: the index in memory of each element.
    """

    tensor: Tensor
    places: NDArray[np.int64]


@dataclass(eq=False)
class Lowering:
    """What is known so far: it grows node by node.

    Attributes:
        constants: arrays by name.
        values: what depends on the image, by name.
        nodes: of the network that is written.
    """

    constants: dict[str, NDArray[Any]]
    values: dict[str, Value] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def emit(self, operation: Any, reads: tuple[Tensor, ...], shape: Shape, ctype: str = "float") -> Tensor:
        """Appends an operation and gives its output."""
        tensor = Tensor(shape, ctype)
        self.nodes.append(Node(operation, reads, tensor))
        return tensor

    def image(self, node: Any, value: Value) -> Tensor:
        """A value 1 x C x H x W as a tensor whose memory is height x width x channels.

        Raises:
            ContentError: it has another rank.
        """
        if value.places.ndim != RANK or value.places.shape[0] != 1:
            raise refuse(node, f"of {value.places.ndim} dimensions", "Give it images: N x C x H x W.")
        return self._ordered(value, _image_order(value.places.shape))

    def vector(self, value: Value) -> Tensor:
        """A value as a tensor whose memory has the order in which ONNX counts its elements."""
        return self._ordered(value, np.arange(value.places.size).reshape(value.places.shape))

    def _ordered(self, value: Value, wanted: NDArray[np.int64]) -> Tensor:
        shape = Shape(1, 1, wanted.size)
        if wanted.ndim == RANK:
            _, channels, height, width = wanted.shape
            shape = Shape(height, width, channels)
        moves = None if np.array_equal(value.places, wanted) else np.empty(wanted.size, np.int64)
        if moves is None and shape == value.tensor.shape:
            return value.tensor
        if moves is not None:
            moves[wanted.ravel()] = value.places.ravel()
        return self.emit(Order(moves), (value.tensor,), shape, value.tensor.ctype)


def image_value(tensor: Tensor) -> Value:
    """What is 1 x C x H x W to ONNX, and height x width x channels in memory."""
    shape = tensor.shape
    return Value(tensor, _image_order((1, shape.channels, shape.height, shape.width)))


def is_turned(value: Value) -> bool:
    """Whether it is N x H x W x C to ONNX as well, as what stands between two Transposes is."""
    shape = value.tensor.shape
    plain = np.arange(shape.count).reshape(1, shape.height, shape.width, shape.channels)
    return np.array_equal(value.places, plain)


def turn(value: Value) -> Value:
    """N x H x W x C seen as N x C x H x W."""
    return Value(value.tensor, value.places.transpose(0, 3, 1, 2))


def turn_back(value: Value) -> Value:
    """N x C x H x W seen as N x H x W x C."""
    return Value(value.tensor, value.places.transpose(0, 2, 3, 1))


def attributes(node: Any) -> dict[str, Any]:
    """Of a node, by name."""
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def refuse(node: Any, what: str, cure: str) -> ContentError:
    """The error for a node that C99 source cannot have."""
    return ContentError(f"node {node.name} is a {node.op_type} {what}, which C99 source cannot have.", cure)


def _image_order(shape: tuple[int, ...]) -> NDArray[np.int64]:
    _, channels, height, width = shape
    return np.arange(height * width * channels).reshape(1, height, width, channels).transpose(0, 3, 1, 2)
