"""Classes that are only numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.errors import ContentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A label beyond this is a damaged file, not a class: each class costs a name and an output of the network.
HIGHEST_LABEL = 65_535


def numbered(name: str, *parts: NDArray[np.int64]) -> tuple[str, ...]:
    """The classes "0" to "<highest label>" of labels int64 (n,), over all parts of one data set.

    A class between them that no image has is kept: only so does an output of the network mean its own number.

    Raises:
        ContentError: a label is below 0 or above 65,535, or all are 0; the message begins with `name`.
    """
    lowest = min(int(part.min()) for part in parts)
    highest = max(int(part.max()) for part in parts)
    if lowest < 0 or highest > HIGHEST_LABEL:
        message = f"{name}: labels from {lowest} to {highest}."
        raise ContentError(message, f"They must be whole numbers from 0 to {HIGHEST_LABEL}.")
    if highest == 0:
        raise ContentError(f"{name}: every label is 0.", "A classifier needs at least two classes.")
    return tuple(str(label) for label in range(highest + 1))
