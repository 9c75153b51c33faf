import numpy as np
import pytest

from digitedge.data.corruption.geometry import rotate, scale, shear, translate


@pytest.fixture
def random():
    return np.random.RandomState(0)


def square(ground=0, ink=255):
    image = np.full((1, 28, 28, 1), ground, np.uint8)
    image[:, 8:20, 8:20] = ink
    return image


def place_of(images):
    """The centre of what is bright, (down, across), of each image."""
    weights = images[..., 0].astype(float)
    total = weights.sum(axis=(1, 2))
    return np.stack([(weights.sum(axis=2) * np.arange(28)).sum(1) / total,
                     (weights.sum(axis=1) * np.arange(28)).sum(1) / total], axis=1)  # fmt: skip


def test_translation_moves_whole_pixels_both_ways(random):
    images = np.repeat(square(), 50, axis=0)
    moved = place_of(translate(images, 3 / 28, random)) - 13.5
    np.testing.assert_allclose(np.abs(moved), 3)
    assert {tuple(move) for move in moved.round().astype(int)} == {(3, 3), (3, -3), (-3, 3), (-3, -3)}


def test_a_quarter_turn_is_a_quarter_turn(random):
    images = np.repeat(square(), 20, axis=0)
    images[:, 8:14, 8:14] = 0
    turned = rotate(images, np.pi / 2, random)
    ways = [np.rot90(images[0], times) for times in (1, 3)]
    found = [[np.abs(image.astype(int) - way).max() <= 1 for way in ways] for image in turned]
    assert np.all(np.sum(found, axis=1) == 1)
    assert np.all(np.sum(found, axis=0) > 0)


def test_scale_shrinks_about_the_middle(random):
    small = scale(square(), 0.5, random)
    np.testing.assert_allclose(place_of(small), 13.5, atol=0.01)
    assert small.astype(float).sum() == pytest.approx(square().astype(float).sum() / 4, rel=0.05)


def test_shear_leans_and_keeps_the_middle(random):
    leaning = shear(np.repeat(square(), 20, axis=0), 0.4, random)
    np.testing.assert_allclose(place_of(leaning), 13.5, atol=0.1)
    upper = place_of(np.where(np.arange(28)[:, None, None] < 14, leaning, 0))[:, 1] - 13.5
    assert upper.min() < -0.5
    assert upper.max() > 0.5


@pytest.mark.parametrize("change", [rotate, translate, scale, shear])
def test_paper_stays_white(random, change):
    assert change(square(ground=255, ink=0), 0.3, random)[0, 0].min() == 255
    assert change(np.full((2, 9, 7, 3), (255, 250, 240), np.uint8), 0.3, random)[1, 0, 0].tolist() == [255, 250, 240]
