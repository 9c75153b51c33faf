"""What VPMADDUBSW does to a sum of products: two products of an unsigned and a signed byte are added in 16 bits.

AVX2 and AVX-512 without VNNI multiply bytes in no other way. A pair beyond 16 bits saturates, and its sum is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_BYTE = 255
_LOW, _HIGH = -32_768, 32_767


def lost(columns: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    """By how much saturation changes the sums `rows @ columns`.

    Args:
        columns: unsigned bytes, of any dtype, (..., k, places): activations, k the axis of the sum.
        rows: signed bytes, of any dtype, (..., channels, k). Neighbours on k are a pair; a last one alone cannot
            saturate.

    Returns:
        (..., channels, places), what is to be added to the exact sums.
    """
    change = np.zeros((*np.broadcast_shapes(columns.shape[:-2], rows.shape[:-2]), rows.shape[-2], columns.shape[-1]))
    pairs = rows.shape[-1] // 2
    one, two = rows[..., : 2 * pairs : 2].astype(np.float64), rows[..., 1 : 2 * pairs : 2].astype(np.float64)
    can: NDArray[np.bool_] = np.asarray(
        _can_saturate(one, two).any(axis=tuple(range(rows.ndim - 2)))
    )  # (channels, pairs)
    for pair in np.flatnonzero(can.any(axis=0)):
        channels, first = np.flatnonzero(can[:, pair]), 2 * pair  # few: most weights are small
        sums = one[..., channels, pair, None] * columns[..., None, first, :]
        sums += two[..., channels, pair, None] * columns[..., None, first + 1, :]
        change[..., channels, :] += np.clip(sums, _LOW, _HIGH) - sums
    return change


def _can_saturate(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether two weights can leave 16 bits, whatever the activations."""
    highest = _MAX_BYTE * (np.maximum(one, 0) + np.maximum(two, 0))
    lowest = _MAX_BYTE * (np.minimum(one, 0) + np.minimum(two, 0))
    can: NDArray[np.bool_] = (highest > _HIGH) | (lowest < _LOW)
    return can
