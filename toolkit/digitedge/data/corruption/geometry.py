"""Rotated, shifted, shrunk, slanted: what a hand and a camera do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.corruption.kind import MNIST_C, Corruption, each

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray
    from PIL.Image import Image


def rotate(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """By so many radians, to either side."""
    angles = strength * _sides(random, len(images))
    return _warped(images, np.stack([np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles)], axis=1))


def shear(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """Slanted by so many radians, to either side. The height grows by 1 / cos, as in the code of MNIST-C."""
    angles = strength * _sides(random, len(images))
    ones, zeros = np.ones(len(images)), np.zeros(len(images))
    return _warped(images, np.stack([ones, -np.sin(angles), zeros, np.cos(angles)], axis=1))


def scale(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """Shrunk to so much of its height and width."""
    return _warped(images, np.tile([1 / strength, 0.0, 0.0, 1 / strength], (len(images), 1)))


def translate(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:
    """Moved by so much of its height and its width, each to either side."""
    _, height, width, _ = images.shape
    across, down = _sides(random, len(images)), _sides(random, len(images))
    moves = strength * np.stack([across * width, down * height], axis=1)
    return _warped(images, np.tile([1.0, 0.0, 0.0, 1.0], (len(images), 1)), moves)


CORRUPTIONS = (
    Corruption("rotate", (0.2, 0.4, 0.6, 0.8, 1.0), MNIST_C, rotate),
    Corruption("translate", (1 / 28, 2 / 28, 3 / 28, 4 / 28, 5 / 28), f"{MNIST_C}: 1 to 5 pixels of 28", translate),
    Corruption("scale", (0.9, 0.8, 0.7, 0.6, 0.5), MNIST_C, scale),
    Corruption("shear", (0.2, 0.4, 0.6, 0.8, 1.0), MNIST_C, shear),
)


def _sides(random: RandomState, number: int) -> NDArray[np.float64]:
    """-1 or 1 for each image."""
    return np.where(random.randint(0, 2, number) == 0, -1.0, 1.0)


def _warped(
    images: NDArray[np.uint8], matrices: NDArray[np.float64], moves: NDArray[np.float64] | None = None
) -> NDArray[np.uint8]:
    """Each image through its own map about its centre, bilinear; what comes in from outside is its background.

    Args:
        images: uint8 (n, height, width, 1 or 3).
        matrices: float64 (n, 4), from a place in the result to one in the image: (xx, xy, yx, yy).
        moves: float64 (n, 2), across and down, in pixels.
    """
    from PIL.Image import Resampling, Transform

    _, height, width, _ = images.shape
    x, y = width / 2, height / 2
    grounds = _backgrounds(images)

    def warped(place: int, image: Image) -> Image:
        xx, xy, yx, yy = matrices[place].tolist()
        across, down = (0.0, 0.0) if moves is None else moves[place].tolist()
        # (x, y) of the result is looked up at the image's centre + matrix (x - centre - move).
        data = (
            xx,
            xy,
            x - xx * (x + across) - xy * (y + down),
            yx,
            yy,
            y - yx * (x + across) - yy * (y + down),
        )
        assert all(map(math.isfinite, data)), data
        return image.transform(
            image.size, Transform.AFFINE, data, resample=Resampling.BILINEAR, fillcolor=grounds[place]
        )

    return each(images, warped)


def _backgrounds(images: NDArray[np.uint8]) -> list[int | tuple[int, ...]]:
    """The middle colour of the border of each image: black for the digits of MNIST, as MNIST-C fills them.

    Paper stays paper then: black corners around a dark digit on white would be another corruption.
    """
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    middle: list[list[int]] = np.median(border, axis=1).astype(np.uint8).tolist()
    return [colour[0] if len(colour) == 1 else tuple(colour) for colour in middle]
