"""One job whose images stay in the memory of a provider."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from digitedge.artifact import GOLDEN, write_golden
from digitedge.bench.worker import perform
from digitedge.runtime import onnx_binding
from digitedge.runtime.provider import find

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from digitedge.artifact import Golden
    from digitedge.bench.job import Job


def test_images_that_stay_bound_are_timed_audited_and_scored(
    job: Job, tmp_path: Path, golden_of: Callable[[Path], Golden]
) -> None:
    golden = write_golden(tmp_path / GOLDEN, golden_of(Path(job.path)))
    outcome = perform(replace(job, io="device", batch=4, golden=str(golden)))
    assert outcome.samples_us is not None
    assert len(outcome.samples_us) >= 100
    assert (outcome.timed_by, outcome.departure) == ("Python call", 0.0)
    assert outcome.same_image_ratio is not None
    assert (outcome.agreement, outcome.nodes_elsewhere, outcome.refused) == (1.0, 0, None)


def test_a_graph_that_is_not_captured_is_an_answer_without_times(job: Job) -> None:
    outcome = perform(replace(job, io="graph"))
    assert (outcome.samples_us, outcome.load_ms, outcome.refused) == (None, None, "it captures no graphs")


def test_memory_that_is_not_given_is_an_answer_without_times(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_binding, "require", lambda name: replace(find(name), device_type="cuda"))
    outcome = perform(replace(job, io="device"))
    assert (outcome.samples_us, outcome.load_ms, outcome.nodes_elsewhere) == (None, None, 0)
    assert outcome.refused
