"""Pictures that stay in their files until they are asked for, in the way of an array."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from digitedge.data.pictures import read_stored, stored_shape
from digitedge.data.sizing import fitted, size_changes
from digitedge.errors import ContentError
from digitedge.images import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

GREY, RGB = 1, 3
# Pillow decodes without the GIL, but each picture costs some Python too: more threads than this only wait for it.
_MOST_THREADS = 8
# Below this many pixels in a picture, one thread was the fastest: 10,000 digits in 0.75 s, with two threads in 1.2 s,
# and 200 photographs of 2 million pixels in 5.7 s, with two threads in 2.0 s.
_PIXELS_WORTH_A_THREAD = 128 * 128


@dataclass(frozen=True, eq=False)
class PictureFiles:
    """Pictures uint8 (n, height, width, channels) in files: `digitedge.images.LazyImages`.

    A picture is decoded anew whenever an index, a slice or an array of indices names it, by several threads, and
    brought to `image_shape`: resized, and grey made RGB. One that is not what its header said before is refused.

    Attributes:
        paths: of Path (n,).
        stored: int32 (n, 3), height, width and channels of each as it is stored, but upright.
        image_shape: (height, width, channels) of each as it is given.
    """

    paths: NDArray[np.object_]
    stored: NDArray[np.int32]
    image_shape: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, height, width, channels)."""
        return len(self.paths), *self.image_shape

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """uint8."""
        return np.dtype(np.uint8)

    @property
    def ndim(self) -> int:
        """4."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """What they would take, all decoded."""
        height, width, channels = self.image_shape
        return len(self) * height * width * channels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, key: int | slice | NDArray[np.integer]) -> NDArray[np.uint8]:
        if not isinstance(key, slice) and np.ndim(key) == 0:
            return self.decoded(int(key))
        return _decoded(self.take(key))

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for block in blocks(self):
            yield from block

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        # What NumPy and TensorFlow would do without it: decode everything, one by one, and run out of memory.
        raise TypeError("these images are read as they are needed: take a slice or an array of indices of them")

    def take(self, indices: NDArray[np.integer] | slice | int) -> PictureFiles:
        """Those at `indices`, in that order, none of them decoded yet."""
        return replace(self, paths=self.paths[indices], stored=self.stored[indices])

    def changes(self) -> list[str]:
        """What is done to each of them in words, the sizes of all before the colours of all."""
        shapes = [tuple(shape) for shape in self.stored.tolist()]
        sizes = [change for shape in shapes for change in size_changes(shape, self.image_shape[:2])]
        return sizes + ["converted from grey to RGB" for shape in shapes if shape[2] != self.image_shape[2]]

    def decoded(self, place: int) -> NDArray[np.uint8]:
        """One of them, uint8 (height, width, channels).

        Raises:
            ContentError: it is damaged, or has changed since its header was read; names the file.
        """
        pixels = read_stored(self.paths[place])
        if pixels.shape != tuple(self.stored[place].tolist()):
            was, found = spelled(self.stored[place].tolist()), spelled(pixels.shape)
            message = f"{self.paths[place]} was {was} and is {found} now."
            raise ContentError(message, "It has changed meanwhile: start again.")
        pixels, _ = fitted(pixels, self.image_shape[:2])
        return pixels if pixels.shape[2] == self.image_shape[2] else pixels.repeat(RGB, axis=2)


def _decoded(files: PictureFiles) -> NDArray[np.uint8]:
    """All of them in memory."""
    images = np.empty(files.shape, np.uint8)

    def decode(place: int) -> None:
        images[place] = files.decoded(place)

    threads = _threads(files)
    if threads == 1:
        for place in range(len(files)):
            decode(place)
        return images
    # Made anew for each call: a pool that outlives a fork of the process has no threads in the child.
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(decode, range(len(files))):  # the first that fails ends it
            pass
    return images


def headers(paths: Sequence[Path]) -> NDArray[np.int32]:
    """Height, width and channels of pictures as they are stored, int32 (n, 3), without decoding them.

    Raises:
        ContentError: one is damaged, or of a kind that a data set does not take, as far as its header shows it.
    """
    return np.array([stored_shape(path) for path in paths], np.int32).reshape(-1, 3)


def spelled(shape: Sequence[int]) -> str:
    """Width x height and colours of an image (height, width, channels), for people."""
    height, width, channels = shape
    return f"{width}x{height} {'grey' if channels == GREY else 'RGB'}"


def _threads(files: PictureFiles) -> int:
    if not len(files) or files.stored[:, :2].prod(axis=1).mean() < _PIXELS_WORTH_A_THREAD:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, len(files), _MOST_THREADS)
