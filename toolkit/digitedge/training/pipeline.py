"""Batches out of images that lie in memory as uint8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge.training.augment import augment

if TYPE_CHECKING:
    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset


def training_batches(dataset: Dataset, config: TrainConfig) -> Any:
    """Endless (images float32 (b, h, w, c) in [0, 1], labels int64 (b,)), each image once an epoch, as tf.data.Dataset.

    The augmentation depends on `config.seed` alone, the order also on TensorFlow's global seed, which training sets to
    the same number.
    """
    images, labels = tf.constant(dataset.images), tf.constant(dataset.require_labels())
    augmentation = config.augmentation

    def assemble(step: Any, indices: Any) -> tuple[Any, Any]:
        batch = scale(tf.gather(images, indices))
        seed = tf.stack([tf.constant(config.seed, tf.int64), step])
        return augment(batch, seed, augmentation), tf.gather(labels, indices)

    order = tf.data.Dataset.range(len(dataset)).shuffle(len(dataset), seed=config.seed, reshuffle_each_iteration=True)
    batches = order.batch(config.batch_size).repeat().enumerate()
    return batches.map(assemble, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def validation_batches(dataset: Dataset, batch_size: int = 512) -> Any:
    """A tf.data.Dataset over every image once, in order, unchanged but for the scaling."""
    pairs = tf.data.Dataset.from_tensor_slices((dataset.images, dataset.require_labels())).batch(batch_size)
    return pairs.map(lambda images, labels: (scale(images), labels), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def scale(images: Any) -> Any:
    """uint8 0 to 255 to float32 in [0, 1], the same division as data/preprocess.py's."""
    return tf.cast(images, tf.float32) / 255.0
