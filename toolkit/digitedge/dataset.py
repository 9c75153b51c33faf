"""Labelled images: two arrays, or labels in memory and images that are read as they are needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError
from digitedge.images import blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.images import Images


@dataclass(frozen=True)
class Dataset:
    """Images that lie in memory, or that are read as they are needed: the rest of this works alike for both.

    Attributes:
        images: uint8 (n, height, width, channels), channels 1 or 3, 0 is black. Read them by `blocks`, by a slice or by
            an array of indices: what those give is in memory.
        labels: int64 (n,), indices into `classes`; None where nobody has labelled them.
        classes: the name of each class.
        name: what the user called it, for reports.
        changes: what was done to the stored images, such as `90 of 100 images of photos resized to 32x32`.
    """

    images: Images
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    name: str
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ContentError for arrays that do not fit each other."""
        if self.images.ndim != 4 or self.images.dtype != np.uint8 or self.images.shape[3] not in (1, 3):  # noqa: PLR2004
            shape = f"{self.images.dtype} {self.images.shape}"
            raise ContentError(f"{self.name}: images are {shape}.", "They must be uint8 (n, height, width, 1 or 3).")
        if self.labels is None:
            return
        if self.labels.shape != (len(self.images),):
            message = f"{self.name}: {len(self.images)} images and labels of shape {self.labels.shape}."
            raise ContentError(message, "There must be one label for each image.")
        if self.labels.dtype.kind not in "iu":
            raise ContentError(f"{self.name}: labels are {self.labels.dtype}.", "They must be whole numbers.")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            message = f"{self.name}: labels from {self.labels.min()} to {self.labels.max()}."
            raise ContentError(message, f"They must be 0 to {len(self.classes) - 1}.")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @cached_property
    def sha256(self) -> str:
        """A digest of shape, pixels and labels: two data sets with the same digest judge a model alike."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        for block in blocks(self.images):
            digest.update(np.ascontiguousarray(block).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels.astype("<i8")).data)
        return digest.hexdigest()

    def take(self, indices: NDArray[np.int64] | slice) -> Dataset:
        """The images at `indices`, in that order; those that are not in memory stay where they are."""
        labels = None if self.labels is None else self.labels[indices]
        images = self.images[indices] if isinstance(self.images, np.ndarray) else self.images.take(indices)
        return replace(self, images=images, labels=labels)

    def require_labels(self) -> NDArray[np.int64]:
        """The labels.

        Raises:
            ContentError: the data set has none.
        """
        if self.labels is None:
            raise ContentError(f"{self.name} has no labels.", "Name a labelled data set.")
        return self.labels


@dataclass(frozen=True)
class Splits:
    """What a data source holds: images to learn from, and images to judge by where the source sets some apart."""

    train: Dataset
    test: Dataset | None
