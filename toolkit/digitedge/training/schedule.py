"""A learning rate that needs no babysitting: up during the first steps, then down to zero as half a cosine."""

from __future__ import annotations

from typing import Any

import tf_keras as keras

WARM_UP = 0.05


def warm_cosine(peak: float, steps: int) -> Any:
    """A Keras schedule: linear from 0 to `peak` over the first 5 % of `steps`, then half a cosine down to 0.

    Fewer than 10 steps have no room for a rise: they start at the peak.

    The cosine is Loshchilov and Hutter's (arXiv:1608.03983) without restarts.
    """
    warm_up = round(steps * WARM_UP)
    if warm_up == 0:
        return keras.optimizers.schedules.CosineDecay(initial_learning_rate=peak, decay_steps=steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0, decay_steps=max(1, steps - warm_up), warmup_target=peak, warmup_steps=warm_up
    )
