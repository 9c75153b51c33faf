"""Images made worse, by name and severity: always the same for the same images and seed."""

from __future__ import annotations

import math
import zlib
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError, UnknownNameError, UsageError
from digitedge.images import blocks
from digitedge.registry import entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.data.corruption.kind import Corruption
    from digitedge.images import Images

SEVERITIES = (1, 2, 3, 4, 5)
# Pixels x channels that are changed at a time: what is made on the way, in float64, stays in the cache of the CPU.
_AT_A_TIME = 2**18


@cache
def corruptions() -> dict[str, Corruption]:
    """All of them by name, file by file of this folder."""
    found = [
        corruption
        for module in entries("digitedge.data.corruption", "CORRUPTIONS").values()
        for corruption in module.CORRUPTIONS
    ]
    return {corruption.name: corruption for corruption in found}


def corrupted(images: Images, name: str, severity: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Images as the world may give them.

    No library is used for this: imagecorruptions has had no release since 2020, its forks need OpenCV, SciPy and
    scikit-image (and one Numba) on a device that has NumPy, and all of them change one photograph at a time by the
    pixels of a 224x224 image. MNIST-C and Morpho-MNIST are not packages.

    Args:
        images: uint8 (n, height, width, 1 or 3), in memory or not, 0 is black. Strengths are relative to their size.
        name: one of `corruptions()`.
        severity: 1 (mild) to 5 (strong); 0 leaves the images as they are.
        seed: of what is drawn by chance: directions and noise. The same seed gives the same images on every machine.

    Returns:
        uint8 of the same shape, in memory.

    Raises:
        UnknownNameError: there is no such corruption.
        UsageError: the severity is not 0 to 5.
        ContentError: these are no images.
    """
    if name not in corruptions():
        raise UnknownNameError("corruption", name, corruptions())
    if severity not in (0, *SEVERITIES):
        raise UsageError(f"severity {severity} of {name}.", "It goes from 1 (mild) to 5 (strong); 0 is no change.")
    _check(images)
    if severity == 0 or len(images) == 0:
        return np.array(images[:])
    corruption = corruptions()[name]
    # RandomState's stream is frozen for ever (NEP 19). The seed does not know the severity: see `Corruption.change`.
    random = np.random.RandomState([seed, zlib.crc32(name.encode())])
    most = max(1, _AT_A_TIME // math.prod(images.shape[1:]))
    strength = corruption.strengths[severity - 1]
    return np.concatenate([corruption.change(block, strength, random) for block in blocks(images, most)])


def _check(images: Images) -> None:
    """Raises ContentError for what are no images."""
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3) or 0 in images.shape[1:]:  # noqa: PLR2004
        message = f"there are {images.dtype} {images.shape} to corrupt."
        raise ContentError(message, "Images are uint8 (n, height, width, 1 or 3).")
