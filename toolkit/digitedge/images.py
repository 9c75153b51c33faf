"""Images as arrays, and images that lie elsewhere and are read by the same indices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

# What one block of images takes: large enough to be read by several threads, small beside a data set.
BLOCK_BYTES = 32 * 2**20


class LazyImages(Protocol):
    """Images uint8 (n, height, width, channels) that lie elsewhere: an index reads those that it names into memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, height, width, channels)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""

    @property
    def ndim(self) -> int:
        """4."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: int | slice | NDArray[np.integer]) -> NDArray[np.uint8]: ...

    def __iter__(self) -> Iterator[NDArray[np.uint8]]: ...

    def take(self, indices: NDArray[np.integer] | slice) -> LazyImages:
        """The images at `indices`, in that order, none of them read yet."""


Images: TypeAlias = "NDArray[np.uint8] | LazyImages"


def blocks(images: Images, most: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """All images in order, uint8 (k, height, width, channels) at a time: 32 MiB, or one image where that is larger.

    Args:
        images: in memory or not.
        most: images a block, at most.
    """
    _, *sizes = images.shape
    number = max(1, BLOCK_BYTES // max(1, math.prod(sizes)))
    step = number if most is None else min(number, most)
    for start in range(0, len(images), step):
        yield images[start : start + step]
