"""A moving average of the weights: it is what is validated and saved. It does the work of the last, slow epochs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class WeightAverage(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Keeps shadow = decay * shadow + (1 - decay) * weight after each step, and swaps it in for validation.

    The first steps use a smaller decay, (1 + step) / (10 + step), so that the random start is forgotten: the rule of
    https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage.
    """

    def __init__(self, decay: float) -> None:
        super().__init__()
        self._decay = decay
        self._weights: list[Any] = []
        self._shadow: list[Any] = []
        self._kept: list[Any] = []
        self._swapped = False

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 (Keras's signature)
        """Starts from the initial weights."""
        self._weights = [weight for weight in self.model.weights if weight.dtype.is_floating]
        self._shadow = [tf.Variable(weight, trainable=False) for weight in self._weights]
        self._steps = tf.Variable(0.0, trainable=False)
        self._update, self._exchange = tf.function(self._move), tf.function(self._swap)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Moves the average one step."""
        self._update()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Validation sees the average."""
        self._exchange()
        self._swapped = True

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Training goes on with the weights themselves."""
        self._exchange()
        self._swapped = False

    def keep(self) -> None:
        """Remembers the average of now: `settle` goes back to it."""
        self._kept = [shadow.numpy() for shadow in self._shadow]

    def settle(self) -> None:
        """Makes the average the weights of the model, for good: what `keep` remembered, else that of the last step.

        Stopped during validation, the weights are the average already.
        """
        if self._swapped and not self._kept:
            return
        for weight, average in zip(self._weights, self._kept or self._shadow, strict=True):
            weight.assign(average)

    def _move(self) -> None:
        self._steps.assign_add(1.0)
        decay = tf.minimum(self._decay, (1.0 + self._steps) / (10.0 + self._steps))
        for weight, shadow in zip(self._weights, self._shadow, strict=True):
            shadow.assign_add((1.0 - decay) * (weight - shadow))

    def _swap(self) -> None:
        for weight, shadow in zip(self._weights, self._shadow, strict=True):
            held = tf.identity(weight)
            weight.assign(shadow)
            shadow.assign(held)
