"""Channels that are always zero, so that their number suits the CPU's vectors.

ONNX Runtime on x86 convolves in blocks of 8 (AVX2) or 16 (AVX-512) channels. A convolution that reads 30 channels gets
no such layout: it falls back to im2col, with a reordering in front. How many channels a convolution writes does not
matter where none reads them: the runtime pads those itself.
https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/optimizer/nchwc_transformer.cc
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from digitedge.export.passes.bands import Band, band_of
from digitedge.export.passes.graph import constant, image_sizes, infer_shapes, is_op, set_weight

if TYPE_CHECKING:
    from collections.abc import Iterator

MULTIPLE = 16
# Of the multiply-accumulates of the layers that are padded. With AVX-512 more would pay (13 -> 16 channels adds 23 %
# and saves 11 % of the time), but where there is no blocked layout, as on most ARM, each one costs.
MOST_ADDED = 0.15


class PadChannels(ir.passes.InPlacePass):
    """Raises the number of channels between two convolutions to a multiple of 16.

    Precondition: whatever reads or writes these channels is a Conv, a Gemm behind a Flatten, or works on each channel
    alone; the added multiply-accumulates are at most `MOST_ADDED` of those of the layers concerned.

    The convolutions that write get filters of zeros and biases of zero, those that read get weights of zero: whatever
    finite number an added channel holds is multiplied by zero.

    Postcondition: every added weight is zero, and every Conv reads as many channels as there are.
    """

    def __init__(self, multiple: int = MULTIPLE, most_added: float = MOST_ADDED) -> None:
        super().__init__()
        self._multiple, self._most_added = multiple, most_added
        self._added: list[tuple[ir.Node, int, int, int]] = []

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Pads every band of channels that can be and that is worth it."""
        infer_shapes(model)
        self._added = []
        for node in list(model.graph):
            band = band_of(node.outputs[0]) if is_op(node, "Conv") else None
            if band is None:
                continue
            count = -band.channels % self._multiple
            gains = count and (band.readers or band.depthwise)
            if gains and _added_macs(band, count) <= self._most_added * _macs(band):
                self._pad(band, count)
                infer_shapes(model)
        return ir.passes.PassResult(model, modified=bool(self._added))

    def ensures(self, model: ir.Model) -> None:
        """Raises ValueError for an added weight that is not zero, or a Conv that does not fit what it reads."""
        for node, index, axis, first in self._added:
            content = np.asarray(constant(node.inputs[index]))
            if np.take(content, range(first, content.shape[axis]), axis=axis).any():
                raise ValueError(f"what was added to {node.name} is not zero")
        for node in model.graph:
            if is_op(node, "Conv"):
                weight, image = constant(node.inputs[1]), image_sizes(node.inputs[0])
                if weight is not None and image and weight.shape[1] * node.attributes.get_int("group", 1) != image[0]:
                    raise ValueError(f"{node.name} does not fit the {image[0]} channels that it reads")

    def _pad(self, band: Band, count: int) -> None:
        for node, index, axis, times in _weights(band):
            content = np.asarray(constant(node.inputs[index]))
            ends = [(0, count * times if place == axis else 0) for place in range(content.ndim)]
            set_weight(node, index, np.pad(content, ends))
            self._added.append((node, index, axis, content.shape[axis]))
        for node in band.depthwise:
            node.attributes.add(ir.AttrInt64("group", band.channels + count))
        for value in band.values:
            value.shape = None  # inferred anew
        for gemm in band.dense:
            if gemm.inputs[0] is not None:
                gemm.inputs[0].shape = None


def _weights(band: Band) -> Iterator[tuple[ir.Node, int, int, int]]:
    """Every weight that says how many channels there are: node, input, axis, and how many entries a channel has."""
    for node in (*band.writers, *band.depthwise):
        yield from ((node, index, 0, 1) for index in range(1, len(node.inputs)))
    yield from ((node, 1, 1, 1) for node in band.readers)
    yield from ((node, 1, node.attributes.get_int("transB", 0), numbers) for node, numbers in band.dense.items())


def _macs(band: Band) -> float:
    """Multiply-accumulates for one image, of the layers whose weights would grow."""
    return sum(_macs_of(node) for node in {**band.writers, **band.readers, **band.depthwise, **band.dense})


def _added_macs(band: Band, count: int) -> float:
    grown = 1 + count / band.channels
    both = dict.fromkeys({**band.writers, **band.readers, **band.depthwise, **band.dense}, grown)
    for node in band.writers:
        if node in band.readers:
            both[node] = grown * grown
    return sum(_macs_of(node) * (factor - 1) for node, factor in both.items())


def _macs_of(node: ir.Node) -> float:
    weight: Any = constant(node.inputs[1])
    image = image_sizes(node.outputs[0]) or (1,)
    return float(weight.size * np.prod(image[1:]))
