"""Which tensor of an exported file holds what a layer of its Keras original gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.analysis.keras_layers import IMAGE
from digitedge.analysis.keras_scopes import scope_of, scopes_of

if TYPE_CHECKING:
    from digitedge.analysis.inner_tensors import Inner, Inside
    from digitedge.analysis.keras_layers import Layer, Network


def by_layers(network: Network, inside: Inside) -> list[tuple[Inner, set[int]]]:
    """The tensors of a file, each with the places of the layers that it is named after; those of no layer left out."""
    scopes = scopes_of(network, [name for tensor in inside.tensors for name in tensor.names])
    named = [
        (tensor, {scopes[scope] for scope in map(scope_of, tensor.names) if scope in scopes})
        for tensor in inside.tensors
    ]
    return [(tensor, places) for tensor, places in named if places]


def find(network: Network, inside: Inside) -> dict[int, Inner]:
    """The tensors of a file by the places of the layers that they are the results of, in the order of the network.

    1. A tensor that is named after several layers is the result of the last of them.
    2. Of the tensors that are named after a layer, the last is its result, if it has its shape: the file may have more
       channels, which are zeros. A layer whose last tensor is another layer's result has been merged into that.
    3. A batch normalization that nothing is named after has been merged into the layer before it.
    4. The scores are the result of the last layer, whatever they are called.

    Args:
        network: the original's layers, to the scores before a softmax.
        inside: the file.
    """
    latest = {place: (max(places), tensor) for tensor, places in by_layers(network, inside) for place in places}
    found = {place: tensor for place, (owner, tensor) in latest.items() if place == owner}
    for place, layer in enumerate(network.layers):
        if layer.kind == "BatchNormalization" and place not in latest:
            (before,) = layer.feeds_on
            if before in found and _feeds_only(network, before, place):
                found[place] = found.pop(before)
    if inside.image is not None:
        found[IMAGE] = inside.image
    found = {place: tensor for place, tensor in found.items() if _is_result(network.layers[place], tensor)}
    return dict(sorted({**found, network.last: inside.scores}.items()))


def _feeds_only(network: Network, place: int, other: int) -> bool:
    takers = [one for one, layer in enumerate(network.layers) if place in layer.feeds_on]
    return takers == [other] and network.layers[place].weighs


def _is_result(layer: Layer, tensor: Inner) -> bool:
    """Whether a tensor has the shape of what a layer gives, channels of zeros aside."""
    mine, theirs = layer.shape, tensor.shape
    fits = len(mine) == len(theirs) and mine[:-1] == theirs[:-1] and mine[-1:] <= theirs[-1:]
    return fits and not layer.moves and layer.gives is not None
