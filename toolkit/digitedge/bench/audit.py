"""Whether what was timed is inference: two of MLPerf's compliance tests, of each process, after its timing.

An engine that gave other scores while it is timed, or that remembered what it was asked before, would be fast and
useless. https://github.com/mlcommons/inference/tree/master/compliance has TEST01 and TEST04, which these imitate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.preprocess import to_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitedge.runtime.model import Model
    from digitedge.runtime.timer import Timer

# A CPU repeats itself: of every format the same session, image and batch gave the same bits, with one thread and with
# two; one rounding is allowed to a kernel that goes by how memory is aligned. What adds up in another order each time,
# as some GPU kernels do, is held to the ONNX backend tests' relative tolerance
# (https://github.com/onnx/onnx/blob/main/onnx/backend/test/runner/__init__.py). Arithmetic of fewer bits
# departs by more.
SAME_ON_CPU, SAME_ELSEWHERE = 1e-6, 1e-3
# One batch again and again may be so much faster than many in turn, because branches and caches know it by heart: of
# honest files it took from 0.98 to 1.01 of the time. One that remembers its last image takes a tenth. With two threads
# on two cores single processes were off by half, which the median of ten is not.
LEAST_RATIO = 0.80
# A batch is repeated so often before the next one comes, and the first of them does not count.
_REPEATS = 8
_SECONDS = 0.02
_FEWEST = 4 * _REPEATS


def departure(model: Model, timer: Timer, batches: Sequence[NDArray[np.uint8]], *, end_to_end: bool) -> float:
    """TEST01: how far the timed calls' own answers are from what the model gives for these images untimed.

    Args:
        model: that is timed.
        timer: that has timed it.
        batches: that it was timed on, uint8 (n, height, width, channels).
        end_to_end: its calls gave labels: so these are compared.

    Returns:
        The largest difference of a score, over the score where that is beyond 1; 0.0 where all are the same to the
        bit, 1.0 for another label, and infinite where a score is not finite or the shapes differ.
    """
    largest = 0.0
    for place, batch in enumerate(batches):
        timed, untimed = timer.outputs(place), model(to_unit(batch))
        if end_to_end:
            untimed = np.eye(untimed.shape[1], dtype=np.float32)[untimed.argmax(axis=1)]
        if timed.shape != untimed.shape or not np.isfinite(timed - untimed).all():
            return float("inf")
        largest = max(largest, float((np.abs(timed - untimed) / np.maximum(1, np.abs(untimed))).max()))
    return largest


def same_image_ratio(timer: Timer, batches: int, *, most_seconds: float) -> float | None:
    """TEST04: the median time of a batch that came just before, over that of one that did not.

    Both kinds of calls go through all the batches alike, so that it does not matter which of them take long, and
    alternate every eight calls, so that what drifts touches both.

    Args:
        timer: that has timed the calls.
        batches: how many there are; with fewer than two there is nothing to compare.
        most_seconds: that a slow model may take.

    Returns:
        About 1; about 0 for a model that remembers. None where too few calls were made in that time.
    """
    if batches < 2:  # noqa: PLR2004 (as said)
        return None
    # Eight calls of one batch, then one each of the eight that follow it, and so on with the next one.
    order = [
        place
        for first in range(batches)
        for place in (*[first] * _REPEATS, *((first + 1 + step) % batches for step in range(_REPEATS)))
    ]
    samples = timer.time(order, seconds=_SECONDS, fewest=_FEWEST, most_seconds=most_seconds, warm_up_seconds=0.0)
    turn = np.arange(len(samples)) % (2 * _REPEATS)
    known, unknown = samples[(turn > 0) & (turn < _REPEATS)], samples[turn >= _REPEATS]
    if min(len(known), len(unknown)) < _REPEATS:
        return None
    return float(np.median(known) / np.median(unknown))


def complaint(provider: str, departs: float | None, ratio: float | None) -> str | None:
    """Why the times of a file may not be used; None where both tests are passed, or were not made.

    Args:
        provider: that ran it.
        departs: of `departure`.
        ratio: of `same_image_ratio`.
    """
    if departs == math.inf:
        return "its timed calls give scores that are not finite, or not as many as the same images untimed"
    allowed = SAME_ON_CPU if provider == "cpu" else SAME_ELSEWHERE
    if departs is not None and not departs <= allowed:
        return f"its timed calls give scores that are {departs:.1e} from those of the same images untimed"
    if ratio is not None and ratio < LEAST_RATIO:
        why = "it remembers, or its speed depends on its last image"
        return f"the same image again takes {ratio:.0%} of the time of another: {why}"
    return None
