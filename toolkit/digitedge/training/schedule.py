"""How the learning rate goes. None needs babysitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tf_keras as keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.config import Schedule

# The article's rule, which it applies to an accuracy that it calls val_acc.
PLATEAU_FACTOR, PLATEAU_PATIENCE, PLATEAU_FLOOR = 0.3, 3, 1e-4
# Part of the steps during which the rate rises, and the part of the peak that it starts from.
_RISE = {"cosine": (0.05, 0.0), "one-cycle": (0.3, 1 / 25)}


def learning_rate(schedule: Schedule, peak: float, steps: int) -> Any:
    """What a Keras optimiser takes as its learning rate: a schedule, or `peak` itself for `plateau`.

    `cosine` is Loshchilov and Hutter's (arXiv:1608.03983) without restarts, behind a linear rise from 0 over 5 % of
    the steps. `one-cycle` is Smith's (arXiv:1708.07120), from a 25th of the peak over 30 % of the steps; the momentum
    stays. A rise that would be shorter than half a step is left out.

    Args:
        schedule: its name.
        peak: the highest rate.
        steps: of the whole training.
    """
    if schedule == "plateau":
        return peak
    part, start = _RISE[schedule]
    rise = round(steps * part)
    if rise == 0:
        return keras.optimizers.schedules.CosineDecay(initial_learning_rate=peak, decay_steps=steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=start * peak, decay_steps=max(1, steps - rise), warmup_target=peak, warmup_steps=rise
    )


def plateau_rate(initial: float, accuracies: Sequence[float]) -> float:
    """The learning rate after epochs with these validation accuracies, as Keras's ReduceLROnPlateau would set it.

    It is worked out anew from the whole history: there is nothing else to save and to resume.

    Args:
        initial: rate of the first epoch.
        accuracies: of the epochs so far. One is better that is higher by more than 1e-4, Keras's `min_delta`.
    """
    rate, best, waited = initial, -1.0, 0
    for accuracy in accuracies:
        if accuracy > best + 1e-4:
            best, waited = accuracy, 0
            continue
        waited += 1
        if waited >= PLATEAU_PATIENCE:
            rate, waited = min(rate, max(rate * PLATEAU_FACTOR, PLATEAU_FLOOR)), 0
    return rate
