"""--tune and --profile: what they add to the document, and that the rows stay what they are."""

import json

import numpy as np
import pytest

from digitedge.bench import measuring, tuning
from digitedge.bench.job import Outcome
from digitedge.commands import tuning as command
from digitedge.commands.tuning import layer_of_operator

TUNE_KEYS = {
    "path",
    "options",
    "p50_us",
    "p50_low_us",
    "p50_high_us",
    "gain",
    "gain_low",
    "gain_high",
    "proved",
    "code",
}


@pytest.fixture
def quickly(monkeypatch):
    """Makes up what the processes find: two threads are a quarter faster; `lost` names files that crash."""

    def make_up(*, lost=""):
        random, jobs = np.random.default_rng(0), []

        def run_job(job, **_):
            jobs.append(job)
            if lost and lost in job.path:
                return measuring.Lost("its process was ended by SIGSEGV")
            factor = 0.75 if job.options and job.options["threads"] == 2 else 1.0
            return Outcome(random.normal(100.0 * factor, 1.0, 512), 1.0, 2.0, 10**7, 5, 0, None, None, None)

        monkeypatch.setattr(measuring, "run_job", run_job)
        monkeypatch.setattr(tuning, "run_job", run_job)
        monkeypatch.setattr(command, "physical_cores", lambda _: 2)
        return jobs

    return make_up


def test_neither_is_done_unasked(digitedge, own_run, quickly):
    jobs = quickly()
    document = digitedge("bench", own_run / "tiny.fp32.onnx", "--json").document
    assert (document["tune"], document["profile"]) == (None, None)
    assert {job.options is None for job in jobs} == {True}


def test_tune_measures_each_onnx_file_and_gives_lines_to_paste(digitedge, own_run, quickly):
    quickly()
    ended = digitedge("bench", "--tune", "--json")
    assert ended.code == 0
    entries = ended.document["tune"]
    assert {entry["path"] for entry in entries} == {str(own_run / f"tiny.{name}.onnx") for name in ("fp32", "int8")}
    for entry in entries:
        assert entry.keys() >= TUNE_KEYS
        assert (entry["proved"], entry["options"]["threads"]) == (True, 2)
        assert 1.3 < entry["gain_low"] <= entry["gain"] <= entry["gain_high"] < 1.4
        assert entry["p50_low_us"] <= entry["p50_us"] <= entry["p50_high_us"]
        assert "options.intra_op_num_threads = 2" in entry["code"]
        assert len(entry["screened"]) == 7
    assert json.loads((own_run / "bench.json").read_text()) == ended.document
    assert len(ended.document["results"]) == 4
    assert all(95 < row["p50_us"] < 105 for row in ended.document["results"]), "rows are of the usual session"


def test_a_file_that_crashes_is_not_tuned_and_says_why(digitedge, own_run, quickly):
    quickly(lost="int8.onnx")
    entries = {entry["path"][-9:]: entry for entry in digitedge("bench", "--tune", "--json").document["tune"]}
    assert entries["fp32.onnx"]["proved"]
    crashed = entries["int8.onnx"]
    assert (crashed["gain"], crashed["proved"], crashed["code"]) == (None, False, None)
    assert crashed["reason"] == "its process was ended by SIGSEGV"


def test_tune_without_an_onnx_file_is_2_before_anything_is_measured(digitedge, own_run, quickly):
    jobs = quickly()
    ended = digitedge("bench", own_run / "tiny.fp32.tflite", "--tune")
    assert (ended.code, ended.out, jobs) == (2, "", [])
    assert ended.error == (
        "--tune is for .onnx files on the CPU, and there is none among these. "
        "Name one, with --provider cpu, or leave --tune out."
    )


def test_profile_tells_operators_and_layers_beside_rows_that_are_timed_without(digitedge, own_run, quickly):
    quickly()
    ended = digitedge("bench", own_run / "tiny.fp32.onnx", own_run / "tiny.fp32.tflite", "--profile", "--json")
    onnx, tflite = ended.document["profile"]
    assert onnx["path"].endswith("tiny.fp32.onnx")
    assert sum(operator["share"] for operator in onnx["operators"]) == pytest.approx(1.0)
    assert any(operator["layer"] for operator in onnx["operators"])
    assert 95 < onnx["p50_us"] < 105, "of the row, and not of the profile"
    assert (tflite["operators"], tflite["calls"]) == (None, None)
    assert tflite["reason"] == "LiteRT's Python package tells no times of single operators"


def test_both_are_shown_within_the_page(digitedge, own_run, quickly):
    quickly()
    ended = digitedge("bench", own_run / "tiny.fp32.onnx", "--tune", "--profile")
    assert ended.code == 0
    assert " tune " in ended.out
    assert " profile " in ended.out
    assert "A gain is proved for 1 of 1 file" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100


def test_a_rejected_file_is_not_recommended(digitedge, own_run, quickly):
    quickly()
    path = own_run / "tiny.fp32.onnx"
    assert digitedge("verify", own_run, "--quiet").code == 0
    record = json.loads((own_run / "verify.json").read_text())
    assert all(len(row["sha256"]) == 64 for row in record["results"])
    for row in record["results"]:
        if row["path"] == str(path):
            row.update(passed=False, reason="5 labels differ")
    (own_run / "verify.json").write_text(json.dumps(record))
    ended = digitedge("bench", path, "--json")
    assert "but digitedge verify rejected it: 5 labels differ" in ended.document["verdict"]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("classic/conv1/Relu_nchwc", "conv1"),
        ("fused classic/dense1/MatMul", "dense1"),
        ("classic/conv1/BiasAdd_2_token_1", "conv1"),
        ("net/block/conv/BiasAdd", "block/conv"),
        ("net/add_nchwc", "add"),
        ("ReorderOutput", None),
        ("Transpose_token_4", None),
    ],
)
def test_the_layer_of_what_onnx_runtime_runs(name, layer):
    assert layer_of_operator(name) == layer
