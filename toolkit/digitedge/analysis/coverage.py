"""How much of a file that is called int8 really computes in integers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

from digitedge.analysis.shapes import LAYERS, multiply_accumulates

if TYPE_CHECKING:
    from collections.abc import Iterable

# Between DequantizeLinear and QuantizeLinear, ONNX Runtime's CPU provider makes one integer operation of these. Others,
# such as Relu, HardSwish, Pad or ReduceMean, it computes in float there; a test asks it. The list:
# https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc
FUSED = frozenset(
    {"Conv", "Gemm", "MatMul", "Add", "Mul", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Reshape",
     "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Identity", "LeakyRelu", "Sigmoid", "Softmax"}
)  # fmt: skip
_BYTES = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
_MATRIX = 2  # axes that weights have at least: biases and scales have fewer


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is in integers.

    Attributes:
        weights_share: of the weights, those stored as 8-bit integers, in [0, 1]. Biases and scales are no weights.
        macs_share: of the multiply-accumulates, those between 8-bit integers, in [0, 1].
        float_layers: names of the nodes that multiply floats.
        islands: names of the nodes that compute in float between integers.
    """

    weights_share: float
    macs_share: float
    float_layers: tuple[str, ...]
    islands: tuple[str, ...]


def coverage(model: Any) -> Coverage:
    """What of a model is in 8-bit integers.

    1. Weights are initializers of two axes or more that are float32, or bytes that a DequantizeLinear reads.
    2. A layer multiplies integers if a DequantizeLinear makes both of its factors, of an activation's bytes the first
       and of stored bytes or an activation's the second, and if a convolution ends in a QuantizeLinear.
    3. An island is any node but those of QDQ that computes in float, reads what was integers before, and is read by
       what becomes integers again. A row of such nodes counts each.

    Args:
        model: onnx.ModelProto. Without QDQ nodes, both shares are 0.
    """
    graph = _Graph(model)
    macs = multiply_accumulates(model)
    in_integers = {node.output[0] for node in graph.nodes if node.op_type in LAYERS and graph.is_integer(node)}
    stored = [
        tensor for tensor in model.graph.initializer if tensor.name in graph.dequantized and tensor.data_type in _BYTES
    ]
    floats = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    weights = _elements(stored)
    return Coverage(
        weights_share=_share(weights, weights + _elements(floats)),
        macs_share=_share(sum(macs[name] for name in in_integers), sum(macs.values())),
        float_layers=tuple(
            _name(node) for node in graph.nodes if node.op_type in LAYERS and not graph.is_integer(node)
        ),
        islands=tuple(_name(node) for node in graph.islands()),
    )


class _Graph:
    """A QDQ model's nodes, and who makes and reads which tensor."""

    def __init__(self, model: Any) -> None:
        self.nodes = [node for node in model.graph.node if node.op_type != "Constant"]
        self.constants = {tensor.name for tensor in model.graph.initializer}
        # Axes, shapes and the like are no floats: nothing is computed with them.
        self.floats = {tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
        self.constants |= {name for node in model.graph.node if node.op_type == "Constant" for name in node.output}
        self.makers = {name: node for node in self.nodes for name in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.dequantized = {node.input[0] for node in self.nodes if node.op_type == "DequantizeLinear"}

    def is_integer(self, node: Any) -> bool:
        """Whether ONNX Runtime makes an integer operation of a node with the QDQ nodes around it."""
        if node.op_type not in FUSED:
            return False
        factors = [name for name in node.input if name and (name not in self.constants or name in self.floats)]
        read = factors[:2] if node.op_type in LAYERS else factors  # a bias is added in 32 bits
        ends = node.op_type in {"Gemm", "MatMul"} or self._ends_in_bytes(node)
        return ends and all(self._is_dequantized(name) for name in read)

    def islands(self) -> list[Any]:
        """Nodes that compute in float between integers, in the order of the graph."""
        computing = [node for node in self.nodes if node.op_type not in {"QuantizeLinear", "DequantizeLinear"}]
        floats = [node for node in computing if not self.is_integer(node) and not self._is_constant(node)]
        own = {id(node) for node in floats}
        after, before = set[int](), set[int]()
        for node in floats:
            makers = [self.makers[name] for name in node.input if name in self.makers]
            if any(self._dequantizes_activation(one) or id(one) in after for one in makers):
                after.add(id(node))
        for node in reversed(floats):
            readers = [one for name in node.output for one in self.readers.get(name, [])]
            if any(one.op_type == "QuantizeLinear" or id(one) in before for one in readers):
                before.add(id(node))
        return [node for node in floats if id(node) in after & before & own]

    def _is_dequantized(self, name: str) -> bool:
        maker = self.makers.get(name)
        return maker is not None and maker.op_type == "DequantizeLinear" and self._holds_bytes(maker.input[0])

    def _holds_bytes(self, name: str) -> bool:
        """Stored as bytes, or made of an activation; not float weights that pass through QDQ nodes in the file."""
        maker = self.makers.get(name)
        return maker is None or maker.op_type != "QuantizeLinear" or maker.input[0] not in self.constants

    def _dequantizes_activation(self, node: Any) -> bool:
        return node.op_type == "DequantizeLinear" and node.input[0] not in self.constants

    def _is_constant(self, node: Any) -> bool:
        return all(name in self.constants for name in node.input if name)

    def _ends_in_bytes(self, node: Any) -> bool:
        readers = [one for name in node.output for one in self.readers.get(name, [])]
        while len(readers) == 1 and readers[0].op_type in {"Relu", "Clip"} and node.op_type == "Conv":
            readers = self.readers.get(readers[0].output[0], [])
        return bool(readers) and all(one.op_type == "QuantizeLinear" for one in readers)


def _elements(tensors: Iterable[Any]) -> int:
    return sum(math.prod(tensor.dims) for tensor in tensors if len(tensor.dims) >= _MATRIX)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _name(node: Any) -> str:
    name: str = node.name or node.output[0]
    return name
