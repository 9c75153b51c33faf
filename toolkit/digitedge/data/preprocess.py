"""From stored pixels to what a network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.spec import Spec


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels uint8 0 to 255 as float32 in [0, 1], of the same shape."""
    unit: NDArray[np.float32] = images.astype(np.float32) / np.float32(255)
    return unit


def to_pixels(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The inverse of `to_unit`, exact for what it gave; other values in [0, 1] are rounded to the nearest pixel."""
    pixels: NDArray[np.uint8] = np.rint(images * np.float32(255)).astype(np.uint8)
    return pixels


def from_pixels(pixels: NDArray[np.uint8], spec: Spec) -> NDArray[Any]:
    """Pixels uint8 (n, height, width, channels), as a camera gives them, as `to_input` would: what a program does.

    A file that takes raw pixels gets these very ones, only laid out.
    """
    return _laid_out(pixels, spec) if spec.input_dtype == "uint8" else to_input(to_unit(pixels), spec)


def to_input(images: NDArray[np.float32], spec: Spec) -> NDArray[Any]:
    """Images float32 (n, height, width, channels) in [0, 1], in the range, type and layout that a file expects.

    Returns:
        uint8 raw pixels for a file that scales them itself. Else float32 in `spec.range`, less `spec.mean`, over
        `spec.std`: for a file that takes int8 these are the values that its integers stand for.
    """
    if spec.input_dtype == "uint8":
        return _laid_out(to_pixels(images), spec)
    low, high = spec.range
    # Left out where they change nothing: x * 1 + 0 is exact, but a copy of every batch is not free.
    if (low, high) != (0.0, 1.0):
        images = images * np.float32(high - low) + np.float32(low)
    if any(spec.mean) or any(value != 1.0 for value in spec.std):
        mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
        images = np.divide(images - mean, std, dtype=np.float32)
    return _laid_out(images, spec)


def _laid_out(images: NDArray[Any], spec: Spec) -> NDArray[Any]:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2) if spec.layout == "NCHW" else images)
