"""Random rotation, zoom and shift as one affine map of the whole batch.

One bilinear resample: three random layers one after another would blur a digit three times.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

ROTATION_DEGREES = 10.0
ZOOM = 0.1
SHIFT = 0.1


def digits(images: Any, seed: Any) -> Any:
    """Turns by up to 10 degrees, zooms by up to 10 % and shifts by up to 10 % of the side, each image on its own.

    Args:
        images: float32 (n, height, width, channels); what comes in from outside is black.
        seed: int32 or int64 (2,): the same seed gives the same batch.

    Returns:
        float32 (n, height, width, channels).
    """
    shape = tf.shape(images)
    draws = tf.random.stateless_uniform((shape[0], 5), seed, -1.0, 1.0)
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms(draws, height, width),
        output_shape=shape[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def transforms(draws: Any, height: Any, width: Any) -> Any:
    """The projective matrices, output pixel to input pixel, without their last 1.

    Args:
        draws: float32 (n, 5) in [-1, 1]: rotation, zoom down, zoom across, shift down, shift across.
        height: of the images, a float32 scalar.
        width: of the images, a float32 scalar.

    Returns:
        float32 (n, 8), for tf.raw_ops.ImageProjectiveTransformV3.
    """
    angle, zoom_y, zoom_x, down, across = tf.unstack(draws, axis=1)
    angle = angle * math.radians(ROTATION_DEGREES)
    zoom_y, zoom_x = 1.0 + ZOOM * zoom_y, 1.0 + ZOOM * zoom_x
    a, b = tf.cos(angle) * zoom_x, -tf.sin(angle) * zoom_y
    c, d = tf.sin(angle) * zoom_x, tf.cos(angle) * zoom_y
    # The centre of the image, (width - 1) / 2, stays where it is but for the shift.
    x, y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    shift_x = x - a * x - b * y + SHIFT * width * across
    shift_y = y - c * x - d * y + SHIFT * height * down
    zero = tf.zeros_like(a)
    return tf.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=1)


AUGMENTATIONS: dict[str, Callable[[Any, Any], Any]] = {"none": lambda images, seed: images, "digits": digits}  # noqa: ARG005
