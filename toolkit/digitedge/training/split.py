"""Some of the training images are held out, to choose by. Test images are never looked at for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitedge.dataset import Dataset

# Fixed, and apart from --seed: runs with other seeds are validated on the same images, and nobody can try splits.
SPLIT_SEED = 20_120
_NAMED = 5


def hold_out(dataset: Dataset, part: float) -> tuple[Dataset, Dataset]:
    """(training, validation): `part` of the images, drawn by a fixed seed, are held out.

    Raises:
        ContentError: too few images to hold out even one and learn from another.
    """
    learnt, held = _places(dataset, part)
    return dataset.take(learnt), dataset.take(held)


def remarks(dataset: Dataset, part: float) -> tuple[str, ...]:
    """What a small or lopsided data set leaves some classes without, once `part` is held out; nothing is corrected.

    Raises:
        ContentError: as `hold_out`; or there are no labels.
    """
    learnt, held = _places(dataset, part)
    unlearnt, unjudged = _absent(dataset, learnt), _absent(dataset, held)
    said = []
    if unlearnt:
        said.append(f"{dataset.name}: no training image shows {_listed(unlearnt)}: the network cannot learn that.")
    if len(held) < len(dataset.classes):
        few = "1 image is" if len(held) == 1 else f"{len(held)} images are"
        said.append(f"{dataset.name}: {few} held out for {len(dataset.classes)} classes: validation says little.")
    elif unjudged:
        said.append(f"{dataset.name}: no held-out image shows {_listed(unjudged)}: validation says nothing of that.")
    return tuple(said)


def _places(dataset: Dataset, part: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the images to learn from, and of those held out."""
    held = round(len(dataset) * part)
    if held < 1 or held >= len(dataset):
        message = f"{dataset.name} has {len(dataset)} images: {part:.0%} of them cannot be held out for validation."
        raise ContentError(message, "Name a data set with more images.")
    # RandomState's stream is frozen for ever (NEP 19): the split is the same with any release of NumPy.
    order = np.random.RandomState(SPLIT_SEED).permutation(len(dataset)).astype(np.int64)
    return order[held:], order[:held]


def _absent(dataset: Dataset, places: NDArray[np.int64]) -> list[str]:
    present = set(dataset.require_labels()[places].tolist())
    return [name for index, name in enumerate(dataset.classes) if index not in present]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
