"""Weights in the wrong place: what happens where two libraries keep them in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.analysis.shapes import float_shapes
from digitedge.mutation.mutation import Mutation
from digitedge.mutation.onnx_graph import on_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitedge.mutation.onnx_graph import Graph, Layer

_HIGHEST_BIT = 0x80
_IMAGE = 4  # axes of a convolution's weights, and of what it gives


def _kernels(rearrange: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Graph], bool]:
    """Rearranges the kernels (out, in, height, width) of every convolution that keeps its shape by it."""

    def edit(graph: Graph) -> bool:
        convolutions = [layer for layer in graph.layers if graph.arrays[layer.weights].ndim == _IMAGE]
        changed = False
        for name in dict.fromkeys(layer.weights for layer in convolutions):
            old = graph.arrays[name]
            new = rearrange(old)
            if new.shape == old.shape and not np.array_equal(new, old):
                graph.set(name, new)
                changed = True
        return changed

    return edit


def _transposed(kernels: NDArray[Any]) -> NDArray[Any]:
    return kernels.swapaxes(-1, -2)


def _rotated(kernels: NDArray[Any]) -> NDArray[Any]:
    return kernels[..., ::-1, ::-1]


def _rows_channels_last(graph: Graph) -> bool:
    """Orders the rows of the first dense layer behind an image as height x width x channels."""
    for layer in graph.layers:
        shape = _flattened(graph, layer)
        if shape is None:
            continue
        order = np.arange(np.prod(shape)).reshape(shape).transpose(1, 2, 0).ravel()
        graph.set(layer.weights, np.take(graph.arrays[layer.weights], order, axis=1 - layer.outputs_axis))
        return not np.array_equal(order, np.arange(len(order)))
    return False


def _flattened(graph: Graph, layer: Layer) -> tuple[int, ...] | None:
    """The shape (channels, height, width) of the image whose values a dense layer multiplies."""
    shapes = float_shapes(graph.model)
    source = graph.producer(layer.node.input[0])
    while source is not None and source.op_type in {"QuantizeLinear", "DequantizeLinear", "Flatten", "Reshape"}:
        shape = shapes.get(source.input[0], ())
        if len(shape) == _IMAGE:
            fits = np.prod(shape[1:]) == graph.arrays[layer.weights].shape[1 - layer.outputs_axis]
            return shape[1:] if layer.node.op_type != "Conv" and fits else None
        source = graph.producer(source.input[0])
    return None


def _sign_misread(graph: Graph) -> bool:
    """The highest bit of every 8-bit weight, which is the sign of one kind of byte and 128 of the other."""
    eight_bits = [layer.weights for layer in graph.layers if graph.arrays[layer.weights].dtype.itemsize == 1]
    for name in dict.fromkeys(eight_bits):
        old = graph.arrays[name]
        graph.set(name, (old.view(np.uint8) ^ np.uint8(_HIGHEST_BIT)).view(old.dtype))
    return bool(eight_bits)


# Where the sum of a kernel decides, as with smooth images, no label changes: that the scores do is certain.
MUTATIONS = (
    Mutation(
        "kernel-transposed",
        "kernels with rows and columns swapped",
        "scores",
        on_graph(_kernels(_transposed)),
        precisions=("fp32",),
    ),
    Mutation(
        "kernel-rotated",
        "kernels turned by 180 degrees",
        "scores",
        on_graph(_kernels(_rotated)),
        precisions=("fp32",),
    ),
    Mutation(
        "dense-rows-hwc",
        "rows in HWC order where CHW is meant",
        "labels",
        on_graph(_rows_channels_last),
    ),
    Mutation(
        "weights-sign-misread",
        "signed bytes for unsigned ones",
        "labels",
        on_graph(_sign_misread),
        precisions=("int8",),
    ),
)
