"""Out of focus, and moved while the shutter was open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.corruption.kind import CIFAR_10_C, MNIST_C, Corruption, each, pixels

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray
    from PIL.Image import Image

# Directions of movement, evenly over MNIST-C's -45 to 45 degrees: images that move alike are blurred together.
DIRECTIONS = 8


def gaussian_blur(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """With a standard deviation of so much of the shorter side."""
    from PIL.ImageFilter import GaussianBlur

    blur = GaussianBlur(strength * min(images.shape[1:3]))

    def blurred(_: int, image: Image) -> Image:
        return image.filter(blur)

    return each(images, blurred)


def motion_blur(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """Smeared evenly over so much of the shorter side, each image in a direction of its own."""
    length = strength * min(images.shape[1:3])
    drawn = random.randint(0, DIRECTIONS, len(images))
    smeared = np.empty_like(images)
    for direction in range(DIRECTIONS):
        chosen = drawn == direction
        angle = math.pi / 2 * ((direction + 0.5) / DIRECTIONS - 0.5)
        smeared[chosen] = pixels(_smeared(images[chosen].astype(np.float32), length, angle))
    return smeared


# The published strengths are pixels of one size of image. As shares of the shorter side these go from CIFAR-10-C's
# mildest (0.4 pixels of 32) to MNIST-C's usual severity (2 pixels of 28).
_SHARES = f"{CIFAR_10_C} to {MNIST_C}, as shares of the side"

CORRUPTIONS = (
    Corruption("gaussian_blur", (0.0125, 0.025, 0.036, 0.05, 0.071), _SHARES, gaussian_blur),
    # The one-sided Gaussian of the published code spreads like an even smear of 2.1 times its standard deviation: from
    # CIFAR-10-C's 1 pixel of 32 over MNIST-C's mildest, 3 of 28, to 4 of 28.
    Corruption("motion_blur", (0.065, 0.12, 0.17, 0.22, 0.3), _SHARES, motion_blur),
)


def _smeared(images: NDArray[np.float32], length: float, angle: float) -> NDArray[np.float32]:
    """The mean of copies along a line of `length` pixels: each doubling makes twice as many, half as far apart."""
    doublings = max(1, math.ceil(math.log2(max(length, 1.0))) + 1)
    copies: int = 2**doublings
    step = length / copies
    across, down = math.cos(angle), math.sin(angle)
    start = -(copies - 1) * step / 2
    smeared = _moved(images, start * across, start * down)
    for doubling in range(doublings):
        away = step * 2**doubling
        smeared = (smeared + _moved(smeared, away * across, away * down)) * np.float32(0.5)
    return smeared


def _moved(images: NDArray[np.float32], across: float, down: float) -> NDArray[np.float32]:
    """Images moved by parts of pixels, bilinear; the outermost pixels go on beyond the edge."""
    _, height, width, _ = images.shape
    left, top = math.floor(-across), math.floor(-down)
    part_x, part_y = np.float32(-across - left), np.float32(-down - top)
    reach = max(abs(left), abs(top)) + 1
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    rows = padded[:, reach + top : reach + top + height + 1]
    rows = rows[:, :-1] * (1 - part_y) + rows[:, 1:] * part_y
    columns = rows[:, :, reach + left : reach + left + width + 1]
    moved: NDArray[np.float32] = columns[:, :, :-1] * (1 - part_x) + columns[:, :, 1:] * part_x
    return moved
