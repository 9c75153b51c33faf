"""Some of the training images are held out, to choose by. Test images are never looked at for that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.dataset import Dataset

# Fixed, and apart from --seed: runs with other seeds are validated on the same images, and nobody can try splits.
SPLIT_SEED = 20_120
_NAMED = 5


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


def remarks(dataset: Dataset, part: float) -> tuple[str, ...]:
    """What a small or lopsided data set leaves some classes without, once `part` is held out; nothing is corrected.

    Raises:
        ContentError: as `hold_out`; or there are no labels.
    """
    # One pixel of each image is enough to see which goes where.
    learnt, held = hold_out(replace(dataset, images=dataset.images[:, :1, :1]), part)
    unlearnt, unjudged = _absent(learnt), _absent(held)
    said = []
    if unlearnt:
        said.append(f"{dataset.name}: no training image shows {_listed(unlearnt)}: the network cannot learn that.")
    if len(held) < len(dataset.classes):
        few = "1 image is" if len(held) == 1 else f"{len(held)} images are"
        said.append(f"{dataset.name}: {few} held out for {len(dataset.classes)} classes: validation says little.")
    elif unjudged:
        said.append(f"{dataset.name}: no held-out image shows {_listed(unjudged)}: validation says nothing of that.")
    return tuple(said)


def _absent(dataset: Dataset) -> list[str]:
    present = set(dataset.require_labels().tolist())
    return [name for index, name in enumerate(dataset.classes) if index not in present]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
