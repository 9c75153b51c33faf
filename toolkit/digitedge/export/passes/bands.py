"""Which tensors must have the same number of channels, and which weights say how many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitedge.export.passes.graph import constant, image_sizes, is_op, sizes

if TYPE_CHECKING:
    import onnx_ir as ir

# Each works on one channel alone, and gives a finite number for 0.
_PER_CHANNEL = ("Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Elu",
                "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")  # fmt: skip
_JOINING = ("Add", "Mul", "Sub")
_IMAGE = 3


@dataclass(eq=False)
class Band:
    """Tensors (N, channels, height, width) that are joined channel by channel.

    Attributes:
        channels: that all of them have.
        values: the tensors.
        writers: Conv nodes that mix channels and give a tensor of the band.
        readers: Conv nodes that mix channels and read one.
        depthwise: Conv nodes from one tensor of the band to another, each channel on its own.
        dense: Gemm nodes that read a tensor of the band, flattened; and how many numbers of it a channel has.
    """

    channels: int
    values: dict[ir.Value, None] = field(default_factory=dict)
    writers: dict[ir.Node, None] = field(default_factory=dict)
    readers: dict[ir.Node, None] = field(default_factory=dict)
    depthwise: dict[ir.Node, None] = field(default_factory=dict)
    dense: dict[ir.Node, int] = field(default_factory=dict)


def band_of(value: ir.Value) -> Band | None:
    """The band that the tensor belongs to; None where something in it fixes the number of channels."""
    image = image_sizes(value)
    if not image or len(image) != _IMAGE:
        return None
    band, waiting = Band(image[0]), [value]
    while waiting:
        member = waiting.pop()
        if member in band.values:
            continue
        found = _join(band, member)
        if found is None:
            return None
        waiting += found
    return band


def _join(band: Band, value: ir.Value) -> list[ir.Value] | None:
    """Adds the tensor; gives those that must have as many channels, or None where it can have no others."""
    image, producer = image_sizes(value), value.producer()
    fixed = producer is None or value.is_graph_output() or len(producer.outputs) != 1
    if producer is None or fixed or not image or len(image) != _IMAGE or image[0] != band.channels:
        return None
    band.values[value] = None
    found = _written(band, producer)
    for node, place in value.uses():
        more = _read(band, node, place, image) if found is not None else None
        found = None if found is None or more is None else found + more
    return found


def _written(band: Band, node: ir.Node) -> list[ir.Value] | None:
    if is_op(node, "Conv"):
        kind = _conv_kind(node)
        if kind == "mixing":
            band.writers[node] = None
            return []
        return _inputs(node, 1) if kind == "depthwise" else None
    return _inputs(node, 2) if is_op(node, *_JOINING) else _inputs(node, 1) if is_op(node, *_PER_CHANNEL) else None


def _read(band: Band, node: ir.Node, place: int, image: tuple[int, ...]) -> list[ir.Value] | None:
    if is_op(node, "Conv") and place == 0:
        kind = _conv_kind(node)
        if kind == "mixing":
            band.readers[node] = None
            return []
        if kind == "depthwise":
            band.depthwise[node] = None
        return list(node.outputs) if kind == "depthwise" else None
    if is_op(node, "Flatten") and node.attributes.get_int("axis", 1) == 1:
        return _read_flat(band, node.outputs[0], image[1] * image[2])
    return list(node.outputs) if is_op(node, *_JOINING) or (is_op(node, *_PER_CHANNEL) and place == 0) else None


def _read_flat(band: Band, flat: ir.Value, numbers: int) -> list[ir.Value] | None:
    readers = [node for node, place in flat.uses() if place == 0 and is_op(node, "Gemm")]
    if flat.is_graph_output() or len(readers) != len(flat.uses()):
        return None
    for gemm in readers:
        if constant(gemm.inputs[1]) is None or gemm.attributes.get_int("transA", 0) != 0:
            return None
        band.dense[gemm] = numbers
    return []


def _inputs(node: ir.Node, count: int) -> list[ir.Value] | None:
    """Its first inputs, where they are tensors that the graph computes."""
    values = [value for value in node.inputs[:count] if value is not None and value.const_value is None]
    return values if len(values) == count else None


def _conv_kind(node: ir.Node) -> str:
    """`mixing` where every output reads every channel, `depthwise` where each reads its own, else `other`."""
    weight, groups = constant(node.inputs[1]), node.attributes.get_int("group", 1)
    if weight is None or any(constant(value) is None for value in node.inputs[2:]):
        return "other"
    if groups == 1:
        return "mixing"
    shape = sizes(node.inputs[0])
    depthwise = shape is not None and groups == shape[1] == weight.shape[0]
    return "depthwise" if depthwise else "other"
