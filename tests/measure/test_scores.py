"""Figures of scores, against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitedge.measure.parity import compare, softmax
from digitedge.measure.scores import sqnr_db, sum_abs

LOGITS = hnp.arrays(np.float32, (7, 4), elements=st.floats(-20, 20, width=32))


@given(LOGITS)
def test_what_a_softmax_gives_are_probabilities(logits: np.ndarray) -> None:
    assert sum_abs(softmax(logits)) < 1e-6


@pytest.mark.parametrize(
    ("row", "expected"),
    [([0.5, 0.5], 0.0), ([0.5, 0.4], 0.1), ([0.9, 0.9], 0.8), ([1.25, -0.25], 0.25), ([8.0, -3.0], 4.0), ([0, 0], 1.0)],
)
def test_the_further_of_the_sum_and_of_what_is_negative_counts(row: list[float], expected: float) -> None:
    scores = np.array([[0.25, 0.75], row], np.float32)
    assert sum_abs(scores) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_no_probability(value: float) -> None:
    assert math.isnan(sum_abs(np.array([[value, 0.5]], np.float32)))


@given(LOGITS, LOGITS)
def test_the_noise_ratio_is_ten_times_the_logarithm_of_the_powers(signal: np.ndarray, candidate: np.ndarray) -> None:
    power = sum(float(value) ** 2 for value in signal.ravel())
    noise = sum((float(a) - float(b)) ** 2 for a, b in zip(signal.ravel(), candidate.ravel(), strict=True))
    figure = compare(signal, candidate, None).sqnr_db
    if noise == 0:
        assert figure is None
    elif power == 0:
        assert figure == -math.inf
    else:
        assert figure == pytest.approx(10 * (math.log10(power) - math.log10(noise)), abs=1e-6)


def test_a_bit_is_six_decibels() -> None:
    signal = np.linspace(-1, 1, 1001)
    assert sqnr_db(signal, signal / 256) == pytest.approx(8 * 6.0206, abs=1e-3)
