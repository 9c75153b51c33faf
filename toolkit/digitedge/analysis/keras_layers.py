"""A Keras network as layers that can be called: any part of it, from tensors inside it to a tensor inside it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

IMAGE = 0  # the place of what the network takes
# What is the same numbers, in another order at most, when a network is not being trained.
_MOVES = {"Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "Flatten", "Reshape",
          "Permute", "InputLayer"}  # fmt: skip
_BLOCK_ELEMENTS = 2**22  # of what all layers give for a block of images: 16 MB as float32
_BLOCK = 100


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One layer.

    Attributes:
        name: of Keras.
        kind: its class, such as `Conv2D`.
        feeds_on: places of the layers whose results it takes.
        gives: its symbolic result; None where it has several.
        shape: of the result for one image.
        weighs: whether it has weights.
        moves: whether it gives the same numbers that it takes.
        keras: the layer itself; None for the image.
    """

    name: str
    kind: str
    feeds_on: tuple[int, ...]
    gives: Any
    shape: tuple[int, ...]
    weighs: bool = False
    moves: bool = False
    keras: Any = None


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """The layers of a network. A place is an index into `layers`; 0 is the image, and the last gives the scores.

    A network in a network is one layer.
    """

    keras: Any
    layers: tuple[Layer, ...]
    parts: dict[tuple[tuple[int, ...], tuple[int, ...]], Any] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The place of the layer that gives the scores."""
        return len(self.layers) - 1

    @property
    def block(self) -> int:
        """How many images at once keep the results of all layers within 16 MB, or one image."""
        elements = sum(math.prod(layer.shape) for layer in self.layers)
        return max(1, min(_BLOCK, _BLOCK_ELEMENTS // max(1, elements)))

    def between(self, place: int, given: Collection[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What lies between a layer and the nearest layers before it whose results are given.

        Args:
            place: of the layer; it counts as not given.
            given: places, the image among them.

        Returns:
            The given places that are needed, and those that must be computed, `place` last; both ascending.
        """
        needed, inside, waiting = set[int](), {place}, list(self.layers[place].feeds_on)
        while waiting:
            here = waiting.pop()
            if here in given:
                needed.add(here)
            elif here not in inside:
                inside.add(here)
                waiting += self.layers[here].feeds_on
        return tuple(sorted(needed)), tuple(sorted(inside))

    def compute(self, places: tuple[int, ...], values: Mapping[int, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """What layers give, computed from what other layers gave.

        Args:
            places: of the layers whose results are wanted.
            values: float32 (n, ...) by place: all that is needed, and nothing else.

        Returns:
            float32 (n, ...) for each of `places`.
        """
        given = tuple(sorted(values))
        if (given, places) not in self.parts:
            takes, gives = ([self.layers[place].gives for place in some] for some in (given, places))
            self.parts[given, places] = self.keras.Model(takes, gives)
        results = self.parts[given, places]([values[place] for place in given], training=False)
        results = results if isinstance(results, list | tuple) else [results]
        return [np.asarray(result, np.float32) for result in results]


def network_of(model: Any, *, name: str, last: str | None = None) -> Network:
    """The layers of a Sequential or functional model of tf-keras or Keras 3.

    Args:
        model: as it was loaded from a file: with layers that are called in it and nowhere else.
        name: for messages.
        last: what its last layer is called, where that is not its own name.

    Raises:
        ContentError: its layers cannot be called one by one.
    """
    refuse_opaque(model, name=name)
    places = {id(model.inputs[0]): IMAGE}
    layers = [Layer("image", "Input", (), model.inputs[0], tuple(model.inputs[0].shape[1:]))]
    computing = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    for one in computing:
        takes, gives = next(iter(_calls(one, places)), ([], []))
        feeds_on = tuple(dict.fromkeys(places[id(tensor)] for tensor in takes))
        places |= {id(tensor): len(layers) for tensor in gives}
        layers.append(_layer(one, feeds_on, gives))
    for one in computing:
        times = len(_calls(one, places))
        if times != 1:
            raise _opaque(name, f"its layer {one.name} is called {times} times")
    if last is not None:
        layers[-1] = replace(layers[-1], name=last)
    return Network(_keras_of(model), tuple(layers))


def refuse_opaque(model: Any, *, name: str) -> None:
    """Raises ContentError, which says why, if the layers of a model cannot be called one by one."""
    if not getattr(model, "layers", None):
        raise _opaque(name, "it is a SavedModel, whose layers are no longer there")
    if not getattr(model, "inputs", None):
        raise _opaque(name, "it is a subclassed model, whose layers are called by code of its own")


def _layer(layer: Any, feeds_on: tuple[int, ...], results: Sequence[Any]) -> Layer:
    gives, shape = (results[0], tuple(results[0].shape[1:])) if len(results) == 1 else (None, ())
    return Layer(layer.name, type(layer).__name__, feeds_on, gives, shape, bool(layer.weights), _moves(layer), layer)


def _calls(layer: Any, known: Collection[int]) -> list[tuple[list[Any], list[Any]]]:
    """The symbolic tensors that a layer takes and gives, for each time that it is called in a network.

    Args:
        layer: of either Keras. It may have been called elsewhere too: an inner network on its own inputs.
        known: `id` of the network's tensors.
    """
    # Both Kerases name these alike; what is public tells of a network in a network only its own inputs.
    calls = [(_flat(node.input_tensors), _flat(node.output_tensors)) for node in layer._inbound_nodes]  # noqa: SLF001
    return [(takes, gives) for takes, gives in calls if all(id(tensor) in known for tensor in takes)]


def _moves(layer: Any) -> bool:
    linear = getattr(getattr(layer, "activation", None), "__name__", "") == "linear"
    return type(layer).__name__ in _MOVES or (type(layer).__name__ == "Activation" and linear)


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, dict):
        tensors = list(tensors.values())
    return [one for part in tensors for one in _flat(part)] if isinstance(tensors, list | tuple) else [tensors]


def _keras_of(model: Any) -> Any:
    """The Keras whose model it is. It has been imported, or there would be no such model."""
    ours = sys.modules["tf_keras"]
    return ours if isinstance(model, ours.Model) else sys.modules["keras"]


def _opaque(name: str, why: str) -> ContentError:
    message = f"the layers of {name} cannot be looked at: {why}."
    return ContentError(message, "Leave --layers out, or build the network as a Sequential or functional model.")
