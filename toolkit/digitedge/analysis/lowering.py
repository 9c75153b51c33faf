"""A QDQ graph as integer operations.

In a QDQ graph each layer computes in float between DequantizeLinear and QuantizeLinear, and an engine is to find out
that the three together are one integer operation. Here the same is found out. What is not recognised stays in float,
as the graph says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.analysis.integer_graph import (
    Dequantize,
    FloatOperation,
    IntegerAdd,
    IntegerConv,
    IntegerGemm,
    IntegerGraph,
    IntegerMultiply,
    IntegerPool,
    Operation,
    Quantize,
)
from digitedge.analysis.lowering_moves import concat, kept, move, name_of, pad, reduce_mean
from digitedge.analysis.lowering_tables import table
from digitedge.analysis.lowering_weights import geometry_of, layer_of
from digitedge.analysis.qdq import QdqGraph, attributes_of
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx


def lower(model: onnx.ModelProto) -> IntegerGraph:
    """The operations of a model.

    Args:
        model: with QDQ nodes, one input and one output. A model without is nothing but float operations.

    Raises:
        ContentError: it has several inputs or outputs.
    """
    graph = QdqGraph(model)
    inputs = [value.name for value in model.graph.input if value.name not in graph.constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        message = f"the model has {len(inputs)} inputs and {len(model.graph.output)} outputs."
        raise ContentError(message, "It must have one image and one array of scores.")
    (output,) = (value.name for value in model.graph.output)
    operations = tuple(operation for node in graph.nodes for operation in _operations(graph, node))
    (opset,) = (entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})
    return IntegerGraph(inputs[0], output, _needed(operations, output), graph.constants, opset)


def _operations(graph: QdqGraph, node: Any) -> list[Operation]:
    """What a node becomes: nothing where another operation has absorbed it."""
    if node.op_type == "DequantizeLinear":
        return _dequantize(graph, node)
    if node.op_type == "QuantizeLinear":
        return _quantize(graph, node)
    lowered = _RULES[node.op_type](graph, node) if node.op_type in _RULES else None
    return [_float(graph, node)] if lowered is None else lowered


def _float(graph: QdqGraph, node: Any) -> Operation:
    sources = tuple(name for name in node.input if name and name not in graph.constants)
    return FloatOperation(name_of(node), sources, node.output[0], node)


def _dequantize(graph: QdqGraph, node: Any) -> list[Operation]:
    if node.output[0] in graph.constants:
        return []
    encoding = graph.encoding(node)
    if encoding is None:
        return [_float(graph, node)]
    return [Dequantize(name_of(node), (node.input[0],), node.output[0], encoding)]


def _quantize(graph: QdqGraph, node: Any) -> list[Operation]:
    if node.output[0] in graph.absorbed:
        return []
    encoding = graph.encoding(node)
    if encoding is None:
        return [_float(graph, node)]
    tabulated = table(graph, node, encoding)
    if tabulated is not None:
        return [tabulated]
    return [Quantize(name_of(node), (node.input[0],), node.output[0], encoding)]


def _conv(graph: QdqGraph, node: Any) -> list[Operation] | None:
    geometry = geometry_of(node, graph.constants)
    layer = None if geometry is None else layer_of(graph, node, axes=4, channel_axis=0)
    if geometry is None or layer is None:
        return None
    return [IntegerConv(name_of(node), (layer.source,), layer.target, layer.weights, geometry)]


def _gemm(graph: QdqGraph, node: Any) -> list[Operation] | None:
    attributes = attributes_of(node)
    if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0:
        return None
    layer = layer_of(graph, node, axes=2, channel_axis=0 if attributes.get("transB", 0) else 1)
    if layer is None:
        return None
    return [IntegerGemm(name_of(node), (layer.source,), layer.target, layer.weights)]


def _max_pool(graph: QdqGraph, node: Any) -> list[Operation] | None:
    source, geometry = graph.integer_input(node, 0), geometry_of(node, graph.constants)
    if source is None or geometry is None or len(node.output) > 1:
        return None
    name, encoding = source
    target, rest = kept(graph, node, encoding)
    limits = (encoding.low, encoding.high)
    return [IntegerPool(name_of(node), (name,), target, "max", geometry, encoding, encoding, *limits), *rest]


def _average_pool(graph: QdqGraph, node: Any) -> list[Operation] | None:
    found, geometry = graph.single(node), geometry_of(node, graph.constants)
    if found is None or geometry is None:
        return None
    source, encoding, end = found
    graph.absorb(end)
    name = name_of(node)
    return [IntegerPool(name, (source,), end.target, "average", geometry, encoding, end.encoding, end.low, end.high)]


def _add(graph: QdqGraph, node: Any) -> list[Operation] | None:
    end = graph.end(node)
    first, second = graph.integer_input(node, 0), graph.integer_input(node, 1)
    if end is None or first is None or second is None:
        return None
    graph.absorb(end)
    encodings = (first[1], second[1])
    name = name_of(node)
    return [IntegerAdd(name, (first[0], second[0]), end.target, encodings, end.encoding, end.low, end.high)]


def _multiply(graph: QdqGraph, node: Any) -> list[Operation] | None:
    end = graph.end(node)
    first, second = graph.integer_input(node, 0), graph.integer_input(node, 1)
    if end is None or first is None or second is None:
        return None
    graph.absorb(end)
    encodings, sources = (first[1], second[1]), (first[0], second[0])
    return [IntegerMultiply(name_of(node), sources, end.target, encodings, end.encoding, end.low, end.high)]


def _needed(operations: tuple[Operation, ...], output: str) -> tuple[Operation, ...]:
    """Without what nobody reads."""
    wanted, kept = {output}, []
    for operation in reversed(operations):
        if operation.target in wanted:
            wanted.update(operation.sources)
            kept.append(operation)
    return tuple(reversed(kept))


_RULES: dict[str, Callable[[QdqGraph, Any], list[Operation] | None]] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _gemm,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _average_pool,
    "ReduceMean": reduce_mean,
    "Add": _add,
    "Mul": _multiply,
    "Pad": pad,
    "Reshape": move("reshape"),
    "Flatten": move("reshape"),
    "Squeeze": move("reshape"),
    "Unsqueeze": move("reshape"),
    "Transpose": move("transpose"),
    "Concat": concat,
}
