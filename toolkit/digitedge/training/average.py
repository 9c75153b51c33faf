"""A moving average of the weights: it is what is validated and saved. It does the work of the last, slow epochs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def follow(average: list[Any], weights: list[Any], steps: Any, decay: float) -> None:
    """Moves the average one step: average = d * average + (1 - d) * weight.

    The first steps use a smaller d, (1 + steps) / (10 + steps), so that the random start is forgotten: the rule of
    https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage.

    Args:
        average: variables; those that hold no floats just get the weights.
        weights: variables of the same shapes.
        steps: steps of training that were done, this one included; a whole-number scalar.
        decay: d of the later steps, in [0, 1).
    """
    done = tf.cast(steps, tf.float32)
    d = tf.minimum(decay, (1.0 + done) / (10.0 + done))
    for mean, weight in zip(average, weights, strict=True):
        if mean.dtype.is_floating:
            mean.assign_add((1.0 - d) * (tf.cast(weight, mean.dtype) - mean))
        else:
            mean.assign(weight)
