"""From an ONNX graph of floats to operations on tensors whose channels lie together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from digitedge.errors import ContentError
from digitedge.export.c import lower_elements, lower_layers, lower_views
from digitedge.export.c.graph import Graph, Tensor
from digitedge.export.c.moving import Order
from digitedge.export.c.tensor import Shape
from digitedge.export.c.values import Lowering, image_value

if TYPE_CHECKING:
    from collections.abc import Callable

# How each ONNX operator is lowered: each file adds its own.
RULES: dict[str, Callable[[Lowering, Any], None]] = {**lower_layers.RULES, **lower_elements.RULES, **lower_views.RULES}


def lower(model: Any) -> Graph:
    """The network of a model.

    Args:
        model: onnx.ModelProto with one input, N x C x H x W, float32 or uint8, and one output; no inner graphs.

    Raises:
        ContentError: a node for which there is no kernel; the message names it, and what to do.
    """
    (given,) = model.graph.input
    _, channels, height, width = (dim.dim_value for dim in given.type.tensor_type.shape.dim)
    is_uint8 = given.type.tensor_type.elem_type == 2  # noqa: PLR2004 (TensorProto.UINT8)
    image = Tensor(Shape(height, width, channels), "uint8_t" if is_uint8 else "float")
    lowering = Lowering({tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer})
    lowering.values[given.name] = image_value(image)
    for node in model.graph.node:
        _lower(lowering, node, model)
    scores = lowering.vector(lowering.values[model.graph.output[0].name])
    if scores is image or _written_by_view(lowering, scores):
        scores = lowering.emit(Order(None), (scores,), scores.shape, scores.ctype)
    return Graph(image, scores, _needed(lowering, scores))


def _lower(lowering: Lowering, node: Any, model: Any) -> None:
    inputs = [name for name in node.input if name]
    if all(name in lowering.constants for name in inputs):
        _fold(lowering, node, model)
    elif node.op_type in RULES:
        RULES[node.op_type](lowering, node)
    else:
        message = f"node {node.name} is a {node.op_type}, for which C99 source has no kernel."
        raise ContentError(message, f"Export to ONNX or TFLite, or build the network of: {', '.join(sorted(RULES))}.")


def _fold(lowering: Lowering, node: Any, model: Any) -> None:
    """Computes what depends on no image."""
    inputs = {name: lowering.constants[name] for name in node.input if name}
    versions = {entry.domain: entry.version for entry in model.opset_import}
    results = ReferenceEvaluator(node, opsets=versions).run(None, inputs)
    lowering.constants.update(zip(node.output, map(np.asarray, results), strict=True))


def _written_by_view(lowering: Lowering, scores: Tensor) -> bool:
    """Whether the scores are read inside the network as well, so that they need a place of their own."""
    return any(scores in node.reads for node in lowering.nodes)


def _needed(lowering: Lowering, scores: Tensor) -> tuple[Any, ...]:
    """The nodes that the scores depend on."""
    needed, kept = {scores}, []
    for node in reversed(lowering.nodes):
        if node.writes in needed:
            needed.update(node.reads)
            kept.append(node)
    return tuple(reversed(kept))
