import shutil
from dataclasses import replace

import pytest

from digitedge.artifact import read_golden, read_manifest
from digitedge.commands.checking import Standard, checks_of
from digitedge.errors import NotPresentError
from digitedge.verify.scoring import Scoring
from digitedge.verify.target import Lost


@pytest.fixture
def standard(tiny_run):
    with Scoring() as scoring:
        yield Standard(read_golden(tiny_run / "golden.npz"), scoring)


def test_a_right_file_passes_every_check_in_order(tiny_run, standard):
    asked = {}
    for artifact in read_manifest(tiny_run):
        checks = checks_of(artifact.path, artifact, standard)
        assert [check.reason for check in checks if not check.passed] == []
        asked[artifact.path.name] = [check.name for check in checks]
    gates, figures = ["unchanged", "loads", "source", "classes", "fits"], ["finite", "probabilities", "batch", "labels"]
    assert asked["tiny.fp32.onnx"] == [*gates, "quantization", *figures, "scores", "confidence"]
    assert asked["tiny.int8.onnx"] == [*gates, "quantization", *figures, "accuracy", "confidence", "cpus"]
    assert asked["tiny.fp32.tflite"] == [*gates, *figures, "scores", "confidence"]


def test_nothing_is_asked_behind_a_shut_gate(tiny_run, standard, tmp_path):
    (artifact,) = [one for one in read_manifest(tiny_run) if one.path.name == "tiny.fp32.onnx"]
    path = tmp_path / "tiny.fp32.onnx"
    shutil.copy(artifact.path, path)
    listed, data = replace(artifact, path=path), path.read_bytes()
    path.write_bytes(data + b"\0")
    assert [(check.name, check.passed) for check in checks_of(path, listed, standard)] == [("unchanged", False)]
    path.write_bytes(data[:100])
    assert [(check.name, check.passed) for check in checks_of(path, None, standard)] == [("loads", False)]
    path.write_bytes(data)
    other = replace(standard, golden=replace(standard.golden, source_digest="another"))
    shut = checks_of(path, listed, other)
    assert [check.name for check in shut if not check.passed] == ["source"]
    assert shut[-1].name == "fits"
    assert [check.name for check in checks_of(path, listed, other, foreign=True) if not check.passed] == []


def test_a_file_that_the_engine_dies_of_does_not_load(tiny_run, standard):
    class Dying:
        def __init__(self, dies_at):
            self.dies_at = dies_at

        def describe(self, target):
            return (
                Lost(target, "the engine crashed") if self.dies_at == "describe" else standard.scoring.describe(target)
            )

        def score(self, target, images):
            return Lost(target, "the engine crashed")

    path = tiny_run / "tiny.fp32.onnx"
    for dies_at in ("describe", "score"):
        checks = checks_of(path, None, replace(standard, scoring=Dying(dies_at)))
        failed = [(check.name, check.reason) for check in checks if not check.passed]
        assert failed == [("loads", "the engine crashed")]


def test_limits_can_be_others(tiny_run, standard):
    path = tiny_run / "tiny.fp32.onnx"
    strict = replace(standard, overrides={"scores": 0.0})
    assert [check.name for check in checks_of(path, None, strict) if not check.passed] == ["scores"]


def test_a_missing_engine_is_no_fault_of_the_file(tiny_run, standard):
    class Without:
        def describe(self, target):
            raise NotPresentError("onnxruntime is not installed.", "Install it.")

    with pytest.raises(NotPresentError):
        checks_of(tiny_run / "tiny.fp32.onnx", None, replace(standard, scoring=Without()))
