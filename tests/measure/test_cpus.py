"""What one machine knows by itself of other CPUs, without the graph."""

import numpy as np
import pytest

from digitedge.measure.cpus import known_here, labels, row
from digitedge.measure.limits import CpuLabels

REFERENCE = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]
HERE = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 1]]
PRECISE = np.eye(4, dtype=np.float32)[[0, 1, 3, 3, 0]]


def test_a_score_that_is_not_finite_is_no_decision():
    assert labels(np.array([[0.1, 0.9], [np.nan, 1.0], [np.inf, 0.0]], np.float32)).tolist() == [1, -1, -1]
    assert labels(np.array([3, 1])).tolist() == [3, 1]


def test_one_kind_of_cpu():
    assert row("some", "hand", PRECISE, REFERENCE, HERE) == CpuLabels("some", "hand", n=5, flips=1, differs=2)


def test_an_onnx_file_on_this_machine_and_summed_in_32_bits(monkeypatch):
    monkeypatch.setattr("digitedge.measure.machine.summary", lambda machine: "Some CPU, 2 cores, AVX2 (no VNNI)")
    this, precise = known_here("onnx", "ONNX Runtime 9", HERE, REFERENCE, PRECISE)
    assert this == CpuLabels("Some CPU, 2 cores, AVX2 (no VNNI)", "ONNX Runtime 9", n=5, flips=1, differs=0)
    assert precise == CpuLabels(
        "this machine, summing in 32 bits", "ONNX Runtime 9 with session.x64quantprecision=1", n=5, flips=1, differs=2
    )
    assert known_here("onnx", "ONNX Runtime 9", HERE, REFERENCE) == (this,)


def test_c_is_the_same_on_every_cpu():
    (one,) = known_here("c99", "gcc 12.2.0", HERE, REFERENCE)
    assert one == CpuLabels("any CPU", "exact 32-bit sums, as the C source says", n=5, flips=1, differs=0)


@pytest.mark.parametrize("format_", ["tflite", "keras"])
def test_nothing_is_claimed_of_other_engines(format_):
    assert known_here(format_, "LiteRT 2", HERE, REFERENCE) == ()
