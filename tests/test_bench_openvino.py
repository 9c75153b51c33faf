"""`make bench-openvino`: a second environment with another build of ONNX Runtime, and its rows in the run's table."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.spec import image_spec

ROOT = Path(__file__).parent.parent
PROVIDER = "openvino"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, tiny_run):
    """A copy of this checkout with one run, in which `make bench-openvino` has been typed, and what that printed."""
    folder = tmp_path_factory.mktemp("openvino") / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".venv*", ".git", "runs", ".*_cache", "__pycache__"))
    shutil.copytree(tiny_run, folder / "runs" / "tiny")
    command = ["make", "bench-openvino", f"PYTHON={sys.executable}", "ARGS=--seconds 0.1"]
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    made = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=400, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder, made.stdout


@pytest.fixture(scope="module")
def there(checkout):
    """there("bench", ...) runs the command of the second environment, and gives its document."""
    program = checkout[0] / ".venv-openvino" / "bin" / "digitedge"

    def run(*words):
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [program, *map(str, words), "--json"]
        ended = subprocess.run(
            command, cwd=checkout[0], env=clean, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    return run


def write_half(path):
    """A sound file that OpenVINO takes but for one node."""
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Unique", ["logits"], ["rows"], axis=0),
        helper.make_node("Softmax", ["rows"], ["probabilities"]),
    ]
    takes = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 4, 4])
    gives = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3])
    weights = numpy_helper.from_array(np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32), "weights")
    graph = helper.make_graph(nodes, "half", [takes], [gives], [weights])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    spec = image_spec((4, 4, 1), ("a", "b", "c"), "NCHW")
    helper.set_model_props(model, {KEY: to_json(Embedded(spec, "digest", "fp32", "0"))})
    onnx.save(model, path)
    return path


@pytest.mark.install
def test_openvino_runs_every_node_and_its_rows_stand_in_the_run(checkout):
    folder, printed = checkout
    document = json.loads((folder / "runs" / "tiny" / "bench.json").read_text())
    assert {Path(row["path"]).name for row in document["results"]} == {"tiny.fp32.onnx", "tiny.int8.onnx"}
    for row in document["results"]:
        assert row["provider"] == PROVIDER
        assert row["valid"], row["reason"]
        assert (row["nodes_on_provider"] > 0, row["nodes_elsewhere"]) == (True, 0)
        assert row["engine"].startswith("ONNX Runtime 1.24.")
        assert row["p50_us"] > 0
        assert row["agreement"] >= 0.995
        assert row["floor"] == "identity.onnx"
        assert row["floor_p50_us"] > 5.0, "a call through OpenVINO takes 10 us, where the CPU provider takes 3"
    assert "tiny.fp32.onnx" in printed
    assert PROVIDER in printed


@pytest.mark.install
def test_a_file_that_openvino_takes_in_part_has_no_time_and_its_nodes_are_counted(there, tmp_path):
    document = there("bench", write_half(tmp_path / "half.onnx"), "--provider", PROVIDER, "--seconds", "0.1")
    (row,) = document["results"]
    assert (row["valid"], row["nodes_on_provider"], row["nodes_elsewhere"]) == (False, 3, 1)
    assert row["reason"] == "1 of 4 nodes did not run on openvino"
    times = [key for key in row if key.endswith(("_us", "_ms", "_per_s")) or key == "n"]
    assert len(times) >= 12
    assert {key: row[key] for key in times} == dict.fromkeys(times)
    assert document["verdict"].startswith("Nothing can be said: no file has a valid time")


@pytest.mark.install
def test_doctor_finds_openvino_usable_there(there):
    found = {entry["name"]: entry["usable"] for entry in there("doctor")["providers"]}
    assert (found["cpu"], found[PROVIDER], found["cuda"]) == (True, True, False)


def test_the_environment_of_make_run_merges_where_there_is_one(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    clean = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    for program in (".venv-openvino/bin/digitedge", ".venv/bin/digitedge"):  # the first without the second
        (tmp_path / program).parent.mkdir(parents=True)
        (tmp_path / program).touch()
        command = ["make", "--dry-run", "bench-openvino"]
        shown = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False).stdout
        assert f"\n{program} bench --merge .venv-openvino/bench.json\n" in shown
