"""How good the network is on images that it does not learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf
import tf_keras as keras

from digitedge.training.step import scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.dataset import Dataset

_BATCH_BYTES, _BATCH_SIZE = 16 << 20, 512


def make_judge(network: Any) -> Callable[[Dataset], tuple[float, float]]:
    """A function of a labelled data set: (mean cross-entropy, share of right answers) of `network` as it is then.

    Every image counts once, unchanged but for the scaling; they are read some hundred at a time.
    """
    signature = [tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8), tf.TensorSpec((None,), tf.int64)]

    def sums(images: Any, labels: Any) -> tuple[Any, Any]:
        scores = network(scale(images), training=False)
        losses = keras.losses.sparse_categorical_crossentropy(labels, scores)
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(tf.argmax(scores, axis=1) == labels, tf.float32))

    # Traced now, for one signature: TensorFlow would warn of the fifth network that a process judges.
    traced = tf.function(sums, input_signature=signature).get_concrete_function()

    def judge(dataset: Dataset) -> tuple[float, float]:
        height, width, channels = dataset.image_shape
        size = max(1, min(_BATCH_SIZE, _BATCH_BYTES // (height * width * channels)))
        labels, loss, right = dataset.require_labels(), 0.0, 0.0
        for start in range(0, len(dataset), size):
            part = slice(start, start + size)
            found = traced(tf.constant(dataset.images[part]), tf.constant(labels[part], tf.int64))
            loss, right = loss + float(found[0]), right + float(found[1])
        return loss / len(dataset), right / len(dataset)

    return judge
