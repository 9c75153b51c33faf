"""8-bit integers gone wrong: scales and zero points, full weights for CPUs that saturate, a precision that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.qdq import attributes_of
from digitedge.mutation.description import on_description
from digitedge.mutation.mutation import Mutation
from digitedge.mutation.onnx_graph import on_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitedge.mutation.onnx_graph import Graph

_INT8 = ("int8",)
_SCALE, _ZERO_POINT = 1, 2  # inputs of QuantizeLinear and DequantizeLinear
_SEVEN_BITS = 64
_LARGE = 96  # half of 64 less this is -128, the end of a signed byte; two of these times 255 are 48,960


def _on_activation(place: int, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Graph], bool]:
    """Gives one DequantizeLinear of an activation, in the middle of the network, a constant of its own."""

    def edit(graph: Graph) -> bool:
        nodes = [
            node
            for node in graph.nodes
            if node.op_type == "DequantizeLinear" and node.input[0] not in graph.arrays and len(node.input) > place
        ]
        if not nodes:
            return False
        node = nodes[len(nodes) // 2]
        old = graph.arrays[node.input[place]]
        name = f"{node.output[0]}/own"
        graph.set(name, change(old).astype(old.dtype))
        node.input[place] = name
        return True

    return edit


def _next(zero_point: NDArray[Any]) -> NDArray[Any]:
    """One more, or one less at the end of the type."""
    return np.where(zero_point == np.iinfo(zero_point.dtype).max, zero_point - 1, zero_point + 1)


def _on_weights(place: int, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Graph], bool]:
    """Changes a constant of the DequantizeLinear of the last layer's weights.

    The zero point only of signed ones: nothing but the scores tells which one unsigned weights should have.
    """

    def edit(graph: Graph) -> bool:
        last = [
            one.weights for one in graph.layers[-1:] if place == _SCALE or graph.arrays[one.weights].dtype == np.int8
        ]
        readers = [node for name in last for node in graph.readers(name)]
        if not readers or len(readers[0].input) <= place or readers[0].op_type != "DequantizeLinear":
            return False
        name = readers[0].input[place]
        graph.set(name, change(graph.arrays[name]))
        return True

    return edit


def _bias_scale(graph: Graph) -> bool:
    """The bias of the last layer in units twice those of its sums."""
    for layer in reversed(graph.layers):
        for node in graph.readers(layer.bias) if layer.bias is not None else ():
            if node.op_type == "DequantizeLinear":
                graph.set(node.input[_SCALE], graph.arrays[node.input[_SCALE]] * 2)
                return True
    return False


def _saturating(graph: Graph) -> bool:
    """Reads the first layer's input four times, by weights that add up to what they were, and use all 8 bits.

    Twice 96, and twice half a weight less 96: on a CPU that adds up exactly, not a single integer of the layer is
    another. Two neighbouring products of bright pixels are beyond 16 bits: there both parts end up at the limits, which
    cancel each other, and the weight is lost.
    """
    layer = graph.layers[0] if graph.layers else None
    source = None if layer is None else graph.producer(layer.node.input[0])
    if layer is None or source is None or source.op_type != "DequantizeLinear":
        return False
    weights, axis = graph.arrays[layer.weights].astype(np.int64), 1 - layer.outputs_axis
    grouped = layer.node.op_type == "Conv" and attributes_of(layer.node).get("group", 1) != 1
    if graph.arrays[layer.weights].dtype != np.int8 or np.abs(weights).max() > _SEVEN_BITS or grouped:
        return False
    half, large = weights // 2, np.full_like(weights, _LARGE)
    parts = (large, large, half - _LARGE, weights - half - _LARGE)
    graph.set(layer.weights, np.concatenate(parts, axis=axis))
    _repeat(graph, layer.node, source, len(parts))
    return True


def _repeat(graph: Graph, node: Any, source: Any, times: int) -> None:
    """Gives a node its input so many times, side by side, by a Concat and the encoding that the input has."""
    name, encoding = source.output[0], source.input[1:]
    made = [
        onnx.helper.make_node("Concat", [name] * times, [f"{name}/repeated"], axis=1),
        onnx.helper.make_node("QuantizeLinear", [f"{name}/repeated", *encoding], [f"{name}/integers"]),
        onnx.helper.make_node("DequantizeLinear", [f"{name}/integers", *encoding], [f"{name}/floats"]),
    ]
    place = list(graph.nodes).index(node)
    node.input[0] = f"{name}/floats"
    for offset, new in enumerate(made):
        graph.nodes.insert(place + offset, new)


def _says(precision: str) -> Callable[[dict[str, Any]], bool]:
    def change(document: dict[str, Any]) -> bool:
        document["precision"] = precision
        return True

    return change


MUTATIONS = (
    Mutation(
        "zero-point-off-by-one", "a zero point that differs in its pair", "quantization",
        on_graph(_on_activation(_ZERO_POINT, _next)), precisions=_INT8,
    ),
    Mutation(
        "scale-doubled", "a scale that differs in its pair", "quantization",
        on_graph(_on_activation(_SCALE, lambda scale: scale * 2)), precisions=_INT8,
    ),
    Mutation(
        "weight-zero-point", "signed weights not centred on 0", "quantization",
        on_graph(_on_weights(_ZERO_POINT, _next)), precisions=_INT8,
    ),
    Mutation(
        "weight-scale-negative", "weights with a negative scale", "quantization",
        on_graph(_on_weights(_SCALE, lambda scale: -scale)), precisions=_INT8,
    ),
    Mutation(
        "bias-scale", "a bias in other units than its sums", "quantization", on_graph(_bias_scale),
        precisions=_INT8,
    ),
    Mutation(
        "weights-saturate", "weights that saturate 16-bit sums", "cpus", on_graph(_saturating),
        precisions=_INT8,
    ),
    Mutation(
        "fp32-says-int8", "floats under the name int8", "quantization",
        on_description(_says("int8")), precisions=("fp32",),
    ),
    Mutation(
        "int8-says-weights-only", "integers under the name int8-weights", "quantization",
        on_description(_says("int8-weights")), precisions=_INT8,
    ),
)  # fmt: skip
