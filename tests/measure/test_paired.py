"""A difference is found where it is, and not where it is not."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.measure.paired import CONFIDENCE, FEWEST_ROUNDS, paired_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def rounds(*levels: float) -> list[NDArray[np.float64]]:
    return [np.full(5, level) for level in levels]


def test_the_same_twice_is_1() -> None:
    ratio = paired_ratio(rounds(*[50.0] * 10), rounds(*[50.0] * 10))
    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_what_drifts_from_round_to_round_cancels() -> None:
    levels = np.geomspace(50.0, 100.0, 10)
    ratio = paired_ratio(rounds(*levels * 1.1), rounds(*levels))
    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.1, 1.1, 1.1))


def test_one_disturbed_round_of_ten_moves_it_little() -> None:
    random = np.random.default_rng(0)
    new, old = (50.0 * random.normal(1.0, 0.005, 10) for _ in range(2))
    new[3] *= 3
    ratio = paired_ratio(rounds(*new), rounds(*old))
    assert ratio is not None
    assert ratio.value == pytest.approx(1.0, abs=0.01)
    assert ratio.low < 1.0 < ratio.high


def test_swapped_it_is_the_reciprocal() -> None:
    random = np.random.default_rng(1)
    one, other = (rounds(*random.lognormal(4.0, 0.1, 10)) for _ in range(2))
    there, back = paired_ratio(one, other), paired_ratio(other, one)
    assert there is not None
    assert back is not None
    assert (1 / back.value, 1 / back.high, 1 / back.low) == pytest.approx((there.value, there.low, there.high))


def test_too_few_rounds_prove_nothing() -> None:
    levels = [50.0] * (FEWEST_ROUNDS - 1)
    assert paired_ratio(rounds(*levels), rounds(*levels)) is None
    assert paired_ratio(rounds(*levels, 50.0), rounds(*levels, 50.0)) is not None


def test_rounds_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than argument 1"):
        paired_ratio(rounds(*[1.0] * 9), rounds(*[1.0] * 10))


def brute_force(logs: Sequence[float]) -> tuple[float, float]:
    """The interval as the test itself gives it: the shifts that all 2**n choices of signs do not reject."""
    n = len(logs)
    sums = np.array([sum(np.flatnonzero(signs) + 1) for signs in itertools.product((0, 1), repeat=n)])

    def rejected(shift: float) -> bool:
        differences = np.array(logs) - shift
        ranks = np.abs(differences).argsort().argsort() + 1
        positive = ranks[differences > 0].sum()
        p = 2 * min((sums <= positive).mean(), (sums >= positive).mean())
        return bool(p <= 1 - CONFIDENCE)

    kept = [shift for shift in np.linspace(min(logs), max(logs), 2_001) if not rejected(shift)]
    return min(kept), max(kept)


@pytest.mark.parametrize("n", [8, 9, 10])
def test_the_interval_holds_exactly_what_the_signed_rank_test_does_not_reject(n: int) -> None:
    logs = np.random.default_rng(n).normal(0.0, 1.0, n)
    ratio = paired_ratio(rounds(*np.exp(logs)), rounds(*[1.0] * n))
    assert ratio is not None
    step = np.ptp(logs) / 2_000
    assert (np.log(ratio.low), np.log(ratio.high)) == pytest.approx(brute_force(logs), abs=1.01 * step)


def test_of_equals_it_leaves_out_1_in_one_case_of_a_hundred() -> None:
    random, left_out = np.random.default_rng(0), 0
    for _ in range(1_000):
        ratio = paired_ratio(rounds(*random.lognormal(4.0, 0.05, 10)), rounds(*random.lognormal(4.0, 0.05, 10)))
        assert ratio is not None
        left_out += not ratio.low <= 1.0 <= ratio.high
    assert 1 <= left_out <= 20
