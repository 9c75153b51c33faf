"""The batch from which an accelerator beats the CPU: what is proved, there and at every larger batch."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.bench.crossover import crossover
from digitedge.bench.row import Row
from digitedge.bench.verdict import SMALLEST_RATIO


def row(provider: str, batch: int, p50_us: float, *, spread_us: float = 0.1, **more: Any) -> Row:
    figures = {
        "path": Path("/run/a.fp32.onnx"),
        "format": "onnx",
        "provider": provider,
        "io": "copies",
        "threads": 1,
        "batch": batch,
        "p50_us": p50_us,
        "p50_low_us": p50_us - spread_us,
        "p50_high_us": p50_us + spread_us,
        "sha256": "a" * 64,
        "end_to_end": False,
        "valid": True,
    }
    return Row(**{**dict.fromkeys(field.name for field in fields(Row)), **figures, **more})


def cpu(*times_us: float) -> list[Row]:
    """The CPU with batches of 1, 8, 64 and so on."""
    return [row("cpu", 8**power, p50_us) for power, p50_us in enumerate(times_us)]


def gpu(*times_us: float, **more: Any) -> list[Row]:
    return [row("cuda", 8**power, p50_us, **more) for power, p50_us in enumerate(times_us)]


def only(rows: list[Row]) -> dict[str, Any]:
    entries = crossover(rows)
    assert entries is not None
    (entry,) = entries
    return entry


def test_the_smallest_batch_from_which_on_it_wins() -> None:
    entry = only([*cpu(50, 400, 3200), *gpu(100, 160, 400)])
    assert entry == {
        "path": "/run/a.fp32.onnx",
        "provider": "cuda",
        "io": "copies",
        "batch": 8,
        "ratio": 0.4,
        "ratio_low": pytest.approx(159.9 / 400.1),
        "ratio_high": pytest.approx(160.1 / 399.9),
        "batches": [1, 8, 64],
    }


@pytest.mark.parametrize(
    ("times_us", "batch"),
    [
        ((40, 100, 400), 1),
        ((60, 100, 400), 8),
        ((40, 500, 400), 64),  # that it wins with one image says nothing of more
        ((40, 100, 3300), None),
        ((60, 500, 3200), None),
    ],
)
def test_every_larger_batch_must_be_won_too(times_us: tuple[float, ...], batch: int | None) -> None:
    entry = only([*cpu(50, 400, 3200), *gpu(*times_us)])
    assert entry["batch"] == batch


def test_where_it_never_wins_the_ratio_is_that_of_the_largest_batch() -> None:
    entry = only([*cpu(50, 400, 3200), *gpu(100, 800, 4800)])
    assert (entry["batch"], entry["ratio"]) == (None, 1.5)


@pytest.mark.parametrize(("p50_us", "spread_us"), [(100 / SMALLEST_RATIO + 0.1, 0.01), (60.0, 45.0)])
def test_under_three_percent_or_with_intervals_that_touch_nothing_is_won(p50_us: float, spread_us: float) -> None:
    rows = [row("cpu", 1, 100.0), row("cpu", 8, 100.0), *(row("cuda", n, p50_us, spread_us=spread_us) for n in (1, 8))]
    assert [entry["batch"] for entry in crossover(rows) or ()] == [None]
    sure = [*rows[:2], *(row("cuda", n, 90.0, spread_us=0.01) for n in (1, 8))]
    assert [entry["batch"] for entry in crossover(sure) or ()] == [1]


def test_the_cpu_may_take_all_its_threads() -> None:
    two = [replace(one, threads=2) for one in cpu(40, 250, 1700)]
    entry = only([*cpu(50, 400, 3200), *two, *gpu(100, 300, 400)])
    assert (entry["batch"], entry["ratio"]) == (64, 400 / 1700)


def test_each_file_provider_and_way_has_its_own() -> None:
    graph = gpu(30, 100, 300, io="graph")
    other = [replace(one, path=Path("/run/b.onnx"), sha256="b" * 64) for one in (*cpu(50, 400), *gpu(100, 500))]
    entries = crossover([*cpu(50, 400, 3200), *gpu(100, 160, 400), *graph, *other]) or ()
    assert [(entry["path"], entry["io"], entry["batch"]) for entry in entries] == [
        ("/run/a.fp32.onnx", "copies", 8),
        ("/run/a.fp32.onnx", "graph", 1),
        ("/run/b.onnx", "copies", None),
    ]


def test_a_file_is_its_bytes_wherever_it_lies() -> None:
    moved = [replace(one, path=Path("/elsewhere/a.onnx")) for one in gpu(100, 160)]
    assert crossover([*cpu(50, 400), *moved]) is not None
    assert crossover([*cpu(50, 400), *(replace(one, sha256="c" * 64) for one in moved)]) is None


@pytest.mark.parametrize(
    "rows",
    [
        [],
        cpu(50, 400, 3200),
        [*cpu(50), *gpu(100)],
        [*cpu(50, 400), *gpu(100)],
        [*cpu(50, 400), *gpu(100, 160, valid=False)],
        [*cpu(50, 400), *gpu(100, 160, end_to_end=True)],
        [*cpu(50, 400), *gpu(100, 160, p50_low_us=None)],
        [*cpu(50, 400), *gpu(100, 160, format="tflite")],
    ],
)
def test_without_two_batches_on_both_there_is_nothing_to_say(rows: list[Row]) -> None:
    assert crossover(rows) is None


@given(
    st.lists(st.tuples(st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0, 0.9)), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_is_nothing_and_all_from_there_on_are_proved(
    times: list[tuple[float, float, float]], random: Any
) -> None:
    rows = [row("cpu", 2**n, ours, spread_us=spread) for n, (ours, _, spread) in enumerate(times)]
    rows += [row("cuda", 2**n, theirs, spread_us=spread) for n, (_, theirs, spread) in enumerate(times)]
    random.shuffle(rows)
    entry = only(rows)
    won = [ours - spread > theirs + spread and ours / theirs >= SMALLEST_RATIO for ours, theirs, spread in times]
    expected = next((2**n for n in range(len(won)) if all(won[n:])), None)
    assert (entry["batch"], entry["batches"]) == (expected, [2**n for n in range(len(times))])
