"""digitedge bench: the samples, the circumstances, and the comparison with an older bench.json."""

import json
import shutil

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.job import Outcome
from digitedge.bench.samples import read_samples
from digitedge.files import read_bytes, sha256

QUICK = ("--seconds", "0.05")


@pytest.fixture
def made_up(monkeypatch):
    """Times of 100 us and 1 % of noise; made_up("name", 1.2) makes the new file of that name slower."""
    factors, random = {}, np.random.default_rng(0)

    def run_job(job, **_):
        level = random.normal(100.0, 1.0) * factors.get(job.path, 1.0)
        judged = {"agreement": 1.0, "accuracy": 0.99} if job.golden else dict.fromkeys(("agreement", "accuracy"))
        return Outcome(
            samples_us=random.normal(level, 1.0, 512), load_ms=1.0, first_ms=2.0, rss_bytes=10**7,
            nodes_on_provider=5, nodes_elsewhere=0, disagreement=None, **judged,
        )  # fmt: skip

    monkeypatch.setattr(measuring, "run_job", run_job)
    return lambda path, factor: factors.update({str(path): factor})


@pytest.fixture
def measured_once(digitedge, own_run, made_up):
    """A run folder that has been measured."""
    assert digitedge("bench", *QUICK).code == 0
    return own_run


def test_every_sample_lies_beside_the_document(measured_once):
    document = json.loads((measured_once / "bench.json").read_text())
    path = measured_once / "bench.samples.npz"
    assert document["samples"] == {"path": str(path), "sha256": sha256(read_bytes(path))}
    sampled = read_samples(path)
    results = [one for one in sampled if one.timed.role == "result"]
    assert [one.timed.path for one in results] == [row["path"] for row in document["results"]]
    for one, row in zip(results, document["results"], strict=True):
        samples = np.concatenate(one.processes)
        assert (len(samples), float(np.median(samples))) == (row["n"], row["p50_us"])
        assert one.timed.sha256 == row["sha256"] == sha256(read_bytes(measured_once / one.timed.path))
    assert {one.timed.format for one in sampled if one.timed.role == "floor"} == {"onnx", "tflite"}


def test_one_file_of_a_run_leaves_the_samples_as_they_are(digitedge, own_run, made_up):
    document = digitedge("bench", own_run / "tiny.fp32.onnx", *QUICK, "--json").document
    assert document["samples"] is None
    assert not (own_run / "bench.samples.npz").exists()


def test_the_circumstances_are_recorded(measured_once):
    context = json.loads((measured_once / "bench.json").read_text())["context"]
    assert context.keys() >= {"cpu", "flags", "governor", "cpu_limit", "memory_limit_bytes", "versions", "providers"}
    assert context["before"].keys() == context["after"].keys() >= {"load_1min", "temperature_c", "clock_mhz"}
    assert "cpu" in context["providers"]
    assert context["versions"]["numpy"] == np.__version__


def test_a_percentile_that_is_null_says_why(measured_once):
    for row in json.loads((measured_once / "bench.json").read_text())["results"]:
        assert row["p999_us"] is None
        assert row["percentiles_missing"] == {"p999_us": "6,635 calls are needed; there were 5,120"}
        assert row["confident"] == []


def test_a_run_compared_with_itself_is_no_different(digitedge, measured_once):
    ended = digitedge("bench", *QUICK, "--compare", measured_once / "bench.json", "--strict", "--json")
    document = ended.document
    assert ended.code == 0
    assert len(document["results"]) == len(document["compare"]) == 4
    assert {(entry["result"], entry["measured_again"]) for entry in document["compare"]} == {("no difference", True)}
    roles = [one.timed.role for one in read_samples(measured_once / "bench.samples.npz")]
    assert [roles.count(role) for role in ("result", "earlier", "floor")] == [4, 4, 2]


def test_a_slower_file_is_found_and_strict_is_1(digitedge, measured_once, made_up, tmp_path):
    shutil.copytree(measured_once, tmp_path / "old")
    made_up(measured_once / "tiny.int8.onnx", 1.1)
    words = ("bench", measured_once, *QUICK, "--compare", tmp_path / "old" / "bench.json")
    # What the older document names has been replaced since: only the copy beside that document is the old file.
    slower = measured_once / "tiny.int8.onnx"
    ended = digitedge(*words, "--json")
    assert ended.code == 0
    found = {entry["path"]: entry["result"] for entry in ended.document["compare"]}
    assert found.pop(str(slower)) == "no difference", "the very same path is measured twice: both are slow"
    assert set(found.values()) == {"no difference"}

    moved = json.loads((tmp_path / "old" / "bench.json").read_text())
    for row in moved["results"]:
        row["path"] = row["path"].replace(str(measured_once), str(tmp_path / "old"))
    (tmp_path / "old" / "bench.json").write_text(json.dumps(moved))
    ended = digitedge(*words, "--strict", "--json")
    assert ended.code == 1
    found = {entry["path"]: entry for entry in ended.document["compare"]}
    entry = found.pop(str(slower))
    assert (entry["result"], entry["old_path"]) == ("slower", str(tmp_path / "old" / "tiny.int8.onnx"))
    assert entry["ratio"] == pytest.approx(1.1, abs=0.02)
    assert {other["result"] for other in found.values()} == {"no difference"}


def test_the_table_of_the_comparison_fits(digitedge, measured_once):
    ended = digitedge("bench", *QUICK, "--compare", measured_once / "bench.json")
    assert ended.code == 0
    assert " compare  new p50 over old p50" in ended.out
    assert "4 no difference." in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100


def test_without_the_old_files_figures_of_another_machine_are_not_compared(digitedge, measured_once, tmp_path):
    old = json.loads((measured_once / "bench.json").read_text())
    old["machine"]["cpu"] = "Another CPU"
    for row in old["results"]:
        row["path"] = row["path"].replace(str(measured_once), "/gone")
    (tmp_path / "old.json").write_text(json.dumps(old))
    ended = digitedge("bench", *QUICK, "--compare", tmp_path / "old.json", "--strict", "--json")
    assert ended.code == 0
    for entry in ended.document["compare"]:
        assert (entry["result"], entry["measured_again"], entry["ratio"]) == ("not comparable", False, None)
        assert "other CPU: Another CPU then" in entry["reason"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("{", "is not JSON"),
        ('{"command": "verify", "schema_version": 1}', "is no document of digitedge bench"),
        ('{"command": "bench", "schema_version": 9}', "has schema_version 9; this digitedge reads 1"),
        ('{"command": "bench", "schema_version": 1, "results": [{}]}', "cannot be understood"),
    ],
)
def test_an_older_document_that_cannot_be_read_is_3_before_anything_is_measured(
    digitedge, own_run, monkeypatch, tmp_path, content, said
):
    monkeypatch.setattr(measuring, "run_job", lambda *_, **__: pytest.fail("something was measured"))
    if content is not None:
        (tmp_path / "old.json").write_text(content)
    ended = digitedge("bench", "--compare", tmp_path / "old.json")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"error: {tmp_path / 'old.json'} ")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
