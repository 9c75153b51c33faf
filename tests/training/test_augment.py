import math

import numpy as np
import pytest
import tensorflow as tf

from digitedge.config import AUGMENTATIONS, Augmentation
from digitedge.training.augment import DRAWS, augment, draws, mirror, transforms

DIGITS = AUGMENTATIONS["digits"]
ROTATION_DEGREES, ZOOM, SHIFT = DIGITS.rotation_degrees, DIGITS.zoom, DIGITS.shift
SIDE = 21  # odd, so that one pixel is the centre
CENTRE = SIDE // 2


def apply(image, drawn):
    """`image` (height, width) as the draws (rotation, zoom down, zoom across, shift down, shift across) move it."""
    height, width = image.shape
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.constant(image[None, :, :, None], tf.float32),
        transforms=transforms(tf.constant([drawn], tf.float32), DIGITS, float(height), float(width)),
        output_shape=[height, width],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    ).numpy()[0, :, :, 0]


def digits(images, seed=0, epoch=0):
    return augment(images, draws(len(images), seed, epoch), DIGITS).numpy()


def dot(down, across):
    image = np.zeros((SIDE, SIDE), np.float32)
    image[down, across] = 1
    return image


def centre_of_mass(image):
    down, across = np.indices(image.shape)
    return (image * down).sum() / image.sum(), (image * across).sum() / image.sum()


def test_zero_draws_change_nothing():
    image = np.random.default_rng(0).random((12, 17), np.float32)
    np.testing.assert_array_equal(apply(image, [0, 0, 0, 0, 0]), image)


@pytest.mark.parametrize("drawn", [[1, 0, 0, 0, 0], [-1, 1, -1, 0, 0], [0, 1, 1, 0, 0]])
def test_the_centre_stays_where_it_is(drawn):
    np.testing.assert_allclose(centre_of_mass(apply(dot(CENTRE, CENTRE), drawn)), (CENTRE, CENTRE), atol=1e-4)


@pytest.mark.parametrize(("down", "across"), [(1, 0), (0, 1), (-1, 1)])
def test_a_shift_is_a_tenth_of_the_side(down, across):
    found = centre_of_mass(apply(dot(CENTRE, CENTRE), [0, 0, 0, down, across]))
    expected = (CENTRE - down * SHIFT * SIDE, CENTRE - across * SHIFT * SIDE)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_turn_is_ten_degrees_about_the_centre(sign):
    angle, arm = math.radians(ROTATION_DEGREES), 8
    found = np.subtract(centre_of_mass(apply(dot(CENTRE, CENTRE + arm), [sign, 0, 0, 0, 0])), CENTRE)
    # The map goes from where a pixel is shown to where it is taken from, so the dot turns the other way.
    np.testing.assert_allclose(found, (-sign * arm * math.sin(angle), arm * math.cos(angle)), atol=0.15)


@pytest.mark.parametrize(("drawn", "axis"), [([0, 1, 0, 0, 0], 0), ([0, 0, 1, 0, 0], 1)])
def test_a_zoom_is_a_tenth_along_its_axis(drawn, axis):
    place = [CENTRE, CENTRE]
    place[axis] += 8
    found = np.subtract(centre_of_mass(apply(dot(*place), drawn)), CENTRE)
    assert found[axis] == pytest.approx(8 / (1 + ZOOM), abs=0.15)
    assert found[1 - axis] == pytest.approx(0, abs=1e-4)


def test_an_image_that_is_not_square_turns_about_its_own_centre():
    image = np.zeros((11, 31), np.float32)
    image[5, 15] = 1
    np.testing.assert_allclose(centre_of_mass(apply(image, [1, 0, 0, 0, 0])), (5, 15), atol=1e-4)


IMAGES = tf.constant(np.random.default_rng(0).random((40, 28, 28, 1), np.float32))


def test_the_draws_are_these_for_ever():
    np.testing.assert_array_equal(
        draws(2, seed=3, epoch=1),
        np.float32(
            [
                [-0.11717057, 0.37100768, -0.36562014, 0.10731149, 0.7547028, -0.5418494, 0.4261403, -0.46102142],
                [-0.3820424, 0.8004854, 0.9165182, 0.86141276, 0.79882526, 0.6320658, -0.15877485, -0.989089],
            ]
        ),
    )


def test_draws_fill_the_range_evenly():
    drawn = draws(4000, 0, 0)
    assert (drawn.shape, drawn.dtype) == ((4000, DRAWS), np.float32)
    assert drawn.min() >= -1.0
    assert drawn.max() < 1.0
    np.testing.assert_allclose(
        np.quantile(drawn, [0.25, 0.5, 0.75], axis=0), [[-0.5] * 8, [0] * 8, [0.5] * 8], atol=0.05
    )
    assert np.abs(np.corrcoef(drawn.T) - np.eye(DRAWS)).max() < 0.06, "one knob says nothing of another"


def test_a_row_depends_on_the_place_and_not_on_how_many_there_are():
    np.testing.assert_array_equal(draws(7, 3, 1), draws(60_000, 3, 1)[:7])
    assert len({row.tobytes() for row in draws(1000, 3, 1)}) == 1000


@pytest.mark.parametrize(("seed", "epoch"), [(3, 10), (4, 9), (9, 3)])
def test_another_seed_or_epoch_draws_anew(seed, epoch):
    np.testing.assert_array_equal(draws(40, 3, 9), draws(40, 3, 9))
    assert not np.intersect1d(draws(40, 3, 9), draws(40, seed, epoch)).size


@pytest.mark.parametrize("name", ["digits", "photo"])
def test_what_becomes_of_an_image_does_not_depend_on_its_batch(name):
    """So a batch may be split among cores, devices and machines."""
    drawn, order = draws(40, 3, 9), np.random.default_rng(0).permutation(40)[:13]
    whole = augment(IMAGES, drawn, AUGMENTATIONS[name]).numpy()
    part = augment(tf.gather(IMAGES, order), drawn[order], AUGMENTATIONS[name]).numpy()
    np.testing.assert_allclose(part, whole[order], atol=1e-6)
    assert np.abs(part - whole[: len(order)]).max() > 0.1


def test_an_image_is_moved_as_its_own_row_says():
    drawn = np.zeros((2, DRAWS), np.float32)
    drawn[1, 3] = 1.0  # a tenth of the side, up
    image = np.stack([dot(CENTRE, CENTRE)] * 2)[..., None]
    still, moved = augment(tf.constant(image), drawn, DIGITS).numpy()[..., 0]
    np.testing.assert_array_equal(still, image[0, ..., 0])
    np.testing.assert_allclose(centre_of_mass(moved), (CENTRE - SHIFT * SIDE, CENTRE), atol=1e-4)


def test_every_image_is_moved_on_its_own():
    same = tf.repeat(IMAGES[:1], 10, axis=0)
    moved = digits(same)
    assert len({image.tobytes() for image in moved}) == 10


def test_pixels_stay_between_0_and_1():
    moved = digits(IMAGES, 0, 1)
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert (moved.shape, moved.dtype) == ((40, 28, 28, 1), np.float32)


def test_a_digit_stays_a_digit():
    """The ink of a centred dot of 10 x 10 stays in the picture, whatever the draws."""
    image = np.zeros((200, 28, 28, 1), np.float32)
    image[:, 9:19, 9:19] = 1
    ink = digits(tf.constant(image), 0, 2).sum(axis=(1, 2, 3))
    least, most = 100 / (1 + ZOOM) ** 2, 100 / (1 - ZOOM) ** 2
    assert least * 0.98 < ink.min() < ink.max() < most * 1.02


def only(**knobs):
    return augment(IMAGES, draws(len(IMAGES), 5, 7), Augmentation(**knobs)).numpy()


def test_none_changes_nothing():
    np.testing.assert_array_equal(only(), IMAGES)


def test_a_flip_mirrors_about_half_of_the_images_and_nothing_else():
    flipped, images = only(flip=True), IMAGES.numpy()
    mirrored = [np.allclose(found, image[:, ::-1], atol=1e-5) for found, image in zip(flipped, images, strict=True)]
    same = [np.allclose(found, image, atol=1e-5) for found, image in zip(flipped, images, strict=True)]
    assert np.array_equal(mirrored, np.logical_not(same))
    assert 10 < sum(mirrored) < 30


def test_the_mirror_of_a_map_is_the_map_of_the_mirrored_image():
    image = np.random.default_rng(1).random((1, 9, 14, 1), np.float32)
    matrices = transforms(tf.constant([[0.5, -1.0, 1.0, 0.3, -0.7]]), DIGITS, 9.0, 14.0)

    def moved(pixels, maps):
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=pixels, transforms=maps, output_shape=[9, 14], interpolation="BILINEAR", fill_value=0.0
        ).numpy()

    np.testing.assert_allclose(moved(image, mirror(matrices, 14.0)), moved(image[:, :, ::-1], matrices), atol=1e-4)


def test_each_knob_has_a_column_of_its_own():
    image = tf.constant([[[[0.25], [0.5]], [[0.5], [0.75]]]], tf.float32)
    knobs, found = Augmentation(flip=True, brightness=0.1, contrast=0.4), []
    for column in (5, 6, 7):
        drawn = np.zeros((1, DRAWS), np.float32)
        drawn[0, column] = -1.0
        found.append(augment(image, drawn, knobs).numpy().ravel())
    expected = [[0.5, 0.25, 0.75, 0.5], [0.15, 0.4, 0.4, 0.65], [0.35, 0.5, 0.5, 0.65]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_brightness_moves_all_pixels_of_an_image_alike():
    moved = (only(brightness=0.2) - IMAGES.numpy()).reshape(40, -1)
    inside = (IMAGES.numpy().reshape(40, -1) > 0.2) & (IMAGES.numpy().reshape(40, -1) < 0.8)
    by = np.array([np.median(row[mask]) for row, mask in zip(moved, inside, strict=True)])
    assert all(np.ptp(row[mask]) < 1e-5 for row, mask in zip(moved, inside, strict=True))
    assert -0.2 <= by.min() < -0.1 < 0.1 < by.max() <= 0.2


def test_contrast_stretches_about_the_mean():
    images, found = 0.4 + 0.2 * IMAGES.numpy(), []
    changed = augment(tf.constant(images), draws(len(images), 1, 1), Augmentation(contrast=0.3)).numpy()
    for image, other in zip(images, changed, strict=True):
        np.testing.assert_allclose(other.mean(), image.mean(), atol=1e-5)
        found.append(other.std() / image.std())
    assert 0.7 <= min(found) < 0.85
    assert 1.15 < max(found) <= 1.3


def test_a_photograph_keeps_its_range():
    changed = augment(IMAGES, draws(len(IMAGES), 1, 2), AUGMENTATIONS["photo"]).numpy()
    assert 0.0 <= changed.min() < changed.max() <= 1.0
