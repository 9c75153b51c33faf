"""What goes to a worker and comes back is the same on both sides."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.bench.job import Job, Outcome, read_outcome, write_error, write_outcome
from digitedge.errors import ContentError, DigitedgeError, NotPresentError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

JOB = Job("a.onnx", "cpu", 1, 1, 0.1, 10, 1.0, None, None, "/somewhere")
OUTCOME = Outcome(np.array([1.0, 2.5]), 3.5, 1.25, 1024, 9, 0, 0.999, None, None)


def test_a_job_survives_the_way() -> None:
    assert Job.from_json(JOB.to_json()) == JOB


def test_an_outcome_survives_the_way(tmp_path: Path) -> None:
    write_outcome(tmp_path, OUTCOME)
    back = read_outcome(tmp_path)
    assert back is not None
    assert np.array_equal(np.asarray(back.samples_us), np.asarray(OUTCOME.samples_us))
    names = [field.name for field in fields(Outcome) if field.name != "samples_us"]
    assert [getattr(back, name) for name in names] == [getattr(OUTCOME, name) for name in names]


def test_an_outcome_without_samples_stays_without(tmp_path: Path) -> None:
    write_outcome(tmp_path, Outcome(None, None, None, None, 3, 2, None, None, None))
    back = read_outcome(tmp_path)
    assert back is not None
    assert (back.samples_us, back.nodes_elsewhere) == (None, 2)


def test_no_answer_is_none(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None


@pytest.mark.parametrize(
    ("error", "arrives_as"),
    [
        (ContentError("x.onnx is damaged.", "Make it again."), ContentError),
        (NotPresentError("onnxruntime is not installed.", "Install it."), NotPresentError),
        (UnknownNameError("provider", "cdua", ["cuda", "cpu"]), UsageError),
    ],
)
def test_an_error_arrives_with_its_words_and_its_exit_code(
    tmp_path: Path, error: DigitedgeError, arrives_as: type[DigitedgeError]
) -> None:
    write_error(tmp_path, error)
    with pytest.raises(arrives_as) as caught:
        read_outcome(tmp_path)
    assert str(caught.value) == str(error)
    assert caught.value.exit_code == error.exit_code


def test_scores_that_are_infinitely_far_arrive_as_that(tmp_path: Path) -> None:
    write_outcome(tmp_path, replace(OUTCOME, departure=math.inf))
    back = read_outcome(tmp_path)
    assert back is not None
    assert back.departure == math.inf
