"""Noise of a sensor, of little light, of a bad line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.corruption.kind import IMAGENET_C, MNIST_C, Corruption, pixels

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray


def gaussian_noise(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """With a standard deviation of so much of white."""
    return pixels(images + random.standard_normal(images.shape) * (255 * strength))


def shot_noise(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """White is so many photons; what arrives is Poisson's."""
    return pixels(random.poisson(images * (strength / 255)) * (255 / strength))


def impulse_noise(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """So much of the pixels are black or white, as often the one as the other."""
    drawn = random.random_sample(images.shape)
    hit = np.where(drawn < strength / 2, np.uint8(255), np.uint8(0))
    noisy: NDArray[np.uint8] = np.where(drawn < strength, hit, images)
    return noisy


CORRUPTIONS = (
    Corruption("gaussian_noise", (0.08, 0.12, 0.18, 0.26, 0.38), f"{MNIST_C} and {IMAGENET_C}", gaussian_noise),
    Corruption("shot_noise", (60.0, 25.0, 12.0, 5.0, 3.0), f"{MNIST_C} and {IMAGENET_C}", shot_noise),
    Corruption("impulse_noise", (0.03, 0.06, 0.09, 0.17, 0.27), f"{MNIST_C} and {IMAGENET_C}", impulse_noise),
)
