"""Wrong numbers in the right place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.mutation.mutation import Mutation
from digitedge.mutation.onnx_graph import on_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitedge.mutation.onnx_graph import Graph

_FLOAT = ("fp32",)
_STEPS = 7  # of a signed 4-bit number, on either side of 0


def _largest_weight(change: Callable[[float], float]) -> Callable[[Graph], bool]:
    """Changes the largest weight of the last layer: one that counts, in no network a dead one."""

    def edit(graph: Graph) -> bool:
        if not graph.layers:
            return False
        name = graph.layers[-1].weights
        new = graph.arrays[name].copy()
        place = np.abs(new).argmax()
        new.flat[place] = change(float(new.flat[place]))
        graph.set(name, new)
        return True

    return edit


def _four_bits(graph: Graph) -> bool:
    for layer in graph.layers:
        weights = graph.arrays[layer.weights]
        scale = np.abs(weights).max() / _STEPS
        if scale > 0:
            graph.set(layer.weights, np.rint(weights / scale) * scale)
    return bool(graph.layers)


def _bias_dropped(graph: Graph) -> bool:
    """The bias with the largest entry, of all layers."""
    biases = [layer.bias for layer in graph.layers if layer.bias is not None]
    largest = max(biases, key=lambda name: np.abs(graph.arrays[name]).max(), default=None)
    if largest is None:
        return False
    graph.set(largest, np.zeros_like(graph.arrays[largest]))
    return True


def _infinite_bias(graph: Graph) -> bool:
    last = graph.layers[-1].bias if graph.layers else None
    if last is None:
        return False
    new: NDArray[Any] = graph.arrays[last].copy()
    new.flat[0] = np.inf
    graph.set(last, new)
    return True


MUTATIONS = (
    Mutation(
        "weight-perturbed", "one weight ten times as large", "scores",
        on_graph(_largest_weight(lambda weight: weight * 10)), precisions=_FLOAT,
    ),
    Mutation(
        "weight-nan", "one weight not a number", "finite",
        on_graph(_largest_weight(lambda _: np.nan)), precisions=_FLOAT,
    ),
    Mutation(
        "weights-4-bit", "weights rounded to 4 bits", "scores", on_graph(_four_bits),
        precisions=_FLOAT,
    ),
    Mutation("bias-dropped", "a layer without its bias", "scores", on_graph(_bias_dropped), precisions=_FLOAT),
    Mutation(
        "bias-infinite", "an infinite bias in the last layer", "finite", on_graph(_infinite_bias), precisions=_FLOAT
    ),
)  # fmt: skip
