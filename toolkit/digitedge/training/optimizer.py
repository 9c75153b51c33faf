"""Optimisers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf
import tf_keras as keras

if TYPE_CHECKING:
    from digitedge.config import Optimizer, Precision


def make_optimizer(name: Optimizer, learning_rate: Any, precision: Precision) -> Any:
    """A Keras optimiser with Keras's own defaults; `sgd` has Nesterov's momentum of 0.9, without which nobody uses it.

    Those of keras.optimizers.legacy update a variable in one kernel, where their successors need a dozen; they know
    no decoupled weight decay.

    Args:
        name: `adam`, `adamw` (weight decay 0.004), `rmsprop` or `sgd`.
        learning_rate: a number or a Keras schedule.
        precision: of the arithmetic; float16 has the loss scaled, or small gradients would be 0.
    """
    fused = keras.optimizers.legacy
    makers = {
        "adam": fused.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": fused.RMSprop,
        "sgd": lambda rate: fused.SGD(rate, momentum=0.9, nesterov=True),
    }
    optimizer = makers[name](learning_rate)
    return keras.mixed_precision.LossScaleOptimizer(optimizer) if precision == "float16" else optimizer


def rate_of(optimizer: Any) -> float:
    """The learning rate of its next step."""
    rate = optimizer.learning_rate
    # A strategy of several devices mirrors it, and float() takes no mirrored variable.
    return float(tf.convert_to_tensor(rate(optimizer.iterations) if callable(rate) else rate))
