"""What stands around a layer in a QDQ graph: the integers that it reads, and the QuantizeLinear that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.integer_graph import Encoding
from digitedge.analysis.integer_kernels import quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Operators whose result is their first input, in another order or shape.
MOVES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity"})
_CLIPS = ("Relu", "Clip")


@dataclass(frozen=True)
class End:
    """Where a layer's result becomes integers.

    Attributes:
        target: name of the integers.
        encoding: of them.
        low: the smallest, above the encoding's where a Relu or Clip stands before the QuantizeLinear.
        high: the largest.
    """

    target: str
    encoding: Encoding
    low: int
    high: int


class QdqGraph:
    """A model's nodes with their neighbours.

    Attributes:
        nodes: in the model's order, which is topological.
        constants: arrays by name: initializers, Constant nodes and what DequantizeLinear makes of them.
        absorbed: integers that another operation than their QuantizeLinear makes.
        encoded: floats that stand for integers without a DequantizeLinear of their own: the integers' name and
            encoding, by the floats' name.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes: list[Any] = [node for node in model.graph.node if node.op_type != "Constant"]
        self.constants: dict[str, NDArray[Any]] = _constants(model)
        (self.opset,) = (entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})
        self.absorbed: set[str] = set()
        self.encoded: dict[str, tuple[str, Encoding]] = {}
        self._outputs = {value.name for value in model.graph.output}
        self._producers = {name: node for node in self.nodes for name in node.output}
        self._readers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def producer(self, name: str) -> Any:
        """The node that makes a value; None for constants and the model's input."""
        return self._producers.get(name)

    def encoding(self, node: Any) -> Encoding | None:
        """That of a QuantizeLinear or DequantizeLinear; None for one that is no 8-bit encoding of a whole array."""
        scale = self.constants.get(node.input[1])
        zero_point = self.constants.get(node.input[2]) if len(node.input) > 2 else None  # noqa: PLR2004 (the third)
        if scale is None or zero_point is None or scale.size != 1 or zero_point.dtype not in (np.uint8, np.int8):
            return None
        return Encoding(np.float32(scale.item()), int(zero_point.item()), zero_point.dtype)

    def integer_input(self, node: Any, index: int) -> tuple[str, Encoding] | None:
        """The integers behind one of a node's inputs, and their encoding; None if it reads floats or a constant."""
        return self.integers_of(node.input[index])

    def integers_of(self, name: str) -> tuple[str, Encoding] | None:
        """The integers that a float value stands for, and their encoding."""
        if name in self.encoded:
            return self.encoded[name]
        source = self.producer(name)
        if source is None or source.op_type != "DequantizeLinear" or source.input[0] in self.constants:
            return None
        encoding = self.encoding(source)
        return None if encoding is None else (source.input[0], encoding)

    def end(self, node: Any) -> End | None:
        """The QuantizeLinear that is all that reads a node's result, a Relu or Clip between them or not."""
        low, high = -np.inf, np.inf
        reader = self._only_reader(node.output[0])
        while reader is not None and reader.op_type in _CLIPS:
            limits = self._limits(reader)
            if limits is None:
                return None
            low, high = max(low, limits[0]), min(high, limits[1])
            reader = self._only_reader(reader.output[0])
        encoding = None if reader is None or reader.op_type != "QuantizeLinear" else self.encoding(reader)
        if encoding is None:
            return None
        # Rounding is monotonic: clipping before it is clipping at the rounded limits after it.
        ends = quantize(np.array([low, high], np.float32), encoding)
        return End(reader.output[0], encoding, int(ends[0]), int(ends[1]))

    def end_behind_moves(self, node: Any) -> End | None:
        """The same, with nodes between them that move values about and leave them as they are."""
        reader = self._only_reader(node.output[0])
        if reader is None or reader.op_type not in MOVES:
            return None
        return self.end(reader) or self.end_behind_moves(reader)

    def single(self, node: Any) -> tuple[str, Encoding, End] | None:
        """The integers behind a node's first input, their encoding, and the end; None if either is missing."""
        source, end = self.integer_input(node, 0), self.end(node)
        return None if source is None or end is None else (*source, end)

    def absorb(self, end: End) -> None:
        """Marks the QuantizeLinear of an end as done by the operation before it."""
        self.absorbed.add(end.target)

    def _only_reader(self, name: str) -> Any:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self._outputs else None

    def _limits(self, node: Any) -> tuple[float, float] | None:
        if node.op_type == "Relu":
            return 0.0, np.inf
        bounds = [self.constants.get(name) if name else None for name in (*node.input[1:], "", "")[:2]]
        if any(bound is None and name for bound, name in zip(bounds, node.input[1:], strict=False)):
            return None
        low, high = (None if bound is None else float(bound.item()) for bound in bounds)
        return -np.inf if low is None else low, np.inf if high is None else high


def attributes_of(node: Any) -> dict[str, Any]:
    """A node's attributes as Python values."""
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _constants(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            (value,) = (onnx.helper.get_attribute_value(attribute) for attribute in node.attribute)
            array = onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.array(value)
            arrays[node.output[0]] = array.astype(np.float32) if array.dtype == np.float64 else array
        elif node.op_type == "DequantizeLinear" and all(name in arrays for name in node.input):
            arrays[node.output[0]] = _dequantized(node, *(arrays[name] for name in node.input))
    return arrays


def _dequantized(
    node: Any, integers: NDArray[Any], scale: NDArray[Any], zero_point: NDArray[Any] | None = None
) -> NDArray[np.float32]:
    axis = attributes_of(node).get("axis", 1)
    shape = [1] * integers.ndim
    if scale.size > 1:
        shape[axis] = scale.size
    offset = 0 if zero_point is None else zero_point.astype(np.int64).reshape(shape if zero_point.size > 1 else ())
    values: NDArray[np.float32] = (integers.astype(np.int64) - offset).astype(np.float32) * (
        scale.reshape(shape) if scale.size > 1 else scale.item()
    )
    return values.astype(np.float32)
