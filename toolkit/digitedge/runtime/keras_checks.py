"""Does a network classify images, and what does it give? Asked of the network itself, whichever Keras it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data.preprocess import to_input
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from digitedge.spec import OutputKind, Spec

# How far the scores of one image may be from a sum of 1: float32 rounding is 1e-7 for each class, half precision 1e-3.
_SUM_TOLERANCE = 1e-2


def check_network(network: Any, classes: int, *, name: str) -> tuple[int, int, int]:
    """The (height, width, channels) of the images that a network of ours classifies.

    Raises:
        ContentError: it takes something else than images, or gives something else than one probability for each class.
    """
    input_shape = image_shape(network, classes, name=name)
    scores = network(_probes(input_shape), training=False).numpy()
    if not _are_probabilities(scores):
        raise _no_probabilities(name, scores, "Let it end in a softmax.")
    return input_shape


def image_shape(network: Any, classes: int, *, name: str) -> tuple[int, int, int]:
    """The (height, width, channels) of the images that a network takes.

    Raises:
        ContentError: it takes something else than one image, or gives something else than one score for each class.
    """
    takes, gives = shape_of(network, "input_shape"), shape_of(network, "output_shape")
    images = len(takes) == 4 and None not in takes[1:] and takes[3] in (1, 3)  # noqa: PLR2004
    if images and gives == (None, 1):
        message = f"{name} gives one score for each image."
        raise ContentError(message, "Let it give one for each of its two classes, and end in a softmax.")
    if not images or gives != (None, classes):
        message = f"{name} takes {takes} and gives {gives}."
        wanted = f"(n, {classes or 'classes'})"
        raise ContentError(message, f"It must take (n, height, width, 1 or 3) and give {wanted}.")
    height, width, channels = takes[1:]
    return height, width, channels


def output_kind(network: Any, spec: Spec, *, name: str) -> OutputKind:
    """Whether a network gives probabilities or logits, by what it gives for a few images.

    Raises:
        ContentError: neither: every score is from 0 to 1, and they do not sum to 1.
    """
    scores = network(to_input(_probes(spec.input_shape), spec), training=False).numpy()
    if _are_probabilities(scores):
        return "probabilities"
    if scores.min() >= 0.0 and scores.max() <= 1.0:
        raise _no_probabilities(name, scores, "Let it end in a softmax, not in a sigmoid.")
    return "logits"


def shape_of(network: Any, name: str) -> tuple[Any, ...]:
    """A shape that a network tells, a dimension that is free as None; () where it tells none."""
    try:
        return tuple(getattr(network, name))
    except (AttributeError, RuntimeError, TypeError, ValueError):  # Keras's own, of a network that was never built
        return ()


def _probes(shape: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A black image, a white one, and noise, in [0, 1]."""
    noise = np.random.RandomState(0).random_sample((2, *shape)).astype(np.float32)
    return np.concatenate([np.zeros((1, *shape), np.float32), np.ones((1, *shape), np.float32), noise])


def _are_probabilities(scores: Any) -> bool:
    # "Is off" does not hold for a NaN: weights that are not finite are for parity to find, which says how many images.
    off = (scores < 0).any() or (np.abs(scores.sum(axis=1) - 1) > _SUM_TOLERANCE).any()
    return not off


def _no_probabilities(name: str, scores: Any, cure: str) -> ContentError:
    low, high = float(scores.min()), float(scores.max())
    return ContentError(f"{name} gives scores that are not probabilities: {low:.3g} to {high:.3g}.", cure)
