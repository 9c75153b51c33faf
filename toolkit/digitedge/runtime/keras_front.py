"""What a network does with its pixels first: a Rescaling or a Normalization layer says what it expects.

Read from the layers of either Keras; neither is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitedge.errors import UsageError
from digitedge.input_range import RANGES, per_channel, range_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.input_range import Scaling
    from digitedge.runtime.keras import KerasModel

# What pixels are scaled to. A layer that takes one of RANGES to one of these says which one it expects.
_TARGETS = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5))
# Layers that leave the values of pixels as they are, at least when a network is not being trained; so does Random*.
_PASSING = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Resizing", "CenterCrop",
            "RandAugment", "MixUp", "CutMix")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Front:
    """The first layer that computes, where it is one that scales.

    Attributes:
        layer: what it is and does, such as `Rescaling (scale 0.003922, offset 0)`.
        range: the values of black and white that it expects; None where it does not say.
    """

    layer: str
    range: tuple[float, float] | None


def front_of(network: Any) -> Front | None:
    """What the first layer says of the pixels that a network takes; None where it is not one that scales.

    Args:
        network: a model of tf-keras or Keras 3, or anything without layers.
    """
    first = next((layer for layer in _layers(network) if not _passes(layer)), None)
    kind = type(first).__name__
    if first is None or kind not in {"Rescaling", "Normalization"} or _forks(network):
        return None
    if kind == "Normalization":
        return Front(f"Normalization (mean {_numbers(first.mean)}, variance {_numbers(first.variance)})", None)
    text = f"Rescaling (scale {_numbers(first.scale)}, offset {_numbers(first.offset)})"
    alike = isinstance(first.scale, (int, float)) and isinstance(first.offset, (int, float))
    return Front(text, range_expected(first.scale, first.offset) if alike else None)


def described(model: KerasModel, scaling: Scaling, *, name: str) -> tuple[KerasModel, str]:
    """The model with the scaling that its first layer and the user say, and a sentence about it.

    Args:
        model: as it was loaded.
        scaling: what the user says.
        name: of its file, for the sentence and for messages.

    Raises:
        UsageError: the two contradict each other, or nothing says what the pixels must be where that cannot be assumed.
    """
    front = front_of(model.network)
    _check(front, scaling, name, layers=hasattr(model.network, "layers"))
    channels = model.spec.input_shape[2]
    spec = replace(
        model.spec,
        range=scaling.range or model.spec.range,
        mean=per_channel("--mean", scaling.mean, channels, 0.0),
        std=per_channel("--std", scaling.std, channels, 1.0),
    )
    takes = f"pixels as {range_text(spec.range)}"
    if scaling.mean or scaling.std:
        takes += f", less a mean of {_numbers(spec.mean)}, over a deviation of {_numbers(spec.std)}"
    if front is not None:
        sentence = f"{name} begins with {front.layer}, which stays in the network: it gets {takes}"
    elif scaling.said:
        sentence = f"{name} gets {takes}"
    else:
        sentence = f"nothing in {name} says which pixels it takes: it gets {takes} (--input-range)"
    return replace(model, spec=spec), sentence


def _check(front: Front | None, scaling: Scaling, name: str, *, layers: bool) -> None:
    known = ", ".join(RANGES)
    said = scaling.range
    if front is not None and front.range is not None and said is not None and said != front.range:
        expects, given = range_text(front.range), range_text(said)
        message = f"{name} begins with {front.layer}, which takes pixels as {expects}, and --input-range is {given}."
        raise UsageError(message, "Leave --input-range out, or take the layer out of the network.")
    if said is None and front is not None and front.range is None:
        message = f"{name} begins with {front.layer}, which does not say what range of pixels it takes."
        raise UsageError(message, f"Add --input-range with one of {known}.")
    if said is None and not layers:
        message = f"{name} is a SavedModel, which does not say what range of pixels it takes."
        raise UsageError(message, f"Add --input-range with one of {known}.")


def range_expected(scale: float, offset: float) -> tuple[float, float] | None:
    """The range that x * scale + offset takes to one that networks compute with; None where that is none, or two.

    A scale of 1/255 expects 0..255; 1/127.5 with an offset of -1 too; 2 with an offset of -1 expects 0..1.
    """
    if (scale, offset) == (1.0, 0.0):
        return None
    mapped = {given: tuple(value * scale + offset for value in given) for given in RANGES.values()}
    fitting = [given for given, result in mapped.items() if any(_near(result, target) for target in _TARGETS)]
    return fitting[0] if len(fitting) == 1 else None


def _near(one: tuple[float, ...], other: tuple[float, float]) -> bool:
    """Whether two ranges are the same but for the digits that a person leaves out: 0.00392 is 1/255."""
    return all(abs(a - b) <= 1e-3 * (other[1] - other[0]) for a, b in zip(one, other, strict=True))


def _layers(network: Any) -> Iterator[Any]:
    """Every layer in the order of computation, those of nested models in their place."""
    for layer in getattr(network, "layers", ()):
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        else:
            yield layer


def _passes(layer: Any) -> bool:
    name = type(layer).__name__
    return name in _PASSING or name.startswith("Random")


def _forks(network: Any) -> bool:
    """Whether several layers read the pixels: what one of them does with those says nothing of the others."""
    pixels = network.inputs[0]
    readers = [layer for layer in network.layers if type(layer).__name__ != "InputLayer" and _reads(layer, pixels)]
    return len(readers) > 1


def _reads(layer: Any, tensor: Any) -> bool:
    try:
        inputs = layer.input
    except (AttributeError, RuntimeError, ValueError):  # a layer that is used twice has no one input
        return False
    return any(one is tensor for one in (inputs if isinstance(inputs, list | tuple) else [inputs]))


def _numbers(values: Any) -> str:
    """Up to three numbers as people write them: 0.003922, or 0.485, 0.456, 0.406."""
    import numpy as np

    flat = np.asarray(values, np.float64).ravel()
    shown = ", ".join(f"{value:.4g}" for value in flat[:3])
    return shown + (", ..." if len(flat) > 3 else "")  # noqa: PLR2004
