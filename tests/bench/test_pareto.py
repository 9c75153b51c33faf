"""Which files no other beats."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from digitedge.bench.pareto import pareto
from digitedge.bench.row import Row


def row(p50_us: float, size_bytes: int, accuracy: float | None, *, name: str = "a.onnx", spread_us: float = 0.1) -> Row:
    figures = {
        "path": Path(name),
        "format": "onnx",
        "io": "copies",
        "threads": 1,
        "batch": 1,
        "p50_us": p50_us,
        "p50_low_us": p50_us - spread_us,
        "p50_high_us": p50_us + spread_us,
        "size_bytes": size_bytes,
        "accuracy": accuracy,
        "agreement": 1.0,
        "valid": True,
    }
    return Row(**{**dict.fromkeys(field.name for field in fields(Row)), **figures})


BASE = row(50, 800, 0.99)


def test_a_file_that_is_better_in_one_thing_is_on_the_front() -> None:
    rows = [BASE, row(40, 900, 0.99), row(60, 200, 0.99), row(90, 900, 0.995)]
    assert pareto(rows) == (True,) * 4


def test_a_file_that_is_better_in_nothing_is_not() -> None:
    for worse in (row(60, 800, 0.99), row(50, 801, 0.99), row(50, 800, 0.989), row(60, 900, 0.98)):
        assert pareto([BASE, worse]) == (True, False)


def test_equals_are_both_on_it() -> None:
    assert pareto([BASE, replace(BASE, path=Path("b.onnx"))]) == (True, True)


def test_a_difference_in_time_that_is_not_proved_beats_nobody_and_saves_nobody() -> None:
    noisy = row(45, 800, 0.99, spread_us=10)
    assert pareto([BASE, noisy]) == (True, True)
    assert pareto([BASE, replace(noisy, size_bytes=801)]) == (True, False)


def test_what_was_not_measured_is_not_judged() -> None:
    invalid = replace(row(10, 10, 1.0), valid=False, p50_us=None)
    assert pareto([BASE, row(40, 100, None), invalid]) == (True, None, None)


def test_a_file_that_may_not_be_shipped_is_not_on_it_and_beats_nobody() -> None:
    wrong = replace(row(10, 10, 1.0, name="wrong.onnx"), disagreement="130 images get another label")
    rejected = row(10, 10, 1.0, name="rejected.onnx")
    rows = [BASE, wrong, rejected]
    assert pareto(rows, {rejected.path: "it was rejected"}) == (True, False, False)
    assert pareto(rows) == (False, False, True)


def test_other_batches_are_not_compared() -> None:
    assert pareto([BASE, replace(row(90, 900, 0.9), batch=64)]) == (True, True)


def test_of_a_c_source_the_flash_counts() -> None:
    source = replace(row(50, 3_000, 0.99), format="c99", flash_bytes=700)
    assert pareto([BASE, source]) == (False, True)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=8))
def test_the_front_is_never_empty_and_holds_the_smallest_and_the_most_accurate(
    figures: list[tuple[int, int, int]],
) -> None:
    rows = [row(10.0 * time, size, accuracy / 10, spread_us=15) for time, size, accuracy in figures]
    front = [one for one, on_it in zip(rows, pareto(rows), strict=True) if on_it]
    assert front
    assert min(one.size_bytes for one in front) == min(one.size_bytes for one in rows)
    assert max(one.accuracy or 0 for one in front) == max(one.accuracy or 0 for one in rows)


def test_images_in_the_memory_of_a_provider_are_no_choice_of_a_file() -> None:
    slow, fast = row(50, 800, 0.99), replace(row(5, 800, 0.99), io="device")
    assert pareto([slow, fast]) == (True, None)
