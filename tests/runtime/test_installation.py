"""Which distributions go together: two builds of ONNX Runtime do not, nor does CUDA 12 with 13."""

import importlib.metadata
import sys
from types import ModuleType, SimpleNamespace

import pytest

from digitedge.runtime.installation import ENGINES, conflicts, judge

SOUND = {"onnxruntime": "1.31.1", "tensorflow": "2.21.0", "nvidia-cudnn-cu12": "9.1"}


def test_one_engine_beside_cuda_12_is_no_conflict():
    assert judge(SOUND) == ()


def test_no_engine_at_all_is_no_conflict():
    assert judge({"numpy": "2.4.6"}) == ()


@pytest.mark.parametrize("other", [name for name in ENGINES if name != "onnxruntime"])
def test_two_engines_share_a_folder(other):
    (conflict, *_) = judge({"onnxruntime": "1.31.1", other: "1.31.1"})
    assert conflict.problem == f"onnxruntime and {other} share one folder; the last installed wins silently."
    assert conflict.cure.startswith(f"Type: pip uninstall -y onnxruntime {other} && pip install onnxruntime")


def test_three_engines_are_all_named():
    (conflict, *_) = judge(dict.fromkeys(ENGINES[:3], "1"))
    assert [name for name in ENGINES[:3] if name not in conflict.problem + conflict.cure] == []


def test_the_gpu_engine_beside_cuda_12_is_a_conflict(monkeypatch):
    (conflict,) = judge({"onnxruntime-gpu": "1.31.1", "nvidia-cublas-cu12": "12.5"})
    assert "CUDA 13" in conflict.problem
    assert "train-cuda" in conflict.cure


def test_the_gpu_engine_beside_cuda_13_is_none():
    assert judge({"onnxruntime-gpu": "1.31.1", "nvidia-cublas-cu13": "13.0"}) == ()


def test_an_engine_whose_folder_is_empty_is_found(monkeypatch):
    # What uninstalling one of two builds leaves: a namespace package without a single name in it.
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    (conflict,) = judge(SOUND)
    assert conflict.problem == "onnxruntime is installed, and its folder is empty."
    assert conflict.cure == "Type: pip install --force-reinstall --no-deps onnxruntime"


def test_an_engine_whose_folder_is_gone_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # an import of it now raises ImportError
    assert [conflict.problem for conflict in judge(SOUND)] == ["onnxruntime is installed, and its folder is empty."]


def test_the_environment_itself_is_read_however_its_names_are_spelt(monkeypatch):
    found = [
        SimpleNamespace(name="OnnxRuntime", version="1"),
        SimpleNamespace(name="onnxruntime_gpu", version="1"),
        SimpleNamespace(name=None, version="1"),  # the rest of an installation that was broken off
    ]
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: found)
    (conflict,) = conflicts()
    assert conflict.problem.startswith("onnxruntime and onnxruntime-gpu share one folder")
