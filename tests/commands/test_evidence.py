"""What is known of a file besides its scores, on a workstation and on a device."""

import pytest

from digitedge.commands import evidence
from digitedge.commands.evidence import elsewhere, structure
from digitedge.verify.scoring import Scoring
from digitedge.verify.target import Target


@pytest.fixture
def given(tiny_run, tiny_golden):
    """given(name, engine=None) -> Scored, of a file of `tiny_run`, and the Scoring that ran it."""
    with Scoring() as scoring:
        yield lambda name, **target: (scoring.score(Target(tiny_run / name, **target), tiny_golden.images), scoring)


def test_int8_is_evaluated_for_each_kind_of_cpu(given, tiny_golden):
    cpus = elsewhere(*_between(given("tiny.int8.onnx"), tiny_golden))
    assert [cpu.cpu for cpu in cpus[1:]] == [
        "this machine, summing in 32 bits",
        "VNNI, AMX or ARM",
        "AVX2 or AVX-512 without VNNI",
    ]
    assert [(cpu.n, cpu.differs) for cpu in cpus] == [(200, 0)] * 4


def test_without_onnx_a_device_knows_itself(given, tiny_golden, monkeypatch):
    monkeypatch.setattr(evidence, "installed", lambda name: name != "onnx")
    scored, scoring = given("tiny.int8.onnx")
    assert len(elsewhere(scored, tiny_golden, scoring)) == 2
    assert structure(scored.described) == ()


def test_of_floats_and_of_litert_nothing_is_claimed(given, tiny_golden):
    for name in ("tiny.fp32.onnx", "tiny.int8.tflite"):
        assert elsewhere(*_between(given(name), tiny_golden)) == ()


def test_the_graph_of_an_onnx_file_is_looked_at(given):
    scored, _ = given("tiny.int8.onnx")
    (check,) = structure(scored.described)
    assert (check.name, check.passed) == ("quantization", True)
    assert structure(given("tiny.int8.tflite")[0].described) == ()


def _between(pair, golden):
    scored, scoring = pair
    return scored, golden, scoring
