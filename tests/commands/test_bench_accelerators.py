"""digitedge bench with a GPU that is only pretended: what is measured of it, and what is said. No time here is real."""

import numpy as np
import pytest

from digitedge.bench import measuring, probing
from digitedge.bench.job import Outcome, refused
from digitedge.errors import NotPresentError
from digitedge.runtime.model import Placement

WORDS = ("--provider", "cpu", "--provider", "cuda", "--seconds", "0.05")
# Microseconds of a call with no image, and of each image.
TIMES_US = {("cpu", "copies"): (0, 50), ("cuda", "copies"): (100, 5), ("cuda", "device"): (60, 5)}


@pytest.fixture
def cuda(monkeypatch):
    """A CUDA that takes every file and captures no graph of it."""
    offered = ["CPUExecutionProvider", "CUDAExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: offered)
    monkeypatch.setattr(measuring, "prove", lambda _: None)
    random = np.random.default_rng(0)

    def run_job(job, **_):
        if job.io == "graph":
            return refused(Placement(on_provider=5, elsewhere=0), "the model has control flow nodes")
        call_us, image_us = TIMES_US[job.provider, job.io]
        samples = random.normal(call_us + image_us * job.batch, 0.5, 256)
        judged = {"agreement": 1.0, "accuracy": 0.99} if job.golden else dict.fromkeys(("agreement", "accuracy"))
        nodes = {"nodes_on_provider": 5, "nodes_elsewhere": 0}
        return Outcome(
            samples_us=samples, load_ms=1.0, first_ms=2.0, rss_bytes=10**7, disagreement=None, **nodes, **judged
        )

    monkeypatch.setattr(measuring, "run_job", run_job)


def test_every_way_is_a_row_and_the_batch_from_which_it_wins_is_said(digitedge, own_run, cuda):
    words = (own_run / "tiny.fp32.onnx", *WORDS, "--batch", "1,8,64")
    document = digitedge("bench", *words, "--json").document
    rows = {(row["provider"], row["io"], row["batch"]): row for row in document["results"]}
    assert len(rows) == len(document["results"]) == 12
    assert {key[:2] for key, row in rows.items() if row["valid"]} == set(TIMES_US)
    graph = rows["cuda", "graph", 1]
    assert graph["reason"] == "cuda does not run it as a graph: the model has control flow nodes"
    assert [(entry["provider"], entry["io"], entry["batch"]) for entry in document["crossover"]] == [
        ("cuda", "copies", 8),
        ("cuda", "device", 8),
    ]
    shown = " ".join(digitedge("bench", *words).out.split())
    assert "tiny.fp32.onnx on cuda beats the CPU from a batch of 8 on: 2.9x at 8." in shown
    assert "tiny.fp32.onnx on cuda, no copies beats the CPU from a batch of 8 on: 4.0x at 8." in shown
    assert "With 1 thread and batch 1: Ship tiny.fp32.onnx on cpu: " in shown
    assert "tiny.fp32.onnx on cuda is 1.62x faster without copies (65.0 µs)." in shown


def test_with_one_batch_there_is_no_crossover(digitedge, own_run, cuda):
    document = digitedge("bench", own_run / "tiny.fp32.onnx", *WORDS, "--json").document
    assert [(row["provider"], row["io"]) for row in document["results"]] == [
        ("cpu", "copies"), ("cuda", "copies"), ("cuda", "device"), ("cuda", "graph"),
    ]  # fmt: skip
    assert document["crossover"] is None


def test_a_graph_that_cannot_be_is_no_failure(digitedge, own_run, cuda, monkeypatch):
    words = (own_run / "tiny.fp32.onnx", *WORDS, "--strict")
    assert digitedge("bench", *words).code == 0
    monkeypatch.setattr(measuring, "run_job", lambda *_, **__: refused(None, "no kernel"))
    assert digitedge("bench", *words).code == 1


def test_from_pixels_to_labels_there_is_one_way(digitedge, own_run, cuda):
    document = digitedge("bench", own_run / "tiny.fp32.onnx", *WORDS, "--end-to-end", "--json").document
    assert [(row["provider"], row["io"]) for row in document["results"]] == [("cpu", "copies"), ("cuda", "copies")]


def test_rows_of_two_environments_are_crossed_when_they_are_merged(digitedge, own_run, cuda):
    for name in ("cpu", "cuda"):
        words = ("--provider", name, "--batch", "1,8,64", "--seconds", "0.05", "--json")
        ended = digitedge("bench", own_run / "tiny.fp32.onnx", *words)
        assert ended.document["crossover"] is None
        (own_run / f"{name}.json").write_text(ended.out)
    ended = digitedge("bench", "--merge", own_run / "cpu.json", own_run / "cuda.json", "--json")
    assert ended.code == 0, ended.err
    assert [(entry["io"], entry["batch"]) for entry in ended.document["crossover"]] == [("copies", 8), ("device", 8)]


def test_what_was_measured_of_each_way_is_compared_with_the_same(digitedge, own_run, cuda):
    words = (own_run / "tiny.fp32.onnx", *WORDS)
    (own_run / "old.json").write_text(digitedge("bench", *words, "--json").out)
    compared = digitedge("bench", *words, "--compare", own_run / "old.json", "--json").document["compare"]
    assert [(entry["provider"], entry["io"], entry["result"]) for entry in compared] == [
        ("cpu", "copies", "no difference"),
        ("cuda", "copies", "no difference"),
        ("cuda", "device", "no difference"),
        ("cuda", "graph", "not comparable"),
    ]


def test_without_the_option_every_provider_that_can_be_started_is_measured(digitedge, own_run, cuda, monkeypatch):
    monkeypatch.setattr(probing, "prove", lambda _: None)
    document = digitedge("bench", "--seconds", "0.05", "--json").document
    assert {(row["format"], row["provider"]) for row in document["results"]} == {
        ("onnx", "cpu"), ("onnx", "cuda"), ("tflite", "cpu"),
    }  # fmt: skip
    assert (own_run / "bench.json").exists()


def test_one_that_is_offered_and_cannot_be_started_is_left_out_and_said(digitedge, own_run, cuda, monkeypatch):
    def prove(name):
        raise NotPresentError(f"the provider {name} cannot be used: libcudart.so.13 is missing.", "Install it.")

    monkeypatch.setattr(probing, "prove", prove)
    ended = digitedge("bench", "--seconds", "0.05", "--json")
    assert ended.code == 0
    assert {row["provider"] for row in ended.document["results"]} == {"cpu"}
    assert "Measured without: the provider cuda cannot be used: libcudart.so.13 is missing.\n" in ended.err
    only = digitedge("bench", own_run / "tiny.fp32.tflite", "--seconds", "0.05")
    assert "cuda" not in only.err, "no provider has to do with it"
