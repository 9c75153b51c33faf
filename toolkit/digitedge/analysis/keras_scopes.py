"""Which layer of a Keras network a tensor of an exported file comes from, by its name.

tf-keras opens a scope of exactly its name for each layer, `net/conv/BiasAdd`. Keras 3 opens scopes by the rule of
TensorFlow's graphs, which number a name that is taken, and enters each twice: `conv` is then `conv_1`, and `conv_1`,
whose name is taken by now, `conv_1_2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from digitedge.analysis.keras_layers import Network


def scopes_of(network: Network, names: Iterable[str]) -> dict[str, int]:
    """Places of layers by what the names of a file call them.

    Args:
        network: the layers.
        names: of tensors or nodes in the file; they tell which of the rules holds.
    """
    found = {scope_of(name) for name in names}
    layers = [layer.name for layer in network.layers]
    rules = [_numbered(layers, entries) for entries in (1, 2)]
    return max(rules, key=lambda scopes: len(found & scopes.keys()))


def scope_of(name: str) -> str:
    """The scope of a layer in the name of a tensor, `conv` in `net/conv/BiasAdd`; "" where there is none."""
    _network, *parts = name.split("/")
    return parts[0] if parts else ""


def _numbered(layers: Sequence[str], entries: int) -> dict[str, int]:
    """The scopes of layers that are each entered so many times, in this order.

    As `tf.Graph.unique_name` does:
    https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/framework/ops.py
    """
    taken: dict[str, int] = {}
    scopes = {}
    for place, layer in enumerate(layers):
        scope = layer
        for _ in range(entries):
            scope = _unique(layer, taken)
        scopes[scope] = place
    return scopes


def _unique(name: str, taken: dict[str, int]) -> str:
    number = taken.get(name, 0)
    taken[name] = number + 1
    unique = name
    while number and unique in taken:
        unique = f"{name}_{number}"
        number += 1
    taken.setdefault(unique, 1)
    return unique
