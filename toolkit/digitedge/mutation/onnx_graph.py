"""An ONNX graph that is about to be spoilt: its layers and weights, and ways to put a node in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.qdq import attributes_of
from digitedge.analysis.shapes import LAYERS
from digitedge.mutation.mutation import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitedge.mutation.mutation import Right
    from digitedge.spec import Spec

    Edit = Callable[["Graph"], bool]


@dataclass(frozen=True, slots=True)
class Layer:
    """A node that multiplies by weights.

    Attributes:
        node: a Conv, Gemm or MatMul.
        weights: name of its weights; of the integers where they are quantized.
        bias: name of its bias, likewise; None where it has none.
        outputs_axis: of the weights, along which the outputs lie.
    """

    node: Any
    weights: str
    bias: str | None
    outputs_axis: int


class Graph:
    """A model of one input and one output, to be changed in place.

    Attributes:
        model: onnx.ModelProto.
        spec: what it expects and gives.
        nodes: of the model, in its order.
        output: name of what it gives.
        opset: version of ONNX's own operators.
        arrays: the weights by name, as they stand in the file. Change them by `set` alone.
    """

    def __init__(self, model: Any, spec: Spec) -> None:
        self.model, self.spec = model, spec
        self.arrays: dict[str, NDArray[Any]] = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self.nodes = model.graph.node
        self.output: str = model.graph.output[0].name
        (self.opset,) = (entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})

    @property
    def layers(self) -> list[Layer]:
        """The nodes that multiply by weights, in the order of the graph."""
        found = [self._layer(node) for node in self.nodes if node.op_type in LAYERS]
        return [layer for layer in found if layer is not None]

    @property
    def softmax(self) -> Any:
        """The Softmax that makes the output; None where it is not one that does."""
        producer = self.producer(self.output)
        return producer if producer is not None and producer.op_type == "Softmax" else None

    def producer(self, name: str) -> Any:
        """The node that makes a value; None for weights and the image."""
        return next((node for node in self.nodes if name in node.output), None)

    def readers(self, name: str) -> list[Any]:
        """The nodes that read a value."""
        return [node for node in self.nodes if name in node.input]

    def set(self, name: str, array: NDArray[Any]) -> None:
        """Gives a weight another content of the same type, or adds one."""
        old = self.arrays.get(name)
        array = np.array(array, None if old is None else old.dtype, order="C")
        made = onnx.numpy_helper.from_array(array, name)
        if old is None:
            self.model.graph.initializer.append(made)
        else:
            next(tensor for tensor in self.model.graph.initializer if tensor.name == name).CopyFrom(made)
        self.arrays[name] = array

    def behind(self, name: str, op_type: str, *constants: NDArray[Any], **attributes: Any) -> Any:
        """Puts a node between a value and whatever reads it, the caller of the model too.

        Args:
            name: of the value, which becomes the node's first input.
            op_type: of the node.
            constants: its other inputs.
            attributes: of the node.

        Returns:
            The node in the graph.
        """
        new = f"{name}/{op_type}"
        for node in self.nodes:
            self._reroute(node, name, new)
        if name == self.output:  # the output keeps its name: what made it gives another
            producer = self.producer(name)
            producer.output[list(producer.output).index(name)] = new
            name, new = new, name
        for index, array in enumerate(constants):
            self.set(f"{new}/{index}", array)
        made = onnx.helper.make_node(
            op_type, [name, *(f"{new}/{index}" for index in range(len(constants)))], [new], **attributes
        )
        place = next((index + 1 for index, node in enumerate(self.nodes) if name in node.output), 0)
        self.nodes.insert(place, made)
        return self.nodes[place]

    def bypass(self, node: Any) -> None:
        """Takes a node out: whatever reads its result reads its first input."""
        source, result = node.input[0], node.output[0]
        self.nodes.remove(node)
        if result == self.output:
            producer = self.producer(source)
            producer.output[list(producer.output).index(source)] = result
            source, result = result, source
        for other in self.nodes:
            self._reroute(other, result, source)

    def shift(self, name: str, pixels: int) -> None:
        """Moves a value of rank 4 down and to the right, or back; zeros follow."""
        pads = np.array([0, 0, pixels, pixels, 0, 0, -pixels, -pixels], np.int64)
        self.behind(name, "Pad", pads)

    def image(self) -> str | None:
        """The name of the image as float32, in the layout of the file; None where it is read as integers alone."""
        (value,) = self.model.graph.input
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            return str(value.name)
        casts = [node for node in self.readers(value.name) if node.op_type == "Cast"]
        return str(casts[0].output[0]) if casts else None

    @staticmethod
    def _reroute(node: Any, old: str, new: str) -> None:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new

    def _layer(self, node: Any) -> Layer | None:
        weights = self._stored(node.input[1])
        if weights is None:
            return None
        bias = self._stored(node.input[2]) if len(node.input) > 2 else self._added(node)  # noqa: PLR2004 (the third)
        rows = node.op_type == "Conv" or bool(attributes_of(node).get("transB", 0))
        return Layer(node, weights, bias, 0 if rows else self.arrays[weights].ndim - 1)

    def _added(self, node: Any) -> str | None:
        """The constant that an Add behind a node adds."""
        readers = self.readers(node.output[0])
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        return next((name for name in map(self._stored, readers[0].input) if name is not None), None)

    def _stored(self, name: str) -> str | None:
        """The name of the weight behind an input, through a DequantizeLinear."""
        if name in self.arrays:
            return name
        source = self.producer(name)
        quantized = source is not None and source.op_type == "DequantizeLinear" and source.input[0] in self.arrays
        return str(source.input[0]) if quantized else None


def on_graph(edit: Edit) -> Callable[[Right], Wrong | None]:
    """Makes an `apply` of a function that changes a graph, and says whether it has.

    A graph whose bytes are the same afterwards has not been changed, whatever it says.
    """

    def apply(right: Right) -> Wrong | None:
        graph = Graph(onnx.load_from_string(right.data), right.spec)
        before = graph.model.SerializeToString(deterministic=True)
        if not edit(graph):
            return None
        data = graph.model.SerializeToString(deterministic=True)
        return None if data == before else Wrong(data)

    return apply
