import numpy as np
import pytest

from digitedge.training.schedule import PLATEAU, learning_rate, plateau_callbacks


def rates(peak, steps, name="cosine"):
    schedule = learning_rate(name, peak, steps)
    return np.array([float(schedule(step)) for step in range(steps + 1)])


def test_it_rises_in_a_line_and_falls_to_nothing():
    found = rates(0.01, 200)
    np.testing.assert_allclose(found[:11], np.linspace(0, 0.01, 11), rtol=1e-5)
    assert found.argmax() == 10
    assert (np.diff(found[10:]) < 0).all()
    assert found[-1] == pytest.approx(0, abs=1e-9)


def test_it_falls_as_half_a_cosine():
    found = rates(1.0, 200)
    np.testing.assert_allclose(found[10:], (1 + np.cos(np.pi * np.arange(191) / 190)) / 2, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_a_few_steps_start_at_the_peak(steps):
    found = rates(0.01, steps)
    assert found[0] == pytest.approx(0.01)
    assert found[-1] == pytest.approx(0, abs=1e-9)


def test_one_cycle_rises_for_three_tenths_from_a_25th():
    found = rates(0.01, 200, "one-cycle")
    np.testing.assert_allclose(found[:61], np.linspace(0.01 / 25, 0.01, 61), rtol=1e-5)
    assert (np.diff(found[60:]) < 0).all()
    assert found[-1] == pytest.approx(0, abs=1e-9)


def test_a_plateau_keeps_its_rate_and_watches_the_validation():
    assert learning_rate("plateau", 0.01, 200) == 0.01
    (callback,) = plateau_callbacks("plateau")
    assert (callback.monitor, callback.factor, callback.patience, callback.min_lr) == tuple(PLATEAU.values())
    assert plateau_callbacks("cosine") == plateau_callbacks("one-cycle") == []
