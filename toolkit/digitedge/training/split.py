"""Some of the training images are held out, to choose by. Test images are never looked at for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from digitedge.dataset import Dataset

# Fixed, and apart from --seed: runs with other seeds are validated on the same images, and nobody can try splits.
SPLIT_SEED = 20_120


def hold_out(dataset: Dataset, part: float) -> tuple[Dataset, Dataset]:
    """(training, validation): `part` of the images, drawn by a fixed seed, are held out.

    Raises:
        ContentError: too few images to hold out even one and learn from another.
    """
    held = round(len(dataset) * part)
    if held < 1 or held >= len(dataset):
        message = f"{dataset.name} has {len(dataset)} images: {part:.0%} of them cannot be held out for validation."
        raise ContentError(message, "Name a data set with more images.")
    # RandomState's stream is frozen for ever (NEP 19): the split is the same with any release of NumPy.
    order = np.random.RandomState(SPLIT_SEED).permutation(len(dataset))
    return dataset.take(order[held:]), dataset.take(order[:held])
