import numpy as np
import pytest

from digitedge.data.corruption.blur import DIRECTIONS, gaussian_blur, motion_blur


def dot(height, width, number=1):
    image = np.zeros((number, height, width, 1), np.uint8)
    image[:, height // 2 - 1 : height // 2 + 2, width // 2 - 1 : width // 2 + 2] = 255
    return image


def spread(image):
    """Covariance (down, across) of a picture as a distribution."""
    weights = image[..., 0].astype(float) / image.sum()
    down, across = np.indices(weights.shape)
    away = np.stack([down - (weights * down).sum(), across - (weights * across).sum()])
    return np.einsum("ihw,jhw,hw->ij", away, away, weights)


@pytest.mark.parametrize(("height", "width"), [(40, 60), (80, 80)])
def test_gaussian_blur_is_relative_to_the_shorter_side(height, width):
    wide = spread(gaussian_blur(dot(height, width), 0.05, None)[0]) - spread(dot(height, width)[0])
    np.testing.assert_allclose(np.diag(wide), (0.05 * min(height, width)) ** 2, rtol=0.2)


def test_motion_blur_is_a_line_of_its_length_in_every_direction():
    images = dot(64, 64, 80)
    blurred = motion_blur(images, 0.3, np.random.RandomState(0))
    angles = set()
    for image in blurred:
        assert image.sum() == pytest.approx(images[0].sum(), rel=0.03)
        values, vectors = np.linalg.eigh(spread(image) - spread(images[0]))
        assert np.sqrt(12 * values[1]) == pytest.approx(0.3 * 64, rel=0.1)
        assert values[0] < 0.1 * values[1]
        down, across = vectors[:, 1]
        angles.add(round(np.degrees(np.arctan(down / across))))
    assert len(angles) == DIRECTIONS
    assert min(angles) == -max(angles)
    assert max(angles) == pytest.approx(39.4, abs=1)


def test_an_even_image_stays_even():
    even = np.full((3, 20, 30, 3), 77, np.uint8)
    for blur in (gaussian_blur, motion_blur):
        np.testing.assert_array_equal(blur(even, 0.2, np.random.RandomState(0)), even)
