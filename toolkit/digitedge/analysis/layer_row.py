"""One layer of an exported file beside the same layer of its Keras original."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from digitedge.analysis.layer_noise import CLIPPING_DB, NOISE_DB, SHIFT
from digitedge.analysis.noise import Noise, compare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from digitedge.analysis.inner_tensors import Grid


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of a file, or several that the file has merged. What could not be computed is None.

    Attributes:
        layer: of Keras; `conv + bn` where the file holds only what both give together.
        kind: class of the first of them that has weights, else of the last.
        own_sqnr_db: signal-to-quantization-noise ratio of what the layer makes of the file's own inputs, against what
            Keras's makes of them, in dB; None where no number differs, too. Values beyond those that the file's
            integers can stand for count as the last of them.
        least_sqnr_db: what the precision of the file explains; None where it explains no difference.
        own_max_abs: largest such difference.
        shift: mean of such differences.
        clipped_db: the loss by values beyond those that the file's integers can stand for, as a ratio of signal to
            noise, in dB; None where there are none.
        sqnr_db: the file's result against Keras's, everything before included; None where no number differs, too.
        max_abs: largest such difference.
        step: between two values of the file's result, where it is held as integers; None for floats.
        labels: of how many images the label changes by this layer, the layers behind it being Keras's.
        moves: how far the layer moves the scores, as a share of them: roots of the mean squares, the scores less the
            mean of their image.
        not_finite: values that are not.
        departs: why the layer's own error is more than the precision explains; None where it is not.
    """

    layer: str
    kind: str
    own_sqnr_db: float | None
    least_sqnr_db: float | None
    own_max_abs: float | None
    shift: float | None
    clipped_db: float | None
    sqnr_db: float | None
    max_abs: float | None
    step: float | None
    labels: int | None
    moves: float | None
    not_finite: int
    departs: str | None


class Tally:
    """What is added up for a row, block after block of images."""

    def __init__(self) -> None:
        self._own: Noise | None = None
        self._so_far: Noise | None = None
        self._clipped: Noise | None = None
        self._values, self._sum, self._expected = 0, 0.0, 0.0
        self._labels, self._moved, self._scores = 0, 0.0, 0.0
        self._not_finite = 0

    def add(
        self,
        own: NDArray[np.float32],
        theirs: NDArray[np.float32],
        mine: NDArray[np.float32],
        expected: float,
        grid: Grid | None,
    ) -> None:
        """One block whose values are all finite.

        Args:
            own: what Keras makes of the file's inputs to the layer.
            theirs: what the file does.
            mine: what Keras gives for the image.
            expected: mean square of the error that the precision explains.
            grid: the values that the file's result can have; None for any.

        Raises:
            ContentError: a value that Keras gives is not finite.
        """
        held = own if grid is None else np.clip(own, grid.low, grid.high)
        clipped = compare(own, held)
        self._clipped = _sum(self._clipped, clipped)
        self._own = _sum(self._own, replace(compare(held, theirs), signal=clipped.signal))
        self._so_far = _sum(self._so_far, compare(mine, theirs))
        self._values += own.size
        self._sum += float(np.subtract(theirs, held, dtype=np.float64).sum())
        self._expected += expected * own.size

    def add_moves(self, before: NDArray[np.float32], after: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
        """One block: scores before and after the layer became the file's, and those of Keras alone."""
        self._labels += int((before.argmax(axis=1) != after.argmax(axis=1)).sum())
        self._moved += float(np.square(np.subtract(after, before, dtype=np.float64)).sum())
        self._scores += float(np.square(scores - scores.mean(axis=1, keepdims=True), dtype=np.float64).sum())

    def add_not_finite(self, theirs: NDArray[np.float32]) -> None:
        """One block in which the file's result has values that are not finite, made of values that are."""
        self._not_finite += int((~np.isfinite(theirs)).sum())

    def row(self, layer: str, kind: str, grid: Grid | None) -> Row:
        """What the blocks come to; of blocks that were never added, nothing is known."""
        own, so_far, limit = self._own, self._so_far, self._limit
        known = own is not None and so_far is not None and not self._not_finite
        return Row(
            layer,
            kind,
            own_sqnr_db=own.sqnr_db if known and own else None,
            least_sqnr_db=_decibels(own.signal / self._values, limit) if own and limit else None,
            own_max_abs=own.max_abs if known and own else None,
            shift=self._sum / self._values if known else None,
            clipped_db=self._clipped.sqnr_db if known and self._clipped else None,
            sqnr_db=so_far.sqnr_db if known and so_far else None,
            max_abs=so_far.max_abs if known and so_far else None,
            step=grid.step if grid else None,
            labels=self._labels if self._scores else None,
            moves=math.sqrt(self._moved / self._scores) if self._scores else None,
            not_finite=self._not_finite,
            departs=self._departs(grid),
        )

    @property
    def _limit(self) -> float:
        """The largest mean square of an error that the precision explains."""
        return self._expected / self._values * 10 ** (NOISE_DB / 10) if self._values else 0.0

    def _departs(self, grid: Grid | None) -> str | None:
        if self._not_finite:
            return f"{self._not_finite:,} of its values are not finite"
        if self._own is None:
            return None
        signal, noise, shift = (total / self._values for total in (self._own.signal, self._own.noise, self._sum))
        if noise > self._limit:
            least = f"at least {_decibels(signal, self._limit):.0f}" if self._limit and signal else "no difference"
            return f"own SQNR {_decibels(signal, noise):.0f} dB, {least} expected"
        if shift**2 > SHIFT**2 * self._expected / self._values:
            steps = f", {abs(shift) / grid.step:.1f} steps of its integers" if grid else ""
            return f"its values are {abs(shift):.2g} too {'high' if shift > 0 else 'low'} on average{steps}"
        clipped = self._clipped
        if grid is not None and clipped is not None and clipped.sqnr_db is not None and clipped.sqnr_db < CLIPPING_DB:
            values = f"its values are {clipped.low:.3g} to {clipped.high:.3g}"
            return f"{values}, and its integers hold {grid.low:.3g} to {grid.high:.3g}"
        return None


def _sum(before: Noise | None, block: Noise) -> Noise:
    return block if before is None else before + block


def _decibels(signal: float, noise: float) -> float:
    return 10 * math.log10(max(signal, np.finfo(np.float64).tiny) / noise)
