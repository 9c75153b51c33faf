"""How the comparison with an older benchmark looks."""

from pathlib import Path

import pytest

from digitedge.report.steps import compare


def entry(name, result, ratio=None, **changes):
    """One of the document's; `ratio` with an interval of 2 points around it."""
    return {
        "path": f"/new/{name}", "old_path": f"/old/{name}", "provider": "cpu", "threads": 1, "batch": 1,
        "result": result, "ratio": ratio, "ratio_low": ratio and ratio - 0.01, "ratio_high": ratio and ratio + 0.01,
        "measured_again": ratio is not None, "p50_us": 66.0, "old_p50_us": 60.0, "drift": 1.0, "reason": None,
        **changes,
    }  # fmt: skip


@pytest.fixture
def entries():
    gone = "the old file does not exist any more"
    return [
        entry("a.fp32.onnx", "slower", 1.1),
        entry("a.fp32.tflite", "faster", 0.8),
        entry("a.int8.onnx", "no difference", 1.01),
        entry("a.int8.tflite", "not comparable", reason=gone, drift=None),
        entry("b.int8.tflite", "not comparable", reason=gone, drift=None, path=None, p50_us=None),
    ]


def test_the_table(printed, entries):
    out = printed(compare.step(entries, Path("/old/bench.json")))
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "compare new p50 over old p50 · old: /old/bench.json"
    assert lines[1] == "file provider old new ratio interval result"
    assert lines[2] == "a.fp32.onnx cpu 60 µs 66 µs 1.10x 1.09 to 1.11 slower"
    assert lines[5] == "a.int8.tflite cpu 60 µs 66 µs – not comparable"  # noqa: RUF001
    assert lines[6] == "b.int8.tflite cpu 60 µs – – not comparable"  # noqa: RUF001
    assert max(map(len, out.splitlines())) <= 100


def test_a_reason_is_said_once_with_its_files(printed, entries):
    out = " ".join(printed(compare.step(entries, Path("/old/bench.json"))).split())
    assert out.count("the old file does not exist any more") == 1
    assert "a.int8.tflite, b.int8.tflite: the old file does not exist any more." in out


def test_the_worst_first(entries):
    assert compare.summary(entries) == (
        "1 slower (a.fp32.onnx 1.10x), 1 faster (a.fp32.tflite 0.80x), 1 no difference, 2 not comparable."
    )


def test_a_drift_is_the_machine_s(printed, entries):
    steady = " ".join(printed(compare.step(entries, Path("/old/bench.json"))).split())
    assert "since it was recorded" not in steady
    entries[0]["drift"] = 1.21
    moved = " ".join(printed(compare.step(entries, Path("/old/bench.json"))).split())
    assert "The time of 1 old file has changed since it was recorded (a.fp32.onnx 1.21x): that is this machine" in moved


def test_quiet_is_the_summary_alone(printed, entries):
    assert printed(compare.step(entries, Path("old")), quiet=True).startswith("1 slower (a.fp32.onnx 1.10x)")


def test_what_holds_for_all_is_said_of_all(printed, entries):
    for one in entries:
        one["reason"] = "both are the same file, byte for byte"
    assert "all: both are the same file, byte for byte." in printed(compare.step(entries, Path("old")))
