"""The CNN that a thousand tutorials on MNIST teach: two convolutions, three dense layers, 203,933 parameters."""

from __future__ import annotations

import tf_keras as keras
from tf_keras import layers

SEES_ONE_IMAGE = True


def build(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """The network, untrained.

    Args:
        input_shape: (height, width, channels).
        classes: outputs.

    Returns:
        float32 (n, height, width, channels) in [0, 1] to probabilities float32 (n, classes).
    """
    return keras.Sequential(
        [
            layers.Input(input_shape, name="image"),
            layers.Conv2D(30, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(15, 3, activation="relu", name="conv2"),
            layers.Dropout(0.2, name="dropout"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="dense1"),
            layers.Dense(50, activation="relu", name="dense2"),
            layers.Dense(classes, activation="softmax", name="probabilities"),
        ],
        name="classic",
    )
