"""Raw pixels in: the scaling of the image moves into the graph.

Precondition: the graph has one input, float32 (N, channels, height, width), whose values are raw pixels over 255 in
`spec.range`, less `spec.mean`, over `spec.std`.

1. Where the first that happens to the image, but for Reshape and the like, is a QuantizeLinear to uint8 whose integers
   are the pixels themselves (a zero point of 0, and a scale of exactly 1/255 of the range, which begins at 0), that
   node goes: nothing is computed at all.
2. Otherwise Cast, Div by 255, and where they change anything Mul and Add for the range, Sub and Div for mean and std:
   the operations of `data.preprocess.to_unit` and `to_input` in their order, in float32, and so the same bits.

Postcondition: the input is uint8, and nothing else about the graph's inputs and outputs has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.spec import Spec

_MOVES = frozenset({"Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


def uint8_input(model: Any, spec: Spec) -> None:
    """Lets the model take raw pixels, in place.

    Args:
        model: onnx.ModelProto, whose names are all different from `pixels/...`.
        spec: what the model takes until now.
    """
    (image,) = model.graph.input
    if not _drop_quantize(model.graph, image.name, spec):
        _scale(model.graph, image.name, spec)
    image.type.tensor_type.elem_type = TensorProto.UINT8
    del model.graph.value_info[:]  # the types of inner tensors are others now


def _drop_quantize(graph: Any, image: str, spec: Spec) -> bool:
    node = _first_to_compute(graph, image)
    if node is None or not _gives_pixels(node, graph, spec):
        return False
    before, (after,) = node.input[0], node.output
    graph.node.remove(node)
    for other in graph.node:
        other.input[:] = [before if name == after else name for name in other.input]
    _drop_unused_initializers(graph)
    return True


def _first_to_compute(graph: Any, name: str) -> Any:
    """The only node behind a tensor that does more than to move values about; None where there are several."""
    consumers = [node for node in graph.node if name in node.input]
    while len(consumers) == 1 and consumers[0].op_type in _MOVES and consumers[0].input[0] == name:
        (name,) = consumers[0].output
        consumers = [node for node in graph.node if name in node.input]
    return consumers[0] if len(consumers) == 1 else None


def _gives_pixels(node: Any, graph: Any, spec: Spec) -> bool:
    """Whether a node gives, of the scaled image, the raw pixels again."""
    if node.op_type != "QuantizeLinear" or len(node.input) != 3 or not _is_plain(spec):  # noqa: PLR2004 (with a zero point)
        return False
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    if not {node.input[1], node.input[2]} <= constants.keys():
        return False
    scale, zero_point = constants[node.input[1]], constants[node.input[2]]
    step = np.float32(spec.range[1]) / np.float32(255)
    return zero_point.dtype == np.uint8 and scale.size == 1 and bool(scale == step) and bool(zero_point == 0)


def _is_plain(spec: Spec) -> bool:
    return spec.range[0] == 0.0 and not any(spec.mean) and all(value == 1.0 for value in spec.std)


def _scale(graph: Any, image: str, spec: Spec) -> None:
    steps = list(_steps(spec))
    names = [image, "pixels/float", *(f"pixels/{name}" for name, _, _ in steps)]
    for node in graph.node:
        node.input[:] = [names[-1] if name == image else name for name in node.input]
    nodes = [helper.make_node("Cast", [image], [names[1]], name=names[1], to=TensorProto.FLOAT)]
    for (name, operator, constant), before, after in zip(steps, names[1:], names[2:], strict=False):
        graph.initializer.append(numpy_helper.from_array(constant, f"pixels/{name}/constant"))
        nodes.append(helper.make_node(operator, [before, f"pixels/{name}/constant"], [after], name=after))
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def _steps(spec: Spec) -> Iterator[tuple[str, str, Any]]:
    """Name, operator and constant of what is done to a pixel, as data/preprocess.py does it."""
    low, high = spec.range
    yield "unit", "Div", np.float32(255).reshape(())
    if (low, high) != (0.0, 1.0):
        yield "stretched", "Mul", np.float32(high - low).reshape(())
        yield "shifted", "Add", np.float32(low).reshape(())
    if any(spec.mean) or any(value != 1.0 for value in spec.std):
        yield "centred", "Sub", np.array(spec.mean, np.float32).reshape(-1, 1, 1)
        yield "normalised", "Div", np.array(spec.std, np.float32).reshape(-1, 1, 1)


def _drop_unused_initializers(graph: Any) -> None:
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
