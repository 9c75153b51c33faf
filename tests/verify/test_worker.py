"""What the child keeps, and what it answers. What becomes of a crash is in test_scoring.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from digitedge.verify import worker
from digitedge.verify.child import COMMAND
from digitedge.verify.worker import Loaded, perform


@pytest.fixture
def loads(monkeypatch, tmp_path):
    """Loaded with room for 100 bytes, which loads nothing, and what it was asked to; files a, b, c, d of 40 bytes."""
    record = []
    monkeypatch.setattr(worker, "_load", lambda path, provider, engine: record.append(path) or f"model {path}")
    monkeypatch.setattr(worker, "KEPT_BYTES", 100)
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        (tmp_path / name).write_bytes(bytes(40))
    return Loaded(), record


def test_a_file_is_loaded_once(loads):
    loaded, record = loads
    assert [loaded.get("a", "cpu", None) for _ in range(3)] == ["model a"] * 3
    assert record == ["a"]


def test_another_engine_is_another_model(loads):
    loaded, record = loads
    loaded.get("a", "cpu", "gcc")
    loaded.get("a", "cpu", "clang")
    assert record == ["a", "a"]


def test_few_are_kept_and_the_one_that_was_used_last_is_among_them(loads):
    loaded, record = loads
    for name in ("a", "b", "a", "c", "a", "b"):
        loaded.get(name, "cpu", None)
    assert record == ["a", "b", "c", "b"]


def test_a_large_one_is_kept_alone(loads, tmp_path):
    loaded, record = loads
    (tmp_path / "d").write_bytes(bytes(1000))
    for name in ("a", "d", "d", "a"):
        loaded.get(name, "cpu", None)
    assert record == ["a", "d", "a"]


def test_a_folder_is_as_large_as_what_lies_in_it(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(bytes(30))
    (tmp_path / "variables" / "x").write_bytes(bytes(12))
    assert worker._size_bytes(tmp_path) == 42


def job(path, tmp_path, **more):
    np.save(tmp_path / "images.npy", np.zeros((2, 4, 4, 1), np.uint8))
    return {"path": str(path), "provider": "cpu", "engine": None, **more}


def test_a_file_is_described_and_run(onnx_file, tmp_path):
    loaded, path = Loaded(), onnx_file()
    about = perform(job(path, tmp_path), loaded)
    assert (about["format"], about["precision"], about["source_digest"]) == ("onnx", "fp32", "digest")
    assert about["engine"].startswith("ONNX Runtime ")
    scores = tmp_path / "scores.npy"
    assert perform(job(path, tmp_path, images=str(tmp_path / "images.npy"), scores=str(scores)), loaded) == {}
    assert np.load(scores).shape == (2, 3)


def test_what_is_wrong_with_a_file_is_an_error(tmp_path):
    answer = perform(job(tmp_path / "no.onnx", tmp_path), Loaded())
    assert answer["error"]["class"] == "ContentError"
    assert "no.onnx does not exist" in answer["error"]["message"]


def test_a_mistake_of_ours_is_told_with_its_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_load", lambda *_: 1 / 0)
    (tmp_path / "x.onnx").write_bytes(b"x")
    assert perform(job(tmp_path / "x.onnx", tmp_path), Loaded())["mistake"].endswith("division by zero\n")


def test_a_lack_of_memory_is_the_files(tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(worker, "_load", fail)
    assert perform(job(tmp_path / "x.onnx", tmp_path), Loaded()) == {"lost": "it takes more memory than there is"}


def test_the_real_one_ends_with_whoever_started_it():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"ready": True}
        process.stdin.close()
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == b""
