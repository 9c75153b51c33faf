"""A thinner and a thicker pen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data.corruption.kind import MORPHO_MNIST, Corruption, each

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray
    from PIL.Image import Image

# Strokes grow and shrink in steps finer than the pixels of a small image: Morpho-MNIST works on digits at 4 times 28.
FINE_PIXELS = 112


def thinning(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """So much of the thickness of its own strokes is taken away, from both sides."""
    return _redrawn(images, strength, np.minimum)


def thickening(images: NDArray[np.uint8], strength: float, random: RandomState) -> NDArray[np.uint8]:  # noqa: ARG001
    """So much of the thickness of its own strokes is added, on both sides."""
    return _redrawn(images, strength, np.maximum)


CORRUPTIONS = (
    Corruption("thinning", (0.3, 0.5, 0.7, 0.8, 0.9), f"{MORPHO_MNIST}: 3 is its amount", thinning),
    Corruption("thickening", (0.3, 0.6, 1.0, 1.5, 2.0), f"{MORPHO_MNIST}: 3 is its amount", thickening),
)


def _redrawn(images: NDArray[np.uint8], amount: float, pick: np.ufunc) -> NDArray[np.uint8]:
    """Eroded (minimum) or dilated (maximum) by `amount` of half the thickness of the strokes of each image."""
    from PIL.Image import Resampling

    _, height, width, _ = images.shape
    factor = max(1, FINE_PIXELS // min(height, width))

    def enlarged(_: int, image: Image) -> Image:
        return image.resize((width * factor, height * factor), Resampling.BICUBIC)

    def reduced(_: int, image: Image) -> Image:
        return image.reduce(factor)

    fine = each(images, enlarged) if factor > 1 else images.copy()
    radii = amount / 2 * thickness(fine)
    for done in range(int(np.ceil(radii.max(initial=0.0)))):
        _step(fine, np.clip(radii - done, 0.0, 1.0), pick, square=done % 2 == 1)
    return each(fine, reduced) if factor > 1 else fine


def thickness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean thickness of what is bright in each image, float64 (n,), in pixels; 0 where nothing stands out.

    A long stroke has an area of length x thickness and an outline of twice its length: 2 area / outline. The outline is
    counted along rows, columns and both diagonals and is right within 6 % in any direction (Cauchy-Crofton formula).
    """
    grey = images.max(axis=3).astype(np.int16)
    low, high = grey.min(axis=(1, 2), keepdims=True), grey.max(axis=(1, 2), keepdims=True)
    bright = np.pad(2 * grey > low + high, ((0, 0), (1, 1), (1, 1)))
    straight = _edges(bright[:, 1:], bright[:, :-1]) + _edges(bright[..., 1:], bright[..., :-1])
    oblique = _edges(bright[:, 1:, 1:], bright[:, :-1, :-1]) + _edges(bright[:, 1:, :-1], bright[:, :-1, 1:])
    outline = np.pi / 8 * (straight + oblique / np.sqrt(2))
    thick: NDArray[np.float64] = 2 * bright.sum(axis=(1, 2)) / np.maximum(outline, 1)
    return thick


def _edges(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How often two neighbours differ, of each image."""
    edges: NDArray[np.int64] = (first != second).sum(axis=(1, 2))
    return edges


def _step(images: NDArray[np.uint8], shares: NDArray[np.float64], pick: Any, *, square: bool) -> None:
    """One pixel more, in place, or a share of it: crosses and squares in turn make an octagon, nearly a disc."""
    for place in np.flatnonzero(shares > 0):  # one image at a time stays in the cache of the CPU
        image = images[place]
        grown = image.copy()
        pick(grown[1:], image[:-1], out=grown[1:])
        pick(grown[:-1], image[1:], out=grown[:-1])
        base = grown.copy() if square else image
        pick(grown[:, 1:], base[:, :-1], out=grown[:, 1:])
        pick(grown[:, :-1], base[:, 1:], out=grown[:, :-1])
        share = np.float32(shares[place])
        images[place] = grown if share == 1 else np.rint(image + share * (grown.astype(np.float32) - image))
