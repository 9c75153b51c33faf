"""A batch in as many parts as the CPU has cores.

TensorFlow sets all cores on one operator after another. With images as small as a digit an operator is over before
the second core has begun to help: on two cores that leaves a third of their time unused (benchmarks/README.md). Here
each core works on a part of the batch from the first layer to the last gradient.
"""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
import tf_keras as keras

# A part of fewer images than this costs more than another core gains.
_LEAST = 32


def towers(network: Any, batch_size: int, cores: int) -> int:
    """How many parts of a batch are worked on side by side without changing what is learnt.

    A network with a layer that looks at the whole batch, as BatchNormalization does, stays in one piece, and so does
    one with layers that are not Keras's own: nobody knows what they look at.

    Args:
        network: keras.Model.
        batch_size: images, which the parts share evenly.
        cores: of the CPU.
    """
    if not all(_sees_one_image(layer) for layer in network.layers):
        return 1
    return max(n for n in range(1, cores + 1) if batch_size % n == 0 and (n == 1 or batch_size // n >= _LEAST))


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_core_an_operator() -> bool:
    """Keeps each operator to one core, for networks that are worked on in towers.

    TensorFlow takes that only before its first computation: later it is False, and towers merely gain less.
    """
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(cores())
    except RuntimeError:
        return False
    return True


def _sees_one_image(layer: Any) -> bool:
    module = type(layer).__module__
    # The operators of a functional network, `x - tf.reduce_mean(x, axis=0)`, are layers of tf_op_layer.
    own = module.split(".")[0] == keras.layers.Layer.__module__.split(".")[0] and not module.endswith("tf_op_layer")
    holds_another = isinstance(layer, (keras.Model, keras.layers.Wrapper, keras.layers.Lambda, keras.layers.RNN))
    # What is no weight to learn is a figure of the batches, as the mean of a BatchNormalization, unless it is frozen.
    keeps_figures = layer.trainable and layer.non_trainable_weights
    return own and not holds_another and not keeps_figures and layer.activity_regularizer is None
