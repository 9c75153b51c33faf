"""What a network costs, layer by layer: parameters, multiply-accumulates and the bytes of its tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras as keras

FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer, for one image.

    Attributes:
        name: of the layer.
        kind: its Keras class.
        output_shape: of its first output, without the batch; 0 for a size that only an image decides.
        parameters: weights and biases.
        macs: multiplications of an input by a weight, each with its addition; None for a kind that nobody has counted.
        parameter_bytes: as float32.
        output_bytes: as float32.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int | None
    parameter_bytes: int
    output_bytes: int


def layer_costs(network: Any) -> tuple[LayerCost, ...]:
    """The layers of a network in their order, without its inputs."""
    return tuple(_cost(layer) for layer in network.layers if not isinstance(layer, keras.layers.InputLayer))


def total_macs(costs: tuple[LayerCost, ...]) -> int | None:
    """Multiply-accumulates of the whole network for one image; None where a layer's are not known."""
    counts = [cost.macs for cost in costs if cost.macs is not None]
    return sum(counts) if len(counts) == len(costs) else None


def _cost(layer: Any) -> LayerCost:
    # By its first use: a layer that is shared, or gives several tensors, has no single output_shape.
    shapes = [tuple(int(size or 0) for size in output.shape[1:]) for output in tf.nest.flatten(layer.get_output_at(0))]
    shape = shapes[0]
    parameters = int(layer.count_params())
    return LayerCost(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=shape,
        parameters=parameters,
        macs=_macs(layer, shape),
        parameter_bytes=parameters * FLOAT32_BYTES,
        output_bytes=sum(math.prod(shape) for shape in shapes) * FLOAT32_BYTES,
    )


def _macs(layer: Any, shape: tuple[int, ...]) -> int | None:
    """Each weight of a kernel is used once for every place of the output: Sze et al., arXiv:1703.09039, section II."""
    if isinstance(layer, keras.layers.SeparableConv2D | keras.layers.Conv2DTranspose):
        return None
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return math.prod((*shape[:2], *map(int, layer.depthwise_kernel.shape)))
    if isinstance(layer, keras.layers.Conv2D):
        return math.prod((*shape[:2], *map(int, layer.kernel.shape)))
    if isinstance(layer, keras.layers.Dense):
        return math.prod((*shape[:-1], *map(int, layer.kernel.shape)))
    # A normalisation scales and shifts, and folds into the layer before it; what has no weights multiplies by none.
    return 0 if not layer.weights or isinstance(layer, keras.layers.BatchNormalization) else None
