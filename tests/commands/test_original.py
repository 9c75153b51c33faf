"""digitedge bench --keras."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.job import refused
from digitedge.commands.original import with_original
from digitedge.errors import ContentError, NotPresentError, UsageError
from digitedge.runtime.model import Placement


@pytest.fixture
def made_up(monkeypatch):
    """Nothing is run: Keras takes 400 us, every other file 100 us."""
    random = np.random.default_rng(0)
    found = refused(Placement(on_provider=1, elsewhere=0), None)

    def run_job(job, **_):
        samples = random.normal(400.0 if job.path.endswith(".keras") else 100.0, 1.0, 512)
        judged = {"agreement": 1.0, "accuracy": 0.99} if job.golden else {}
        return replace(found, samples_us=samples, load_ms=1.0, first_ms=2.0, rss_bytes=10**7, **judged)

    monkeypatch.setattr(measuring, "run_job", run_job)


@pytest.fixture
def nothing_is_measured(monkeypatch):
    monkeypatch.setattr(measuring, "run_job", lambda *_, **__: pytest.fail("something was measured"))


def test_the_original_is_the_last_row_of_the_table_and_of_the_record(digitedge, own_run, made_up):
    ended = digitedge("bench", "--keras", "--json")
    assert ended.code == 0, ended.err
    rows = ended.document["results"]
    assert [row["format"] for row in rows] == ["onnx", "tflite", "onnx", "tflite", "keras"]
    assert (rows[-1]["path"], rows[-1]["provider"]) == (str(own_run / "model.keras"), "cpu")
    assert (rows[-1]["accuracy"], rows[-1]["agreement"], rows[-1]["processes"]) == (0.99, 1.0, 5)
    assert (rows[-1]["floor_p50_us"], rows[-1]["floor"]) == (None, None)
    assert "4.0x faster than Keras (model.keras)" in ended.document["verdict"]
    assert json.loads((own_run / "bench.json").read_text()) == ended.document


def test_without_it_nothing_needs_tensorflow(digitedge, own_run, made_up, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    ended = digitedge("bench", "--json")
    assert [row["format"] for row in ended.document["results"]] == ["onnx", "tflite", "onnx", "tflite"]


def test_a_run_that_is_named_and_a_file_of_it(own_run):
    original, tflite = own_run / "model.keras", own_run / "tiny.fp32.tflite"
    assert with_original([own_run], onnx_only=False)[-1] == original
    assert with_original([tflite], onnx_only=False) == [tflite, original]


def test_named_twice_it_is_measured_once(digitedge, own_run, made_up):
    ended = digitedge("bench", own_run, own_run / "model.keras", "--keras", "--json")
    assert [row["format"] for row in ended.document["results"]].count("keras") == 1


@pytest.mark.usefixtures("nothing_is_measured")
def test_a_folder_without_the_original_is_3(digitedge, own_run):
    (own_run / "model.keras").unlink()
    ended = digitedge("bench", own_run, "--keras")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error == (
        f"{own_run} holds no model.keras for --keras. Name the Keras original among the SOURCES instead."
    )


@pytest.mark.usefixtures("nothing_is_measured")
def test_what_does_not_exist_is_said_first(tmp_path):
    with pytest.raises(ContentError, match="clasic does not exist"):
        with_original([tmp_path / "clasic"], onnx_only=False)


@pytest.mark.usefixtures("nothing_is_measured")
def test_two_runs_are_2(digitedge, own_run, tmp_path):
    shutil.copytree(own_run, tmp_path / "runs" / "other")
    ended = digitedge("bench", own_run, tmp_path / "runs" / "other", "--keras")
    assert (ended.code, ended.error) == (2, "--keras is for the files of one run. Name one run folder.")


@pytest.mark.usefixtures("nothing_is_measured")
def test_without_tensorflow_it_is_said_before_anything_is_measured(own_run, monkeypatch):
    monkeypatch.setattr("digitedge.runtime.keras.installed", lambda package: package != "tensorflow")
    with pytest.raises(NotPresentError, match=r"tensorflow is not installed; reading a \.keras file needs it"):
        with_original([own_run], onnx_only=False)


@pytest.mark.usefixtures("nothing_is_measured")
def test_a_provider_or_merge_beside_it_is_2(digitedge, own_run):
    with pytest.raises(UsageError, match=r"--provider is for \.onnx files, and --keras for another"):
        with_original([own_run], onnx_only=True)
    ended = digitedge("bench", own_run, "--keras", "--merge")
    assert ended.code == 2
    assert ended.error.startswith("--merge measures nothing.")
