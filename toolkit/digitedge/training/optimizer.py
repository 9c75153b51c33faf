"""Optimisers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tf_keras as keras

if TYPE_CHECKING:
    from digitedge.config import Optimizer


def make_optimizer(name: Optimizer, learning_rate: Any) -> Any:
    """A Keras optimiser with Keras's own defaults; `sgd` has Nesterov's momentum of 0.9, without which nobody uses it.

    Args:
        name: `adam`, `adamw` (weight decay 0.004), `rmsprop` or `sgd`.
        learning_rate: a number or a Keras schedule.
    """
    makers = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }
    return makers[name](learning_rate)
