"""The training images that quantization goes by. Never test images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from digitedge.data.preprocess import to_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitedge.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images for the integer ranges, and others to choose by.

    Attributes:
        images: float32 (n, height, width, channels) in [0, 1]: the ranges of activations are taken from these.
        held_out: float32 (m, height, width, channels) in [0, 1]: a recipe is chosen by what it decides for these.
        labels: int64 (m,), of `held_out`; None where nobody has labelled them.
    """

    images: NDArray[np.float32]
    held_out: NDArray[np.float32]
    labels: NDArray[np.int64] | None

    @cached_property
    def sha256(self) -> str:
        """Of all of it: the bytes of an int8 file depend on it."""
        digest = hashlib.sha256()
        for array in (self.images, self.held_out, self.labels):
            if array is not None:
                digest.update(f"{array.dtype.str} {array.shape}".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()


def divide(dataset: Dataset, images: int, choice: int, held_out: Dataset | None = None) -> Calibration:
    """The first `images` for the ranges, and the next `choice` to choose by.

    Where there are fewer than both, each gets its share; a single image serves for both.

    Args:
        dataset: training images in random order, at least 1.
        images: wanted for the ranges, at least 1.
        choice: wanted to choose by, at least 1.
        held_out: to choose by instead: images that the network has not learnt from.
    """
    if held_out is None:
        middle = min(images, max(1, len(dataset) * images // (images + choice)))
        held_out = dataset.take(slice(middle if middle < len(dataset) else 0, middle + choice))
        dataset = dataset.take(slice(middle))
    chosen = held_out.take(slice(choice))
    return Calibration(to_unit(dataset.take(slice(images)).images[:]), to_unit(chosen.images[:]), chosen.labels)
