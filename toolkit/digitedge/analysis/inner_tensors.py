"""What an exported file computes inside, whatever its format: tensors that bear the names of layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Grid:
    """Values that 8-bit integers stand for: evenly spaced by `step` from `low` to `high`."""

    step: float
    low: float
    high: float


def grid_of(scale: float, zero_point: int, dtype: np.dtype[Any] | type[Any]) -> Grid:
    """The values (integer - zero point) * scale of all integers of a type."""
    ends = np.iinfo(dtype)
    return Grid(scale, (ends.min - zero_point) * scale, (ends.max - zero_point) * scale)


@dataclass(frozen=True, slots=True)
class Inner:
    """One tensor.

    Attributes:
        key: by which it is asked for.
        names: that tell which layers it comes from.
        shape: for one image, the channels last.
        grid: the values that it can have, where it is held as integers; None for floats.
    """

    key: str | int
    names: tuple[str, ...]
    shape: tuple[int, ...]
    grid: Grid | None


class Inside(Protocol):
    """A file whose tensors can be read."""

    @property
    def tensors(self) -> tuple[Inner, ...]:
        """All that depend on the image, in the order of the file."""

    @property
    def image(self) -> Inner | None:
        """What stands for the image as the original takes it; None where the file takes it in another form."""

    @property
    def scores(self) -> Inner:
        """What decides: the output, or what a softmax or an argmax at the end makes it of."""

    @property
    def output(self) -> Inner | None:
        """Probabilities that a softmax makes of the scores; None where the file gives something else."""

    def blocks(self, inputs: NDArray[Any], wanted: Sequence[Inner], size: int) -> Iterator[list[NDArray[np.float32]]]:
        """Tensors float32 (k, ...), the channels last, what integers stand for, for k images after the other.

        Args:
            inputs: images as `data.preprocess.to_input` gives them for the file.
            wanted: which.
            size: images at a time.
        """
