"""The images of an epoch, in blocks of whole batches, one block read ahead of the training."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitedge.training.augment import draws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.training.device import Placement

# A block is read while the one before it is learnt: small enough to begin soon, large enough to hide the disk.
_BLOCK_BYTES, _BLOCK_STEPS = 16 << 20, 64


@dataclass(frozen=True)
class Block:
    """Some batches, one after another.

    Attributes:
        images: uint8 (n, height, width, channels).
        labels: int64 (n,).
        draws: float32 (n, augment.DRAWS) in [-1, 1): what happens to each image.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    draws: NDArray[np.float32]

    def part(self, start: int, stop: int) -> Block:
        """The images from `start` to before `stop`."""
        return Block(self.images[start:stop], self.labels[start:stop], self.draws[start:stop])


@dataclass(frozen=True)
class Feed:
    """What one worker of a training reads.

    Everything random depends on seed, epoch and the image's place in the data set alone, so that it is the same
    whoever reads it, and after a resumption.

    Attributes:
        dataset: the images to learn from.
        batch_size: of a step, over all workers; a multiple of `workers`.
        seed: of order and augmentation.
        rank: which of the workers this is, from 0 on.
        workers: each of them reads its own part of every batch.
    """

    dataset: Dataset
    batch_size: int
    seed: int
    rank: int = 0
    workers: int = 1

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return -(-len(self.dataset) // self.batch_size)

    @property
    def share(self) -> int:
        """Images of each batch that this worker reads."""
        return self.batch_size // self.workers

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Places in the data set, int64 (steps, share), of the images that this worker reads in an epoch, from 0 on.

        Every image comes once; the last batch is filled up with the first ones, so that no batch is smaller.
        """
        # RandomState's stream is frozen for ever (NEP 19).
        order = np.random.RandomState([self.seed, epoch]).permutation(len(self.dataset))
        batches = np.resize(order, (self.steps, self.batch_size))
        return batches[:, self.rank * self.share : (self.rank + 1) * self.share].astype(np.int64)

    def blocks(self, epoch: int) -> Iterator[Block]:
        """The batches of an epoch, in order; `share` images are one batch.

        Raises:
            ContentError: a picture that is read only now is damaged.
        """
        order, every = self.order(epoch), draws(len(self.dataset), self.seed, epoch)
        labels = self.dataset.require_labels().astype(np.int64, copy=False)
        image_bytes = int(np.prod(self.dataset.image_shape))
        steps = max(1, min(_BLOCK_STEPS, _BLOCK_BYTES // (self.share * image_bytes)))

        def read(step: int) -> Block:
            places = order[step : step + steps].ravel()
            return Block(self.dataset.images[places], labels[places], every[places])

        with ThreadPoolExecutor(1) as ahead:
            starts = range(0, len(order), steps)
            coming = ahead.submit(read, 0)
            for following in [*starts[1:], None]:
                block = coming.result()
                if following is not None:
                    coming = ahead.submit(read, following)
                yield block


def feed(dataset: Dataset, config: TrainConfig, placement: Placement) -> Feed:
    """The feed of a training. A batch is no larger than the data set, but for what the devices must share evenly.

    Raises:
        ContentError: there are no labels.
    """
    dataset.require_labels()
    replicas = placement.replicas
    size = min(config.batch_size, -(-len(dataset) // replicas) * replicas)
    return Feed(dataset, size, config.seed, placement.rank, placement.workers)
