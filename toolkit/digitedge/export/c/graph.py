"""A network of floats as operations on tensors whose channels lie together: between ONNX and C.

How it is made: `lower` writes it from ONNX nodes, one operation each; `fuse` joins what one C function does at once;
`build` gives every tensor its place and calls the kernel of every operation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digitedge.export.c.tensor import Shape


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value that flows through the network. Equal by identity.

    Attributes:
        shape: of one image's.
        ctype: of its elements, as C has it.
    """

    shape: Shape
    ctype: str = "float"


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes:
        operation: one of the dataclasses beside the kernels: Convolution, Dense, Pooling, ...
        reads: its inputs, in order.
        writes: its output.
    """

    operation: Any
    reads: tuple[Tensor, ...]
    writes: Tensor

    def with_writes(self, tensor: Tensor) -> Node:
        """The same operation with another output."""
        return replace(self, writes=tensor)


@dataclass(frozen=True, eq=False)
class Graph:
    """A whole network, its nodes in the order in which they run.

    Attributes:
        image: the input.
        scores: the output.
        nodes: what is between.
    """

    image: Tensor
    scores: Tensor
    nodes: tuple[Node, ...]

    def readers(self, tensor: Tensor) -> int:
        """How often it is read, the caller included."""
        return sum(node.reads.count(tensor) for node in self.nodes) + (tensor is self.scores)


def rewire(nodes: Iterable[Node], old: Tensor, new: Tensor) -> list[Node]:
    """The nodes, those that read `old` reading `new` instead."""
    return [replace(node, reads=tuple(new if read is old else read for read in node.reads)) for node in nodes]
