"""Many training steps in one call of a graph: Python is asked once for dozens of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf
import tf_keras as keras

from digitedge.training.augment import DRAWS, augment
from digitedge.training.average import follow

if TYPE_CHECKING:
    from digitedge.config import TrainConfig
    from digitedge.training.device import Placement


def make_steps(trainee: Any, network: Any, optimizer: Any, config: TrainConfig, placement: Placement) -> Any:
    """A function of (images uint8 (k * b, height, width, channels), labels int64 (k * b,), draws float32, k int32).

    It takes k steps of `optimizer` on the weights of `trainee`, b images each, lets those of `network` follow as
    their average, and returns the sums over the steps of (mean loss, share of right answers), float64 scalars.

    Args:
        trainee: the network that learns.
        network: the same network, for the averaged weights.
        optimizer: a Keras optimiser, as `optimizer.make_optimizer` gives it.
        config: augmentation, and decay of the average.
        placement: who works on which part of a batch.
    """
    share = 1.0 / (placement.towers * placement.replicas)
    gradients = _gradients(trainee, optimizer, share, config.label_smoothing)
    # A function of its own only for XLA: two calls of one that draws random numbers would wait for each other.
    gradients = tf.function(gradients, jit_compile=True) if placement.jit else gradients

    def tower(images: Any, labels: Any, drawn: Any) -> Any:
        return gradients(augment(scale(images), drawn, config.augmentation), labels)

    def learn(images: Any, labels: Any, drawn: Any) -> tuple[Any, Any]:
        """One replica's part of one step; the gradients of all replicas are summed by the optimiser."""
        own = tf.shape(labels)[0] // placement.local_replicas
        first = own * placement.local_rank()
        parts = [tf.split(one[first : first + own], placement.towers) for one in (images, labels, drawn)]
        found = [tower(*part) for part in zip(*parts, strict=True)]
        summed, loss, right = tf.nest.map_structure(lambda *each: tf.add_n(each), *found)
        optimizer.apply_gradients(zip(summed, trainee.trainable_variables, strict=True))
        return loss, right

    def steps(images: Any, labels: Any, drawn: Any, number: Any) -> tuple[Any, Any]:
        # In float64 sums of float32 are the same however many steps a call takes, which depends on the clock.
        losses = rights = tf.constant(0.0, tf.float64)
        size = tf.shape(labels)[0] // number
        for step in tf.range(number):
            batch = [one[step * size : (step + 1) * size] for one in (images, labels, drawn)]
            loss, right = placement.sum_of(placement.strategy.run(learn, batch))
            follow(network.weights, trainee.weights, optimizer.iterations, config.average_decay)
            losses, rights = losses + tf.cast(loss, tf.float64), rights + tf.cast(right, tf.float64)
        return losses, rights

    signature = [
        tf.TensorSpec((None, *trainee.input_shape[1:]), tf.uint8),
        tf.TensorSpec((None,), tf.int64),
        tf.TensorSpec((None, DRAWS), tf.float32),
        tf.TensorSpec((), tf.int32),
    ]
    return tf.function(steps, input_signature=signature)


def scale(images: Any) -> Any:
    """uint8 0 to 255 to float32 in [0, 1], the same division as data/preprocess.py's."""
    return tf.cast(images, tf.float32) / 255.0


def _gradients(trainee: Any, optimizer: Any, share: float, smoothing: float) -> Any:
    """A function of a part of a batch: its share of the gradients, of the mean loss, and of the right answers.

    The loss that is told is without label smoothing, so that it can be compared with that of validation.
    """

    def gradients(images: Any, labels: Any) -> tuple[list[Any], Any, Any]:
        with tf.GradientTape() as tape:
            scores = trainee(images, training=True)
            penalties = [tf.cast(one, tf.float32) for one in trainee.losses]
            wanted = tf.one_hot(labels, scores.shape[-1])
            smooth = keras.losses.categorical_crossentropy(wanted, scores, label_smoothing=smoothing)
            aim = share * tf.add_n([tf.reduce_mean(smooth), *penalties])
            scaled = optimizer.get_scaled_loss(aim) if _scales(optimizer) else aim
        found = tape.gradient(scaled, trainee.trainable_variables, unconnected_gradients="zero")
        found = [tf.convert_to_tensor(one) for one in found]
        plain = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, scores))
        loss = share * tf.add_n([plain, *penalties])
        right = share * tf.reduce_mean(tf.cast(tf.argmax(scores, axis=1) == labels, tf.float32))
        return (optimizer.get_unscaled_gradients(found) if _scales(optimizer) else found), loss, right

    return gradients


def _scales(optimizer: Any) -> bool:
    """Whether it scales the loss, so that small gradients do not vanish in float16."""
    return isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
