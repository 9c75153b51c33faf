import numpy as np
import pytest

from digitedge.analysis.inner_tensors import Grid, grid_of
from digitedge.analysis.layer_noise import rounding_noise
from digitedge.analysis.layer_row import Tally
from digitedge.errors import ContentError

GRID = grid_of(0.1, 0, np.uint8)
OWN = np.random.default_rng(0).uniform(0, 25, (50, 8)).astype(np.float32)
EXPECTED = rounding_noise(0.1)


def row(theirs, grid=GRID, own=OWN):
    tally = Tally()
    for half in (slice(0, 25), slice(25, 50)):
        tally.add(own[half], theirs[half], own[half], EXPECTED, grid)
    return tally.row("conv", "Conv2D", grid)


def on_grid(values):
    return (np.rint(np.clip(values, 0, 25.5) / 0.1) * 0.1).astype(np.float32)


def test_the_values_of_integers():
    assert grid_of(0.5, -128, np.int8) == Grid(0.5, 0.0, 127.5)


def test_rounding_departs_not():
    found = row(on_grid(OWN))
    assert (found.departs, found.step, found.not_finite) == (None, 0.1, 0)
    assert found.own_sqnr_db - found.least_sqnr_db == pytest.approx(10.0, abs=0.7)


def test_noise_of_10_db_more_departs():
    assert row(on_grid(OWN) + 0.085 * np.sign(OWN - 12.5)).departs is None
    found = row(on_grid(OWN) + 0.11 * np.sign(OWN - 12.5))
    assert found.departs == f"own SQNR {found.own_sqnr_db:.0f} dB, at least {found.least_sqnr_db:.0f} expected"


def test_one_step_more_everywhere_departs_though_it_is_little_noise():
    assert row(on_grid(OWN) - 0.06).departs == "its values are 0.061 too low on average, 0.6 steps of its integers"
    assert row(on_grid(OWN) - 0.02).departs is None


def test_a_few_clipped_values_are_no_fault_and_half_of_the_range_is():
    own = OWN.copy()
    own[0, 0] = 30.0
    assert row(on_grid(own), own=own).departs is None
    assert row(on_grid(own), own=own).clipped_db > 30
    half = grid_of(0.05, 0, np.uint8)
    found = row(np.clip(on_grid(OWN), 0, half.high), half)
    assert found.departs == "its values are 0.00752 to 24.9, and its integers hold 0 to 12.8"


def test_what_is_not_finite_departs_and_what_comes_of_it_is_not_known():
    broken, behind = Tally(), Tally()
    broken.add_not_finite(np.array([[1.0, np.nan, np.inf]], np.float32))
    found = broken.row("conv", "Conv2D", None)
    assert (found.departs, found.not_finite, found.own_sqnr_db) == ("2 of its values are not finite", 2, None)
    found = behind.row("dense", "Dense", None)
    assert (found.departs, found.own_sqnr_db, found.sqnr_db, found.moves, found.labels) == (None,) * 5


def test_an_original_that_is_not_finite_is_an_error():
    with pytest.raises(ContentError, match="a value inside the network is not finite"):
        row(OWN, own=np.where(OWN > 24.9, np.nan, OWN))


def test_how_far_the_scores_move_is_a_share_of_them():
    tally = Tally()
    scores = np.array([[1.0, -1.0], [-1.0, 1.0]], np.float32)
    tally.add_moves(scores, scores * np.float32([[1], [-0.5]]), scores)
    found = tally.row("conv", "Conv2D", None)
    assert (found.labels, found.moves) == (1, pytest.approx(np.sqrt(1.5**2 / 2)))
