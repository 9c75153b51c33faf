"""Random changes of the whole batch: one affine map for turn, zoom, shift and mirror, then brightness and contrast.

One bilinear resample: three random layers one after another would blur a digit three times.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from digitedge.config import Augmentation


def augment(images: Any, seed: Any, augmentation: Augmentation) -> Any:
    """Changes each image on its own.

    Args:
        images: float32 (n, height, width, channels) in [0, 1]; what comes in from outside is black.
        seed: int64 (2,): the same seed gives the same batch.
        augmentation: how far.

    Returns:
        float32 (n, height, width, channels) in [0, 1].
    """
    if augmentation.rotation_degrees or augmentation.zoom or augmentation.shift or augmentation.flip:
        images = _move(images, seed, augmentation)
    if augmentation.brightness or augmentation.contrast:
        images = _light(images, seed + LIGHT, augmentation)
    return images


# Added to the seed, so that the draws of one kind say nothing of those of another.
FLIP = (0, 1 << 40)
LIGHT = (0, 1 << 41)


def transforms(draws: Any, augmentation: Augmentation, height: Any, width: Any) -> Any:
    """The projective matrices, output pixel to input pixel, without their last 1.

    Args:
        draws: float32 (n, 5) in [-1, 1]: rotation, zoom down, zoom across, shift down, shift across.
        augmentation: what a draw of 1 means.
        height: of the images, a float32 scalar.
        width: of the images, a float32 scalar.

    Returns:
        float32 (n, 8), for tf.raw_ops.ImageProjectiveTransformV3.
    """
    angle, zoom_y, zoom_x, down, across = tf.unstack(draws, axis=1)
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


def _move(images: Any, seed: Any, augmentation: Augmentation) -> Any:
    shape = tf.shape(images)
    draws = tf.random.stateless_uniform((shape[0], 5), seed, -1.0, 1.0)
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    matrices = transforms(draws, augmentation, height, width)
    if augmentation.flip:
        mirrored = tf.random.stateless_uniform((shape[0], 1), seed + FLIP) < 0.5  # noqa: PLR2004 (every other one)
        matrices = tf.where(mirrored, mirror(matrices, width), matrices)
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


def _light(images: Any, seed: Any, augmentation: Augmentation) -> Any:
    draws = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seed, -1.0, 1.0)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    stretched = (images - mean) * (1.0 + augmentation.contrast * draws[0]) + mean
    return tf.clip_by_value(stretched + augmentation.brightness * draws[1], 0.0, 1.0)
