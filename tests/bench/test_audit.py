"""A model that remembers, or that answers otherwise while it is timed, is found; an honest one is not accused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.bench.audit import LEAST_RATIO, complaint, departure, same_image_ratio
from digitedge.runtime.loading import load
from digitedge.runtime.timer import PythonTimer, timer_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.runtime.model import Model


@pytest.fixture
def model(tiny_onnx: Callable[..., Path]) -> Model:
    return load(tiny_onnx())


@pytest.fixture
def batches(images: np.ndarray) -> list[np.ndarray]:
    """Sixteen batches of one image."""
    return np.split(images[:16], 16)


def busy(microseconds: float) -> None:
    end = time.perf_counter_ns() + microseconds * 1e3
    while time.perf_counter_ns() < end:
        pass


def timer(calls: list[Callable[[], NDArray[np.float32]]]) -> PythonTimer:
    return PythonTimer(calls, lambda outputs: outputs)


def working(slow: Callable[[int], bool]) -> PythonTimer:
    """Calls of 40 us where `slow`, which is told the place, and of next to nothing where not."""

    def call(place: int) -> NDArray[np.float32]:
        if slow(place):
            busy(40)
        return np.ones((1, 3), np.float32)

    return timer([lambda place=place: call(place) for place in range(16)])


def remembering() -> PythonTimer:
    """A model that keeps its last input, and answers at once when it comes again."""
    last: list[int] = [-1]

    def is_new(place: int) -> bool:
        new = last[0] != place
        last[0] = place
        return new

    return working(is_new)


def test_a_model_that_remembers_its_last_image_is_found_out() -> None:
    ratios = [same_image_ratio(remembering(), 16, most_seconds=5.0) for _ in range(5)]
    assert all(ratio is not None and ratio < 0.5 for ratio in ratios)
    assert complaint("cpu", 0.0, ratios[0]) == (
        f"the same image again takes {ratios[0]:.0%} of the time of another: it remembers, or its speed depends on its "
        "last image"
    )


def test_honest_files_pass_six_of_six(model: Model, batches: list[np.ndarray]) -> None:
    """Each verdict is over processes: the median of three here, of ten in earnest."""
    honest = timer_of(model, batches, end_to_end=False)
    ratios = [same_image_ratio(honest, 16, most_seconds=5.0) for _ in range(8)]
    known = [ratio for ratio in ratios if ratio is not None]
    assert len(known) == 8
    for start in range(6):
        assert complaint("cpu", 0.0, float(np.median(known[start : start + 3]))) is None


def test_images_that_take_long_are_no_complaint() -> None:
    """A model whose every fourth image is slow, whatever came before."""
    ratio = same_image_ratio(working(lambda place: place % 4 != 0), 16, most_seconds=5.0)
    assert ratio == pytest.approx(1, abs=1 - LEAST_RATIO)


def test_nothing_is_said_of_one_batch_or_of_too_few_calls() -> None:
    assert same_image_ratio(working(lambda _: True), 1, most_seconds=5.0) is None
    slow = timer([lambda: (time.sleep(0.01), np.ones((1, 3), np.float32))[1]] * 16)
    assert same_image_ratio(slow, 16, most_seconds=0.03) is None


@pytest.mark.parametrize("end_to_end", [False, True])
def test_an_honest_model_gives_the_same_bits_while_it_is_timed(
    model: Model, batches: list[np.ndarray], *, end_to_end: bool
) -> None:
    assert departure(model, timer_of(model, batches, end_to_end=end_to_end), batches, end_to_end=end_to_end) == 0.0


def test_one_other_score_of_one_image_is_found(model: Model, batches: list[np.ndarray]) -> None:
    honest = timer_of(model, batches, end_to_end=False)

    def other(place: int) -> NDArray[np.float32]:
        return honest.outputs(place) + np.float32(0.25 if place == 11 else 0)

    found = departure(
        model, timer([lambda place=place: other(place) for place in range(16)]), batches, end_to_end=False
    )
    assert found == pytest.approx(0.25)
    assert complaint("cpu", found, 1.0) == (
        "its timed calls give scores that are 2.5e-01 from those of the same images untimed"
    )


@pytest.mark.parametrize("wrong", [np.full((1, 3), np.nan, np.float32), np.ones((1, 2), np.float32)])
def test_no_number_and_another_shape_are_infinitely_far(
    model: Model, batches: list[np.ndarray], wrong: np.ndarray
) -> None:
    found = departure(model, timer([lambda: wrong] * 16), batches, end_to_end=False)
    assert found == float("inf")
    assert complaint("cuda", found, None) is not None


def test_a_cpu_repeats_itself_but_for_rounding_and_others_nearly() -> None:
    assert complaint("cpu", 1e-7, 1.0) is None
    assert complaint("cpu", 1e-5, 1.0) is not None
    assert complaint("cuda", 1e-5, 1.0) is None
    assert complaint("cuda", 2e-3, 1.0) is not None
    assert complaint("cpu", None, None) is None
    assert complaint("cpu", 0.0, LEAST_RATIO) is None
