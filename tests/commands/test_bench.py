"""digitedge bench."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from digitedge.bench import measuring, probing
from digitedge.bench.job import Outcome, refused

KEYS = {"schema_version", "command", "digitedge", "machine", "results", "verdict"}
ROW = {
    "path", "format", "precision", "provider", "threads", "batch", "n", "min_us", "p50_us", "p50_low_us", "p50_high_us",
    "p90_us", "p99_us", "p999_us", "mean_us", "std_us", "floor_p50_us", "images_per_s", "load_ms", "first_ms",
    "rss_bytes", "size_bytes", "flash_bytes", "accuracy", "agreement", "nodes_on_provider", "nodes_elsewhere", "stable",
    "valid", "reason",
}  # fmt: skip
ABSENT = ["coreml", "cuda", "directml", "migraphx", "openvino", "qnn", "rocm", "tensorrt", "xnnpack"]
QUICK = ("--seconds", "0.05")
ONNX_RUNTIME = "onnxruntime.get_available_providers"


@pytest.fixture
def two_processes(monkeypatch):
    """Two instead of five processes for each row: what is timed is not the point here."""
    measure = measuring.measure
    monkeypatch.setattr(
        measuring, "measure", lambda targets, config, *rest: measure(targets, replace(config, processes=2), *rest)
    )


@pytest.fixture
def nothing_is_measured(monkeypatch):
    """Whatever is measured fails the test."""
    monkeypatch.setattr(measuring, "run_job", lambda *_, **__: pytest.fail("something was measured"))


@pytest.fixture
def quickly(monkeypatch):
    """quickly() makes up what the processes find; `drift` slows each of them down against the one before."""

    def make_up(*, drift=1.0, elsewhere=0):
        random, times = np.random.default_rng(0), iter(drift**number for number in range(1_000))

        def run_job(job, **_):
            samples = None if elsewhere else random.normal(100.0, 1.0, 512) * next(times)
            judged = {"agreement": 1.0, "accuracy": 0.99} if job.golden else dict.fromkeys(("agreement", "accuracy"))
            nodes = {"nodes_on_provider": 5, "nodes_elsewhere": elsewhere}
            return Outcome(
                samples_us=samples, load_ms=1.0, first_ms=2.0, rss_bytes=10**7, disagreement=None, **nodes, **judged
            )

        monkeypatch.setattr(measuring, "run_job", run_job)

    return make_up


def test_the_document_of_the_newest_run(digitedge, own_run, two_processes):
    ended = digitedge("bench", *QUICK, "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() >= KEYS
    assert [row.keys() >= ROW for row in document["results"]] == [True] * 4
    assert {row["path"] for row in document["results"]} == {str(path) for path in own_run.glob("tiny.*")}
    assert {(row["provider"], row["threads"], row["batch"], row["valid"]) for row in document["results"]} == {
        ("cpu", 1, 1, True)
    }
    assert min(row["n"] for row in document["results"]) >= 1_024
    assert all(0 < row["min_us"] <= row["p50_us"] <= row["p90_us"] for row in document["results"])
    assert all(row["agreement"] >= 0.995 and row["accuracy"] > 0.9 for row in document["results"])
    assert isinstance(document["verdict"], str)
    assert json.loads((own_run / "bench.json").read_text()) == document


def test_the_table_fits_and_quiet_is_the_verdict_alone(digitedge, own_run, quickly):
    quickly()
    ended = digitedge("bench", own_run / "tiny.fp32.onnx", *QUICK)
    assert ended.code == 0
    assert "tiny.fp32.onnx" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100
    quiet = digitedge("bench", own_run / "tiny.fp32.onnx", *QUICK, "--quiet")
    assert quiet.err == ""
    assert quiet.out.startswith("Ship tiny.fp32.onnx")


def test_one_file_of_a_run_does_not_replace_its_record(digitedge, own_run, quickly):
    quickly()
    (own_run / "bench.json").write_text("old")
    assert digitedge("bench", own_run / "tiny.fp32.onnx", *QUICK).code == 0
    assert (own_run / "bench.json").read_text() == "old"


def test_the_page_of_a_run_is_written_anew_where_there_is_one(digitedge, own_run, quickly):
    quickly()
    page = own_run / "report.html"
    assert digitedge("bench", *QUICK).code == 0
    assert not page.exists()
    page.write_text("old")
    ended = digitedge("bench", *QUICK)
    assert (ended.code, "report.html" in ended.out) == (0, True)
    assert "<h2>How fast</h2>" in page.read_text()
    page.write_text("old")
    assert digitedge("bench", own_run / "tiny.fp32.onnx", *QUICK).code == 0
    assert page.read_text() == "old"


def test_a_lone_file_is_timed_on_seeded_images_and_compared_with_nothing(digitedge, own_run, tmp_path, quickly):
    quickly()
    shutil.copy(own_run / "tiny.int8.onnx", tmp_path / "lone.onnx")
    ended = digitedge("bench", "lone.onnx", *QUICK, "--json")
    assert ended.code == 0
    (row,) = ended.document["results"]
    assert (row["path"], row["precision"], row["valid"]) == (str(tmp_path / "lone.onnx"), "int8", True)
    assert (row["agreement"], row["accuracy"]) == (None, None)
    assert not (tmp_path / "bench.json").exists()


def test_a_file_beside_the_golden_reference_of_another_model_is_not_compared_with_it(
    digitedge, own_run, tmp_path, quickly
):
    quickly()
    with np.load(own_run / "golden.npz") as arrays:
        np.savez(own_run / "golden.npz", **{**arrays, "source_digest": np.array("another")})
    ended = digitedge("bench", own_run / "tiny.fp32.onnx", *QUICK, "--json")
    assert [row["agreement"] for row in ended.document["results"]] == [None]


def test_threads_and_batch_are_as_asked_for(digitedge, own_run, quickly):
    quickly()
    words = ("--threads", "2", "--batch", "4", *QUICK, "--json")
    (row,) = digitedge("bench", own_run / "tiny.fp32.onnx", *words).document["results"]
    assert (row["threads"], row["batch"]) == (2, 4)


@pytest.mark.parametrize("name", ABSENT)
def test_a_known_provider_that_is_not_here_is_4_before_anything_is_measured(
    digitedge, own_run, nothing_is_measured, monkeypatch, name
):
    monkeypatch.setattr(ONNX_RUNTIME, lambda: ["CPUExecutionProvider"])
    ended = digitedge("bench", "--provider", "cpu", "--provider", name)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith(f"error: the provider {name} cannot be used: not in this ONNX Runtime; needs ")
    assert len(ended.err.splitlines()) == 1
    assert "pip install" in ended.error or "Build ONNX Runtime" in ended.error


def test_an_unknown_provider_lists_the_choices(digitedge, own_run, nothing_is_measured):
    ended = digitedge("bench", "--provider", "cudda")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        "unknown provider: cudda. Did you mean cuda? "
        "Choose from: coreml, cpu, cuda, directml, migraphx, openvino, qnn, rocm, tensorrt, xnnpack."
    )


def test_with_a_provider_only_onnx_files_are_measured(digitedge, own_run, quickly):
    quickly()
    document = digitedge("bench", "--provider", "cpu", "--provider", "cpu", *QUICK, "--json").document
    assert [row["format"] for row in document["results"]] == ["onnx"] * 2


def test_the_engine_of_a_file_that_no_provider_runs_need_not_be_installed(digitedge, own_run, quickly, monkeypatch):
    quickly()
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    assert digitedge("bench", *QUICK).code == 4
    assert digitedge("bench", "--provider", "cpu", *QUICK).code == 0


def test_the_record_is_not_replaced_without_the_cpu(digitedge, own_run, quickly, monkeypatch):
    quickly()
    monkeypatch.setattr(ONNX_RUNTIME, lambda: ["CPUExecutionProvider", "OpenVINOExecutionProvider"])
    monkeypatch.setattr(measuring, "prove", lambda _: None)
    ended = digitedge("bench", "--provider", "openvino", *QUICK, "--json")
    assert [row["provider"] for row in ended.document["results"]] == ["openvino"] * 2
    assert not (own_run / "bench.json").exists()
    assert digitedge("bench", "--provider", "openvino", "--provider", "cpu", *QUICK).code == 0
    assert len(json.loads((own_run / "bench.json").read_text())["results"]) == 4


def test_a_provider_that_is_offered_and_cannot_be_started_is_4(digitedge, own_run, nothing_is_measured, monkeypatch):
    monkeypatch.setattr(ONNX_RUNTIME, lambda: ["CPUExecutionProvider", "CUDAExecutionProvider"])
    monkeypatch.setattr(probing, "run_job", lambda *_, **__: refused(None, "no driver"))
    ended = digitedge("bench", "--provider", "cuda")
    assert (ended.code, ended.out) == (4, "")
    assert ended.error.startswith("the provider cuda cannot be used: no driver. It needs an NVIDIA GPU, ")


def test_a_provider_without_any_onnx_file_is_2(digitedge, own_run, nothing_is_measured):
    ended = digitedge("bench", own_run / "tiny.fp32.tflite", "--provider", "cpu")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "providers are for .onnx files, and there is none among these. Leave --provider out."


@pytest.mark.parametrize(
    ("found", "state"), [({"drift": 1.5}, (False, True)), ({"elsewhere": 2}, (False, False)), ({}, (True, True))]
)
def test_strict_is_1_where_a_row_is_unstable_or_invalid(digitedge, own_run, quickly, *, found, state):
    words = ("bench", own_run / "tiny.fp32.onnx", "--json")
    quickly(**found)
    assert digitedge(*words).code == 0
    ended = digitedge(*words, "--strict")
    assert [(row["stable"], row["valid"]) for row in ended.document["results"]] == [state]
    assert ended.code == (0 if all(state) else 1)


def test_a_row_that_ran_elsewhere_is_red_and_says_why(digitedge, own_run, quickly):
    quickly()
    quickly(elsewhere=2)
    ended = digitedge("bench", own_run / "tiny.fp32.onnx")
    assert "invalid" in ended.out
    assert "tiny.fp32.onnx on cpu: " in ended.out
    assert "Nothing can be said" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
@pytest.mark.parametrize("content", [None, b"", b"garbage" * 9])
def test_a_file_that_cannot_be_read_is_3_before_anything_is_measured(
    digitedge, tmp_path, nothing_is_measured, *, suffix, content
):
    path = tmp_path / f"mine.{suffix}"
    if content is not None:
        path.write_bytes(content)
    ended = digitedge("bench", path)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"error: {path} ")
    assert len(ended.err.splitlines()) == 1


def test_a_changed_file_is_3(digitedge, own_run, nothing_is_measured):
    path = own_run / "tiny.fp32.tflite"
    path.write_bytes(path.read_bytes() + b"x")
    ended = digitedge("bench")
    assert ended.code == 3
    assert ended.error.startswith(f"{path} has changed since it was exported")


def test_a_folder_without_artefacts_is_3(digitedge, tmp_path, nothing_is_measured):
    (tmp_path / "bare").mkdir()
    ended = digitedge("bench", "bare")
    assert ended.code == 3
    assert ended.error == f"{tmp_path / 'bare'} holds no exported files. Type: digitedge export {tmp_path / 'bare'}"
