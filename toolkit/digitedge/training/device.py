"""The GPU where there is one."""

from __future__ import annotations

import tensorflow as tf


def choose() -> str:
    """`GPU:0` where TensorFlow sees one, else `CPU`. A GPU's memory is taken as it is needed, not all at once."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    return "GPU:0" if gpus else "CPU"
