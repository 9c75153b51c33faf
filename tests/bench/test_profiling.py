"""What the trace says, and what becomes of files that tell nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitedge.bench.job import Job
from digitedge.bench.profiling import FEWEST_CALLS, MOST_CALLS, from_trace, perform, profile, unknown
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable


def node(name: str, operator: str, *durations: int) -> list[dict[str, Any]]:
    facts = {"op_name": operator, "provider": "CPUExecutionProvider"}
    return [{"cat": "Node", "name": f"{name}_kernel_time", "dur": duration, "args": facts} for duration in durations]


def runs(*durations: int) -> list[dict[str, Any]]:
    return [{"cat": "Session", "name": "model_run", "dur": duration, "args": {}} for duration in durations]


@pytest.fixture
def job(tmp_path: Path, tiny_onnx: Callable[..., Path], images: np.ndarray) -> Job:
    np.save(tmp_path / "images.npy", images[:64])
    (tmp_path / "answer").mkdir()
    folder = str(tmp_path / "answer")
    path = str(tiny_onnx(width=256))
    return Job(path, "cpu", 1, 1, 0.5, 1, 0.5, str(tmp_path / "images.npy"), None, folder)


def test_shares_are_of_the_sum_and_the_slowest_stands_first() -> None:
    found = from_trace([*node("a/pool", "MaxPool", 10, 10), *node("a/conv", "Conv", 30, 30), *runs(50, 50)])
    assert found.operators is not None
    assert [(one.name, one.operator, one.mean_us, one.share) for one in found.operators] == [
        ("a/conv", "Conv", 30.0, 0.75),
        ("a/pool", "MaxPool", 10.0, 0.25),
    ]
    assert (found.calls, found.call_us, found.reason) == (2, 50.0, None)


def test_an_interruption_does_not_count() -> None:
    """One call of eight was interrupted for 12 ms; the other operator is no slower and no faster for it."""
    found = from_trace([*node("a", "Conv", *[30] * 7, 12_000), *node("b", "Gemm", *[30] * 8), *runs(*[70] * 8)])
    assert found.operators is not None
    assert [one.share for one in found.operators] == [0.5, 0.5]


def test_a_node_of_a_loop_costs_all_its_turns() -> None:
    found = from_trace([*node("turn", "Add", *[5] * 8), *node("once", "Conv", 20, 20), *runs(50, 50)])
    assert found.operators is not None
    assert {one.name: one.mean_us for one in found.operators} == {"turn": 20.0, "once": 20.0}


@pytest.mark.parametrize("events", [[], runs(5), node("a", "Conv", 5)])
def test_a_trace_without_operators_says_so(events: list[dict[str, Any]]) -> None:
    found = from_trace(events)
    assert (found.operators, found.reason) == (None, "ONNX Runtime wrote down no operator")


def test_the_heaviest_layer_of_a_real_file_is_found_in_a_process_of_its_own(job: Job) -> None:
    found = profile(job, limit_seconds=60)
    assert found.reason is None
    assert found.operators is not None
    assert found.operators[0].operator == "MatMul"
    assert sum(one.share for one in found.operators) == pytest.approx(1.0)
    assert found.calls is not None
    assert FEWEST_CALLS <= found.calls <= MOST_CALLS
    assert found.call_us is not None
    assert found.call_us >= found.operators[0].mean_us


def test_the_work_itself_is_the_same_here(job: Job) -> None:
    found = perform(job)
    assert found.operators is not None
    assert {one.provider for one in found.operators} == {"CPUExecutionProvider"}
    assert [path.name.startswith("trace") for path in Path(job.folder).iterdir()] == [True]


def test_an_error_arrives_with_its_words(job: Job, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"nothing")
    with pytest.raises(ContentError, match=r"damaged\.onnx"):
        profile(_of(job, str(damaged)), limit_seconds=60)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import time; time.sleep(60)", "it did not return within 0.5 s"),
        ("import os; os.kill(os.getpid(), 11)", "its process was ended by SIGSEGV"),
    ],
)
def test_a_process_without_an_answer_is_told(job: Job, code: str, reason: str) -> None:
    found = profile(job, limit_seconds=0.5 if "sleep" in code else 30, command=(sys.executable, "-c", code))
    assert (found.operators, found.reason) == (None, reason)


def test_a_mistake_of_ours_is_raised_with_its_last_words(job: Job) -> None:
    with pytest.raises(RuntimeError, match=r"ended with 1: (?s:.*)ZeroDivisionError"):
        profile(job, limit_seconds=30, command=(sys.executable, "-c", "1 / 0"))


@pytest.mark.parametrize("name", ["tflite", "c99", "keras"])
def test_other_engines_tell_no_operators_and_the_reason_stands_there(name: str) -> None:
    found = unknown(name)
    assert found is not None
    assert found.operators is None
    assert found.reason
    assert unknown("onnx") is None


def _of(job: Job, path: str) -> Job:
    return Job(path, job.provider, 1, 1, 0.5, 1, 0.5, job.images, None, job.folder)
