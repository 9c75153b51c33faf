"""Too bright, too flat, inverted: what exposure and paper do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.corruption.kind import CIFAR_10_C, MNIST_C, Corruption, pixels

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray


def brightness(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """Lighter by so much of white: the value of HSV rises; hue and saturation stay."""
    value = images.max(axis=3, keepdims=True).astype(np.float32)
    risen = np.minimum(value + np.float32(255 * strength), 255)
    # Black has neither hue nor saturation: it becomes grey.
    gain = np.divide(risen, value, out=np.zeros_like(value), where=value > 0)
    return pixels(np.where(value > 0, images * gain, risen))


def contrast(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """So much of the distance from its own mean, channel by channel, is left."""
    unit = images.astype(np.float32)
    means = unit.mean(axis=(1, 2), keepdims=True)
    return pixels((unit - means) * np.float32(strength) + means)


def inverse(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """Black is white in so much of the columns, half of them from either side."""
    width = images.shape[2]
    reach = round(strength / 2 * width)
    inverted = images.copy()
    inverted[:, :, :reach] ^= 0xFF
    inverted[:, :, max(reach, width - reach) :] ^= 0xFF
    return inverted if strength < 1 else ~images


# MNIST-C takes over ImageNet-C's brightness (0.1 to 0.5) and contrast (0.4 to 0.05), which are made for photographs: a
# network that has seen black paper only falls to 71 and 44 % at their mildest. The same authors' CIFAR-10-C begins
# mildly.
CORRUPTIONS = (
    Corruption("brightness", (0.05, 0.1, 0.15, 0.2, 0.3), CIFAR_10_C, brightness),
    Corruption("contrast", (0.75, 0.5, 0.4, 0.3, 0.15), CIFAR_10_C, contrast),
    Corruption("inverse", (0.1, 0.25, 0.5, 0.75, 1.0), f"{MNIST_C}: 3 is its `stripe`, 5 its `inverse`", inverse),
)
