"""The tensors inside an .onnx file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

from digitedge.analysis.inner_tensors import Grid, Inner, grid_of
from digitedge.analysis.shapes import LAYERS, float_shapes
from digitedge.analysis.tensors import blocks, scores_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_FORMS = {"QuantizeLinear", "DequantizeLinear", "Cast"}  # the same values in another type
_PICTURE = 4  # dimensions of (n, channels, height, width)
# Operators whose pictures have their channels first, whatever stands around them.
_CHANNELS_FIRST = {"Conv", "BatchNormalization", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}


@dataclass(frozen=True, slots=True)
class OnnxInside:
    """A graph whose images are (n, channels, height, width); see `inner_tensors.Inside`."""

    model: Any
    tensors: tuple[Inner, ...]
    image: Inner | None
    scores: Inner
    output: Inner | None
    channels_first: frozenset[str]

    def blocks(self, inputs: NDArray[Any], wanted: Sequence[Inner], size: int) -> Iterator[list[NDArray[np.float32]]]:
        """Of the nodes as they stand, without ONNX Runtime's rewrites; see `inner_tensors.Inside`."""
        names = [str(one.key) for one in wanted]
        for block in blocks(self.model, inputs, names, size=size):
            values = [np.asarray(block[name], np.float32) for name in names]
            first = [name in self.channels_first for name in names]
            yield [one.transpose(0, 2, 3, 1) if moved else one for one, moved in zip(values, first, strict=True)]


def onnx_inside(model: Any, *, probabilities: bool) -> OnnxInside:
    """The tensors of an onnx.ModelProto.

    Args:
        model: with one input, an image with its channels first, and one output. It is not changed.
        probabilities: whether it says that its output is probabilities.
    """
    shapes, read, grids, live = float_shapes(model), _read(model), _grids(model), _live(model)
    first = _channels_first(model.graph.input[0].name, live, shapes)
    pictures = {name for name in first if len(shapes.get(name, ())) == _PICTURE}

    def inner(name: str, *names: str) -> Inner | None:
        key = read.get(name, name)
        if key not in shapes:
            return None
        _, *sizes = shapes[key]
        return Inner(key, names, (*sizes[1:], sizes[0]) if key in pictures else tuple(sizes), grids.get(key))

    found = [inner(node.output[0], *_names(node)) for node in live if node.op_type not in _FORMS]
    scores = inner(scores_name(model))
    assert scores is not None, "scores are float32"
    return OnnxInside(
        model,
        tuple(one for one in found if one is not None),
        inner(model.graph.input[0].name),
        scores,
        inner(model.graph.output[0].name) if probabilities else None,
        frozenset(pictures),
    )


def _names(node: Any) -> tuple[str, ...]:
    """What the node gives bears the name of the last layer in it, the node that of the first.

    A layer that tf2onnx has merged another into has lost its own; the names of its weights tell then.
    """
    merged = node.op_type in LAYERS and "/" not in node.name
    return (node.output[0], node.name, *(node.input[1:] if merged else ()))


def _live(model: Any) -> list[Any]:
    """The nodes that depend on the image."""
    known = {value.name for value in model.graph.input}
    nodes = []
    for node in model.graph.node:
        if known & set(node.input):
            known |= set(node.output)
            nodes.append(node)
    return nodes


def _read(model: Any) -> dict[str, str]:
    """What a tensor is after it has been integers, by its name."""
    held = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    floats = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return {name: floats[integers] for name, integers in held.items() if integers in floats}


def _grids(model: Any) -> dict[str, Grid]:
    """The values that what each DequantizeLinear gives can have, where it has one scale."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and set(node.input[1:]) <= constants.keys() and len(node.input) > 2:  # noqa: PLR2004 (with a zero point)
            scale, zero_point = constants[node.input[1]], constants[node.input[2]]
            if scale.size == 1:
                found[node.output[0]] = grid_of(scale.item(), zero_point.item(), zero_point.dtype)
    return found


def _channels_first(image: str, live: list[Any], shapes: dict[str, tuple[int, ...]]) -> set[str]:
    """The tensors whose channels come first, where they are pictures; those of the others come last, as in Keras."""
    first, known = {image}, {image, *(name for node in live for name in node.output)}
    for node in live:
        taken, shape = next(name for name in node.input if name in known), shapes.get(node.output[0], ())
        if node.op_type in {"Reshape", "Unsqueeze"}:  # of a row: (n, channels, 1, 1) or (n, 1, 1, channels)
            turned = shape[1:2] != (1,) and shape[2:] == (1, 1)
        else:
            turned = (taken in first) != (node.op_type == "Transpose")
        if turned or node.op_type in _CHANNELS_FIRST:
            first.add(node.output[0])
    return first
