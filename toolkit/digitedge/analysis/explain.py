"""Where a file differs from its float original, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from digitedge.analysis.layers import layer_named, layer_of
from digitedge.analysis.noise import Noise, compare
from digitedge.analysis.saturation import saturating_layers
from digitedge.analysis.shapes import LAYERS, float_shapes, multiply_accumulates
from digitedge.analysis.tensors import block_size, blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS = {onnx.TensorProto.FLOAT: 32, onnx.TensorProto.FLOAT16: 16, onnx.TensorProto.INT8: 8, onnx.TensorProto.UINT8: 8}
_Group = tuple[str, ...]
_SEVEN_BITS = 64  # the largest magnitude of a weight of 7 bits
# Bytes in another order: such a node has no error of its own, and its shape depends on the layout.
_MOVES = {
    "Reshape",
    "Flatten",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Identity",
    "Cast",
    "QuantizeLinear",
    "DequantizeLinear",
}


@dataclass(frozen=True, slots=True)
class LayerError:
    """One layer of a file, compared with the same layer of the float original, all layers before it included.

    Attributes:
        layer: of Keras, as far as the names in the graph tell.
        operator: of ONNX, that does most of its work.
        sqnr_db: signal-to-quantization-noise ratio of what the layer gives, in dB; None where no number differs.
        max_abs: the largest difference.
        low: the smallest value in the original.
        high: its largest.
        weight_bits: of the weights in the file, 7, 8, 16 or 32; None for a layer without.
        saturates: whether its weights could saturate a CPU without VNNI.
        macs: multiply-accumulates for one image, in the original.
    """

    layer: str
    operator: str
    sqnr_db: float | None
    max_abs: float
    low: float
    high: float
    weight_bits: int | None
    saturates: bool
    macs: int


def explain(
    float_model: Any, other_model: Any, inputs: NDArray[Any], other_inputs: NDArray[Any] | None = None
) -> tuple[LayerError, ...]:
    """A row for each layer whose result both graphs hold, in the order of the network.

    A layer that a rewrite has merged into the one after it, as a convolution into its batch normalization, shares a row
    with that: `conv + bn`. Channels that a rewrite has added are left out.

    Args:
        float_model: onnx.ModelProto, float32: what the network is converted to before anything is rewritten.
        other_model: onnx.ModelProto of any precision, made of it. Computed node by node, without ONNX Runtime's own
            rewrites.
        inputs: (n, ...) as the input of the float model expects.
        other_inputs: the same images as the other expects them; None where that is the same.

    Raises:
        ContentError: a value is not finite, or a shape is not known.
    """
    groups, there = _merged(_layers(float_model), _layers(other_model)), _layers(other_model)
    pairs = _pairs(float_model, other_model, groups, there)
    noise = _noise(float_model, other_model, pairs, inputs, inputs if other_inputs is None else other_inputs)
    macs, unsafe = multiply_accumulates(float_model), set(saturating_layers(other_model))
    rows = []
    for group, nodes in groups.items():
        if group not in noise:
            continue
        weights = _weights(other_model, there[group[-1]])
        rows.append(
            LayerError(
                layer=_label(group, nodes),
                operator=_operator(nodes),
                sqnr_db=noise[group].sqnr_db,
                max_abs=noise[group].max_abs,
                low=noise[group].low,
                high=noise[group].high,
                weight_bits=max(map(_bits, weights), default=None),
                saturates=any(one.name in unsafe for one in weights),
                macs=sum(macs.get(node.output[0], 0) for node in nodes),
            )
        )
    return tuple(rows)


def _label(group: _Group, nodes: list[Any]) -> str:
    """The layers of a row, the one first that tf2onnx may have merged: only its node still bears its name."""
    multiplying = [layer_named(node.name) for node in nodes if node.op_type in LAYERS and node.name]
    return " + ".join(dict.fromkeys((*multiplying, *group)))


def _operator(nodes: list[Any]) -> str:
    kinds: list[str] = [node.op_type for node in nodes]
    return next((kind for kind in kinds if kind in LAYERS), kinds[-1])


def _layers(model: Any) -> dict[str, list[Any]]:
    """The nodes of each Keras layer that compute."""
    found: dict[str, list[Any]] = {}
    for node in model.graph.node:
        if node.op_type not in _MOVES:
            found.setdefault(layer_of(node), []).append(node)
    return found


def _merged(here: dict[str, list[Any]], there: dict[str, list[Any]]) -> dict[_Group, list[Any]]:
    """Nodes by the layers of a row: those that the other graph has not stand with the first after them that it has."""
    groups: dict[_Group, list[Any]] = {}
    waiting: list[str] = []
    for layer in here:
        waiting.append(layer)
        if layer in there:
            groups[tuple(waiting)] = [node for one in waiting for node in here[one]]
            waiting = []
    return groups


def _pairs(
    float_model: Any, other_model: Any, groups: dict[_Group, list[Any]], there: dict[str, list[Any]]
) -> dict[_Group, tuple[str, str]]:
    """The tensors to compare for each row: what its last layer gives in both graphs, in the same shape."""
    shapes, other_shapes = float_shapes(float_model), float_shapes(other_model)
    pairs = {group: (_result(nodes), _result(there[group[-1]])) for group, nodes in groups.items()}
    return {
        group: (one, two)
        for group, (one, two) in pairs.items()
        if one in shapes and two in other_shapes and _fits(shapes[one], other_shapes[two])
    }


def _result(nodes: list[Any]) -> str:
    """What a layer gives; without the softmax at its end, behind which nearly all noise is next to nothing."""
    computing = [node for node in nodes if node.op_type not in {"Softmax", "ArgMax"}] or nodes
    name: str = computing[-1].output[0]
    return name


def _fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """The same but for added channels."""
    if len(shape) < 2:  # noqa: PLR2004 (no channels)
        return shape == other
    return shape[:1] + shape[2:] == other[:1] + other[2:] and shape[1] <= other[1]


def _noise(
    float_model: Any,
    other_model: Any,
    pairs: dict[_Group, tuple[str, str]],
    inputs: NDArray[Any],
    other_inputs: NDArray[Any],
) -> dict[_Group, Noise]:
    quantized = _dequantized(other_model)
    names = {group: (one, quantized.get(two, two)) for group, (one, two) in pairs.items()}
    size = min(block_size(float_model), block_size(other_model))
    ours = blocks(float_model, inputs, [one for one, _ in names.values()], size=size)
    theirs = blocks(other_model, other_inputs, [two for _, two in names.values()], size=size)
    found: dict[_Group, list[Noise]] = {group: [] for group in names}
    for here, there in zip(ours, theirs, strict=True):
        for group, (one, two) in names.items():
            found[group].append(compare(here[one], there[two][:, : here[one].shape[1]]))
    return {group: reduce(add, parts) for group, parts in found.items()}


def _dequantized(model: Any) -> dict[str, str]:
    """What a tensor is after it has been bytes, by the name of the tensor."""
    bytes_of = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    floats_of = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return {name: floats_of[held] for name, held in bytes_of.items() if held in floats_of}


def _weights(model: Any, nodes: list[Any]) -> list[Any]:
    """The initializers that a layer multiplies by, as they are stored."""
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = {name: one for one in model.graph.node for name in one.output}
    found = []
    for node in nodes:
        name = node.input[1] if node.op_type in LAYERS else ""
        while name in makers and makers[name].op_type in {*_MOVES, "Mul"}:  # by the scale of weights alone in 8 bits
            name = makers[name].input[0]
        found += [stored[name]] if name in stored else []
    return found


def _bits(tensor: Any) -> int:
    if tensor.data_type == onnx.TensorProto.INT8 and np.abs(onnx.numpy_helper.to_array(tensor)).max() <= _SEVEN_BITS:
        return 7
    return _BITS[tensor.data_type]
