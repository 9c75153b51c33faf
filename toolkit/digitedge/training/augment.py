"""Random changes of the whole batch: one affine map for turn, zoom, shift and mirror, then brightness and contrast.

One bilinear resample: three random layers one after another would blur a digit three times.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from digitedge.data.preprocess import to_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitedge.config import Augmentation


# Columns of the draws: rotation, zoom down and across, shift down and across, flip, brightness, contrast.
DRAWS = 8


def draws(images: int, seed: int, epoch: int) -> NDArray[np.float32]:
    """What happens to each image of a data set in one epoch.

    A row depends on seed, epoch and the image's place alone: not on the batch it comes in, nor on who draws it.

    Args:
        images: of the data set.
        seed: of the training.
        epoch: from 0 on.

    Returns:
        float32 (images, DRAWS) in [-1, 1), by Philox (doi:10.1145/2063384.2063405), the same on every device.
    """
    seeds = tf.constant([seed, epoch], tf.int64)
    drawn: NDArray[np.float32] = tf.random.stateless_uniform((images, DRAWS), seeds, -1.0, 1.0, alg="philox").numpy()
    return drawn


def augment(images: Any, drawn: Any, augmentation: Augmentation) -> Any:
    """Changes each image on its own.

    Args:
        images: float32 (n, height, width, channels) in [0, 1]; what comes in from outside is black.
        drawn: float32 (n, DRAWS), rows of `draws`.
        augmentation: how far.

    Returns:
        float32 (n, height, width, channels) in [0, 1].
    """
    if augmentation.rotation_degrees or augmentation.zoom or augmentation.shift or augmentation.flip:
        images = _move(images, drawn, augmentation)
    if augmentation.brightness or augmentation.contrast:
        images = _light(images, drawn[:, 6], drawn[:, 7], augmentation)
    return images


def variants(images: NDArray[np.uint8], augmentation: Augmentation, epochs: int) -> NDArray[np.uint8]:
    """What training may see of some images in its first epochs, for people to look at.

    Args:
        images: uint8 (n, height, width, channels).
        augmentation: how far.
        epochs: how many.

    Returns:
        uint8 (n, epochs, height, width, channels).
    """
    unit = tf.constant(to_unit(images))
    each = [augment(unit, draws(len(images), 0, epoch), augmentation) for epoch in range(epochs)]
    seen: NDArray[np.uint8] = tf.cast(tf.round(255.0 * tf.stack(each, axis=1)), tf.uint8).numpy()
    return seen


def transforms(drawn: Any, augmentation: Augmentation, height: Any, width: Any) -> Any:
    """The projective matrices, output pixel to input pixel, without their last 1.

    Args:
        drawn: float32 (n, 5) in [-1, 1]: rotation, zoom down, zoom across, shift down, shift across.
        augmentation: what a draw of 1 means.
        height: of the images, a float32 scalar.
        width: of the images, a float32 scalar.

    Returns:
        float32 (n, 8), for tf.raw_ops.ImageProjectiveTransformV3.
    """
    angle, zoom_y, zoom_x, down, across = tf.unstack(drawn, axis=1)
    angle = angle * math.radians(augmentation.rotation_degrees)
    zoom_y, zoom_x = 1.0 + augmentation.zoom * zoom_y, 1.0 + augmentation.zoom * zoom_x
    a, b = tf.cos(angle) * zoom_x, -tf.sin(angle) * zoom_y
    c, d = tf.sin(angle) * zoom_x, tf.cos(angle) * zoom_y
    # The centre of the image, (width - 1) / 2, stays where it is but for the shift.
    x, y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    shift_x = x - a * x - b * y + augmentation.shift * width * across
    shift_y = y - c * x - d * y + augmentation.shift * height * down
    zero = tf.zeros_like(a)
    return tf.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=1)


def _move(images: Any, drawn: Any, augmentation: Augmentation) -> Any:
    shape = tf.shape(images)
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    matrices = transforms(drawn[:, :5], augmentation, height, width)
    if augmentation.flip:
        matrices = tf.where(drawn[:, 5:6] < 0.0, mirror(matrices, width), matrices)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrices,
        output_shape=shape[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def mirror(matrices: Any, width: Any) -> Any:
    """The same maps of the image seen in a mirror: input column x becomes width - 1 - x. float32 (n, 8)."""
    sign = tf.constant([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    return matrices * sign + (width - 1.0) * tf.constant([0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def _light(images: Any, brightness: Any, contrast: Any, augmentation: Augmentation) -> Any:
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    stretched = (images - mean) * _each(1.0 + augmentation.contrast * contrast) + mean
    return tf.clip_by_value(stretched + _each(augmentation.brightness * brightness), 0.0, 1.0)


def _each(values: Any) -> Any:
    """(n,) as (n, 1, 1, 1): one for each image."""
    return values[:, None, None, None]
