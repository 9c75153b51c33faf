"""What a corruption is, and what several of them need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import RandomState
    from numpy.typing import NDArray
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way in which images go bad.

    Attributes:
        name: as the benchmark calls it that it comes from.
        strengths: one for each severity, 1 to 5, the mildest first; of what, `change` says.
        source: where name and strengths come from.
        change: makes of images uint8 (n, height, width, 1 or 3), a strength and a source of chance the images as they
            become: uint8 of the same shape. The same draws are made whatever the strength, so that one image
            deteriorates from severity to severity, not five.
    """

    name: str
    strengths: tuple[float, float, float, float, float]
    source: str
    change: Callable[[NDArray[np.uint8], float, RandomState], NDArray[np.uint8]]


MNIST_C = "MNIST-C (Mu and Gilmer 2019, https://arxiv.org/abs/1906.02337)"
IMAGENET_C = "ImageNet-C (Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261)"
CIFAR_10_C = "CIFAR-10-C (Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261)"
MORPHO_MNIST = "Morpho-MNIST (Castro et al. 2019, https://arxiv.org/abs/1809.10780)"


def pixels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The nearest pixels of values from 0 (black) to 255; what lies beyond is cut off, as a sensor does."""
    nearest: NDArray[np.uint8] = np.rint(values).clip(0, 255).astype(np.uint8)
    return nearest


def each(images: NDArray[np.uint8], change: Callable[[int, Image], Image]) -> NDArray[np.uint8]:
    """What `change` makes of each image, given its place and the image as Pillow has it: uint8, n of what it gives."""
    from PIL.Image import fromarray

    grey = images.shape[3] == 1
    changed = [
        np.asarray(change(place, fromarray(image[:, :, 0] if grey else image))) for place, image in enumerate(images)
    ]
    stacked: NDArray[np.uint8] = np.stack(changed)
    return stacked[..., np.newaxis] if grey else stacked
