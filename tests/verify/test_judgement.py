"""Figures and checks of what a file gives."""

from dataclasses import replace

import numpy as np
import pytest

from digitedge.artifact import Golden
from digitedge.errors import ContentError
from digitedge.measure.limits import CpuLabels, limits_of, reason
from digitedge.spec import image_spec
from digitedge.verify.judgement import examine, part_of
from digitedge.verify.target import Described, Scored, Target

N, CLASSES = 30, ("a", "b", "c")


@pytest.fixture
def golden():
    """Thirty images of three classes, each decided with a confidence of 0.8."""
    labels = np.arange(N) % 3
    scores = (0.1 + 0.7 * np.eye(3)[labels]).astype(np.float32)
    return Golden(np.zeros((N, 2, 2, 1), np.uint8), labels, scores, CLASSES, "digest", "thirty")


@pytest.fixture
def gives(tmp_path):
    """gives(scores) -> Scored, of a float32 .onnx file."""
    spec = image_spec((2, 2, 1), CLASSES, "NCHW")
    described = Described(Target(tmp_path / "net.onnx"), "onnx", "fp32", "digest", spec, "ONNX Runtime 1.31.1")
    return lambda scores, **more: Scored(
        described, scores, **{"places": None, "batch_abs": 0.0, "batch_flips": 0} | more
    )


def failed(scored, golden, **options):
    return [check.name for check in examine(scored, golden, limits_of("fp32"), **options)[1] if not check.passed]


def test_the_same_scores_pass_every_check(gives, golden):
    parity, checks = examine(gives(golden.scores), golden, limits_of("fp32"))
    assert (parity.n, parity.flips, parity.max_abs, reason(checks)) == (N, (), 0.0, None)
    assert [check.name for check in checks] == ["finite", "probabilities", "batch", "labels", "scores", "confidence"]


def test_what_is_wrong_fails_its_check(gives, golden):
    rolled, logits = np.roll(golden.scores, 1, axis=1), np.log(golden.scores)
    assert "labels" in failed(gives(rolled), golden)
    assert "probabilities" in failed(gives(logits), golden)
    assert failed(gives(golden.scores, batch_abs=0.1, batch_flips=1), golden) == ["batch"]
    assert failed(gives(golden.scores), golden, cpus=[CpuLabels("another", "arithmetic", N, 4, 4)]) == ["cpus"]


def test_logits_need_not_sum_to_1(gives, golden):
    scored = gives(golden.scores)
    logits = replace(
        scored, described=replace(scored.described, spec=replace(scored.described.spec, output_kind="logits"))
    )
    _, checks = examine(logits, golden, limits_of("fp32"))
    assert "probabilities" not in [check.name for check in checks]


def test_of_labels_the_scores_say_nothing(gives, golden):
    sure = np.eye(3, dtype=np.float32)[golden.labels]
    assert failed(gives(sure), golden) == ["scores", "confidence"]
    assert failed(gives(sure), golden, decisions_only=True) == []


def test_a_part_of_the_reference_keeps_its_places(gives, golden):
    places = np.array([0, 7, 29])
    part = part_of(golden, places)
    assert (len(part.images), part.labels.tolist(), part.places.tolist()) == (3, [0, 1, 2], [0, 7, 29])
    again = part_of(part, np.array([1, 2]))
    assert again.places.tolist() == [7, 29], "places are those of the data set, not of the part"
    assert part_of(golden, None) is golden
    assert failed(gives(golden.scores[places], places=places), part) == []


def test_scores_of_other_images_cannot_be_compared(gives, golden):
    with pytest.raises(ContentError, match="They must be models of the same classes, run on the same images"):
        examine(gives(golden.scores[:10]), golden, limits_of("fp32"))
