"""The table of limits holds what is judged by, and says why."""

from __future__ import annotations

import numpy as np
import pytest

from digitedge.measure.limits import CHECKS, LIMITS, table
from digitedge.measure.parity import compare


def test_every_check_has_a_row_for_every_precision_or_is_not_bounded_there() -> None:
    found = {(precision, row.check) for row in table() for precision in row.precision.split(", ")}
    missing = {(precision, check) for precision in LIMITS for check in CHECKS} - found
    assert missing == {("fp32", "accuracy"), ("int8-weights", "scores"), ("int8", "scores")}
    assert list(dict.fromkeys(row.check for row in table())) == list(CHECKS)


def test_no_precision_has_two_rows_for_a_check() -> None:
    told = [(precision, row.check) for row in table() for precision in row.precision.split(", ")]
    assert len(told) == len(set(told))


def test_every_row_gives_its_reason_as_whole_sentences() -> None:
    for row in table():
        assert len(row.why) > 40
        assert row.why.endswith(".")


@pytest.mark.parametrize(
    ("precision", "check", "limit"),
    [
        ("fp32, fp16, int8-weights, int8", "finite", "0 images"),
        ("int8", "probabilities", "0.001 + 0.0039 a class"),
        ("fp32", "batch", "1e-05"),
        ("fp32", "labels", "0 images"),
        ("int8-weights, int8", "labels", "0.2 % of the images, or 10 % of the reference's errors"),
        ("fp16, int8-weights, int8", "accuracy", "0.10 points"),
        ("fp16", "scores", "0.02"),
        ("int8", "confidence", "0.05"),
        ("fp32, int8", "cpus", "0 images"),
        ("fp16, int8-weights", "cpus", "as labels"),
    ],
)
def test_the_table_says_what_is_judged_by(precision: str, check: str, limit: str) -> None:
    (row,) = (row for row in table() if (row.precision, row.check) == (precision, check))
    assert row.limit == limit


def test_a_coarser_precision_is_never_judged_more_strictly() -> None:
    fp32, fp16, weights, int8 = LIMITS.values()
    for finer, coarser in ((fp32, fp16), (fp16, weights), (weights, int8)):
        assert finer.max_flips <= coarser.max_flips
        assert finer.max_batch_abs <= coarser.max_batch_abs
        assert finer.max_drift <= coarser.max_drift
        assert finer.max_sum_abs_per_class <= coarser.max_sum_abs_per_class


def test_of_a_sample_chance_is_allowed_for_and_of_a_precision_without_flips_none() -> None:
    report = compare(np.eye(2, dtype=np.float32)[[0, 1] * 500], np.eye(2, dtype=np.float32)[[0, 1] * 500], None)
    assert LIMITS["int8"].flips_allowed(report) == 2
    assert LIMITS["int8"].flips_allowed(report, sampled=True) == 5
    assert LIMITS["fp32"].flips_allowed(report, sampled=True) == 0
