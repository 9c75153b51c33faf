"""digitedge run."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.row import Findings, row_of
from digitedge.config import BenchConfig
from digitedge.measure.limits import LIMITS

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
KEYS = {"schema_version", "command", "digitedge", "machine", "run", "train", "export", "verify", "bench", "report"}
WORDS = ("run", "--model", ARCHITECTURE, "--epochs", "12", "--batch-size", "32", "--learning-rate", "0.01")


@pytest.fixture
def short_bench(monkeypatch):
    """Two short processes for each row instead of five long ones."""
    monkeypatch.setattr("digitedge.commands.run.BenchConfig", partial(BenchConfig, seconds=0.05, processes=2))


def test_the_whole_way_and_the_document(digitedge, tiny_data, tmp_path, short_bench):
    ended = digitedge(*WORDS, "--data", tiny_data, "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() >= KEYS
    folder = tmp_path / "runs" / "tiny"
    assert document["run"] == str(folder)
    for step in ("train", "export", "verify", "bench"):
        assert document[step]["command"] == step
    for step in ("train", "verify", "bench"):
        assert json.loads((folder / f"{step}.json").read_text()) == document[step]
    assert [Path(artifact["path"]).name for artifact in document["export"]["artifacts"]] == [
        "tiny.fp32.onnx", "tiny.int8.onnx", "tiny.fp32.tflite", "tiny.int8.tflite",
    ]  # fmt: skip
    assert (document["export"]["passed"], document["verify"]["passed"]) == (True, True)
    assert len(document["bench"]["results"]) == 4
    assert document["report"] == str(folder / "report.html")
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_where_no_file_passes_it_is_1_and_the_report_is_written(digitedge, tiny_data, tmp_path, monkeypatch):
    for precision in ("fp32", "int8"):
        monkeypatch.setitem(LIMITS, precision, replace(LIMITS[precision], max_abs=0.0))
    ended = digitedge(*WORDS[:3], "--epochs", "1", "--data", tiny_data, "--json")
    assert ended.code == 1
    document = ended.document
    assert document["export"]["artifacts"] == []
    assert (document["verify"], document["bench"]) == (None, None)
    assert Path(document["report"]).exists()


def test_an_interrupted_training_ends_it_with_what_was_learnt(digitedge, tiny_data, tmp_path, monkeypatch):
    from digitedge.report import progress

    class Impatient(progress.Silent):
        def end_epoch(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(progress, "training", lambda _: Impatient())
    ended = digitedge(*WORDS, "--data", tiny_data, "--json")
    assert ended.code == 130
    document = ended.document
    assert document.keys() >= KEYS
    assert (document["train"]["interrupted"], document["train"]["epochs"]) == (True, 1)
    assert [document[step] for step in ("export", "verify", "bench", "report")] == [None] * 4
    assert (tmp_path / "runs" / "tiny" / "model.keras").exists()


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("tensorflow", "train"),
        ("tf2onnx", "train"),
        ("onnxruntime", "cpu"),
        ("ai_edge_litert", "tflite"),
        ("jinja2", "report"),
        ("matplotlib", "report"),
    ],
)
def test_a_missing_package_is_4_before_the_training_not_after_it(process, ended, tmp_path, package, extra):
    done = ended(process("run", without=[package]))
    assert (done.code, done.out) == (4, "")
    assert done.error.startswith(package.replace("_", "-"))
    assert done.error.endswith(f'Type: pip install "digitedge[{extra}]"')
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("option", "name"), [("--model", "clasic"), ("--data", "mnits"), ("--test", "mnits")])
def test_an_unknown_name_is_2_and_lists_the_choices(digitedge, tmp_path, option, name):
    ended = digitedge("run", option, name)
    assert ended.code == 2
    assert f"{name}. Did you mean" in ended.error
    assert "Choose from: " in ended.error
    assert not (tmp_path / "runs").exists()


def test_a_model_is_never_replaced_without_overwrite(digitedge, tiny_data, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.keras").write_text("precious")
    ended = digitedge(*WORDS, "--data", tiny_data, "--out", "mine")
    assert ended.code == 2
    assert ended.error.startswith("mine/model.keras exists already.")
    assert (tmp_path / "mine" / "model.keras").read_text() == "precious"


def test_the_steps_are_printed_one_after_another_and_fit(digitedge, tiny_data, monkeypatch, short_bench):
    def measured(targets, config, *_):
        lost = Findings((), "nothing was measured")
        rows = tuple(row_of(target, config, lost, None, None) for target in targets)
        return measuring.BenchResult(rows, (None,) * len(rows), {})

    monkeypatch.setattr(measuring, "measure", measured)
    ended = digitedge(*WORDS, "--data", tiny_data)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("digitedge ")
    steps = [line.split()[0] for line in lines[1:] if line.startswith(" ") and line[1:2].strip()]
    assert steps == ["train", "export", "verify", "bench", "verdict", "report"]
    assert np.max([len(line) for line in lines if str(tiny_data) not in line]) <= 100


def test_all_but_the_first_of_several_workers_only_train(digitedge, monkeypatch):
    """What follows belongs to whoever writes the run folder."""
    trained = {"run": "/runs/tiny", "interrupted": False}
    monkeypatch.setattr("digitedge.commands.train.carry_out", lambda *_, **__: trained)
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": task}))
    ended = digitedge("run", "--json")
    assert ended.code == 0
    assert ended.document["train"] == trained
    assert {ended.document[step] for step in ("export", "verify", "bench", "report")} == {None}
