"""From a network of floats to a program: a place for every tensor, and the kernel of every operation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from digitedge.export.c import exponential, vectors
from digitedge.export.c.convolution import Convolution, convolution
from digitedge.export.c.dense import Dense, dense
from digitedge.export.c.depthwise import Depthwise, depthwise
from digitedge.export.c.fuse import fuse
from digitedge.export.c.graph import Graph, Node, Tensor
from digitedge.export.c.moving import Concat, Order, Pad, concat, order, pad
from digitedge.export.c.pointwise import Pointwise, pointwise
from digitedge.export.c.pooling import Pooling, pooling
from digitedge.export.c.program import Program
from digitedge.export.c.softmax import ArgMax, Softmax, arg_max, softmax
from digitedge.export.c.tensor import Halo, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from digitedge.export.c.program import Step

# The kernel of each operation, and how its functions are called in the file.
_KERNELS: dict[type, tuple[Callable[..., Step], str]] = {
    Convolution: (convolution, "conv"),
    Depthwise: (depthwise, "depthwise"),
    Dense: (dense, "dense"),
    Pooling: (pooling, "pool"),
    Pointwise: (pointwise, "pointwise"),
    Concat: (concat, "concat"),
    Pad: (pad, "pad"),
    Order: (order, "order"),
    Softmax: (softmax, "softmax"),
    ArgMax: (arg_max, "largest"),
}
# They read their input as one vector, with nothing in between.
_NEED_PLAIN = (Dense, Softmax, ArgMax, Order)


def build(graph: Graph) -> Program:
    """The program of a network.

    The scores are float, or int32_t for a label; the image is as its tensor says. Both are the caller's, and have
    nothing around them: where a convolution needs that, it reads a copy.
    """
    graph = _with_room(fuse(graph))
    halos = _halos(graph.nodes)
    places = {tensor: place(tensor.shape, tensor.ctype, halos.get(tensor)) for tensor in _tensors(graph)}
    steps, numbers = [], Counter[str]()
    for node in graph.nodes:
        kernel, stem = _KERNELS[type(node.operation)]
        numbers[stem] += 1
        arguments = [places[tensor] for tensor in (*node.reads, node.writes)]
        steps.append(kernel(f"{stem}{numbers[stem]}", node.operation, *arguments))
    image, scores = places[graph.image].buffer, places[graph.scores].buffer
    return Program(image, scores, tuple(steps), (vectors.PREAMBLE, exponential.PREAMBLE))


def _tensors(graph: Graph) -> Iterable[Tensor]:
    return dict.fromkeys([graph.image, graph.scores, *(node.writes for node in graph.nodes)])


def _with_room(graph: Graph) -> Graph:
    """Puts a copy before each convolution that needs zeros around a tensor which can have none."""
    plain = {tensor for node in graph.nodes if isinstance(node.operation, _NEED_PLAIN) for tensor in node.reads}
    plain |= {node.writes for node in graph.nodes if isinstance(node.operation, _NEED_PLAIN)}
    plain |= {graph.image, graph.scores}
    nodes: list[Node] = []
    copies: dict[Tensor, Tensor] = {}
    for node in graph.nodes:
        tensor = node.reads[0]
        if _margin(node) != Halo() and tensor in plain:
            if tensor not in copies:
                copies[tensor] = Tensor(tensor.shape)
                nodes.append(Node(Order(None), (tensor,), copies[tensor]))
            nodes.append(Node(node.operation, (copies[tensor],), node.writes))
        else:
            nodes.append(node)
    return Graph(graph.image, graph.scores, tuple(nodes))


def _halos(nodes: Iterable[Node]) -> dict[Tensor, Halo]:
    """What the readers of each tensor need around it, all of them together."""
    halos: dict[Tensor, Halo] = {}
    for node in nodes:
        halos[node.reads[0]] = halos.get(node.reads[0], Halo()) | _margin(node)
    return halos


def _margin(node: Node) -> Halo:
    """How far a node reads beyond its input."""
    operation: Any = node.operation
    if not isinstance(operation, (Convolution, Depthwise)):
        return Halo()
    shape, (top, left) = node.reads[0].shape, operation.pads
    beyond = [
        (size - 1) * stride + (kernel - 1) * dilation + 1 - pad - extent
        for size, stride, kernel, dilation, pad, extent in zip(
            operation.output, operation.strides, _kernel(operation), operation.dilations, (top, left),
            (shape.height, shape.width), strict=True,
        )
    ]  # fmt: skip
    return Halo(top, left, max(0, beyond[0]), max(0, beyond[1]))


def _kernel(operation: Convolution | Depthwise) -> tuple[int, ...]:
    return operation.weights.shape[1:3] if isinstance(operation, Convolution) else operation.weights.shape[:2]
