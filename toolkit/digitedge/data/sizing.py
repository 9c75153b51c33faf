"""Images brought to another size, in the same way whether they are one picture or a whole data set."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from PIL.Image import Image

    from digitedge.dataset import Dataset


def resized(image: Image, height: int, width: int) -> Image:
    """By area where it shrinks, so that an enlarged digit comes back pixel for pixel; bilinear where it grows."""
    from PIL.Image import Resampling

    shrinks = image.width >= width and image.height >= height
    return image.resize((width, height), Resampling.BOX if shrinks else Resampling.BILINEAR)


def fitted(pixels: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """One image brought to a size.

    Args:
        pixels: uint8 (any height, any width, 1 or 3).
        size: (height, width).

    Returns:
        uint8 (height, width, 1 or 3), and what was done in words.
    """
    if pixels.shape[:2] == size:
        return pixels, ()
    return _resized(pixels, size), size_changes(pixels.shape, size)


def size_changes(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[str, ...]:
    """What `fitted` does to an image of `shape` (height, width, channels), in words."""
    height, width = size
    if shape[:2] == size:
        return ()
    order = "" if height == width else " (height x width)"
    stretched = shape[0] * width != shape[1] * height
    return (f"resized to {height}x{width}{order}", *(["stretched to other proportions"] if stretched else []))


def all_fitted(dataset: Dataset, size: tuple[int, int]) -> Dataset:
    """A data set with every image brought to a size (height, width); `changes` says so."""
    if not len(dataset) or dataset.image_shape[:2] == size:
        return dataset
    images = np.empty((len(dataset), *size, dataset.image_shape[2]), np.uint8)
    for number, pixels in enumerate(dataset.images):
        images[number] = _resized(pixels, size)
    changes = counted(size_changes(dataset.image_shape, size) * len(dataset), len(dataset), dataset.name)
    return replace(dataset, images=images, changes=(*dataset.changes, *changes))


def counted(changes: Iterable[str], total: int, name: str) -> tuple[str, ...]:
    """What was done to the images of a data set: one sentence for each kind of change.

    Args:
        changes: those of every image.
        total: how many images there are.
        name: of the data set.
    """
    found = Counter(changes).items()
    return tuple(f"{number:,} of {total:,} images of {name} {change}" for change, number in found)


def _resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    import PIL.Image

    image = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(resized(image, *size), np.uint8).reshape(*size, -1)
