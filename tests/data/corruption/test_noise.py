import numpy as np
import pytest

from digitedge.data.corruption.noise import gaussian_noise, impulse_noise, shot_noise

GREY = np.full((4, 100, 100, 1), 128, np.uint8)


@pytest.fixture
def random():
    return np.random.RandomState(0)


def test_gaussian_noise_has_its_deviation(random):
    noisy = gaussian_noise(GREY, 0.08, random)
    assert noisy.std() / 255 == pytest.approx(0.08, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_shot_noise_counts_photons(random):
    noisy = shot_noise(GREY, 60.0, random) / 255
    expected = 128 / 255
    assert noisy.mean() == pytest.approx(expected, rel=0.01)
    assert noisy.var() == pytest.approx(expected / 60, rel=0.05)
    assert shot_noise(np.zeros_like(GREY), 3.0, random).max() == 0


def test_impulse_noise_hits_its_share_with_both(random):
    noisy = impulse_noise(GREY, 0.27, random)
    assert (noisy == 0).mean() == pytest.approx(0.135, rel=0.05)
    assert (noisy == 255).mean() == pytest.approx(0.135, rel=0.05)
    assert ((noisy == 128) | (noisy == 0) | (noisy == 255)).all()


def test_a_pixel_that_was_hit_stays_hit():
    mild, strong = (impulse_noise(GREY, strength, np.random.RandomState(1)) for strength in (0.03, 0.27))
    assert (strong[mild != 128] != 128).all()
