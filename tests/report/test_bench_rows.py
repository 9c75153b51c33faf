"""The rows of a benchmark as a page shows them."""

import pytest

from digitedge.report.bench_rows import between, completed, footnotes, groups


def row(name, p50_us, **changes):
    return {
        "path": f"/runs/{name}", "provider": "cpu", "threads": 1, "batch": 1, "p50_us": p50_us, "valid": True,
        "reason": None, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low_us", "high_us", "words"),
    [
        (3.914, 3.968, "3.91 to 3.97 µs"),
        (25.24, 25.83, "25.2 to 25.8 µs"),
        (99.96, 104.2, "100 to 104 µs"),
        (9.996, 9.999, "10.0 µs"),
        (990.0, 1_010.0, "0.99 to 1.01 ms"),
        (1_700_000.0, 1_990_000.0, "1.70 to 1.99 s"),
        (None, None, "–"),  # noqa: RUF001
    ],
)
def test_an_interval_in_three_digits(low_us, high_us, words):
    assert between(low_us, high_us) == words


def test_only_what_can_be_compared_stands_together_the_fastest_first_and_the_invalid_last():
    rows = [
        row("bad", 1.0, valid=False),
        row("slow", 20.0),
        row("large", 90.0, batch=8),
        row("fast", 10.0),
        row("whole", 30.0, end_to_end=True),
    ]
    found = [(group["heading"], [shown["row"]["path"][6:] for shown in group["rows"]]) for group in groups(rows)]
    assert found == [
        ("1 thread, batch 1", ["fast", "slow", "bad"]),
        ("1 thread, batch 1, from pixels to labels", ["whole"]),
        ("1 thread, batch 8", ["large"]),
    ]


def test_a_row_that_is_not_valid_has_no_figure_left():
    assert completed(row("bad", 1.0, valid=False))["p50_us"] is None
    (group,) = groups([row("bad", 1.0, valid=False)])
    assert [shown["bar"] for shown in group["rows"]] == [""]


def test_far_apart_is_logarithmic_and_of_each_group_alone():
    rows = [row("a", 1.0), row("b", 100.0), row("a", 8.0, batch=8), row("b", 20.0, batch=8)]
    assert [group["logarithmic"] for group in groups(rows)] == [True, False]


def test_of_a_row_that_is_not_valid_no_percentile_is_missed():
    why = {"p99_us": "662 calls are needed; there were 3"}
    assert footnotes([row("bad", None, valid=False, percentiles_missing=why)]) == []
    assert footnotes([row("few", 1.0, percentiles_missing=why)]) == [f"p99 of few: {why['p99_us']}."]
