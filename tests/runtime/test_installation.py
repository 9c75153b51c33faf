import sys

import pytest

from digitedge.runtime.installation import ENGINES, conflicts, judge


def test_one_engine_is_no_conflict():
    assert judge({"onnxruntime": "1.31.1", "numpy": "2.4.6"}) == ()


def test_no_engine_is_no_conflict():
    assert judge({"numpy": "2.4.6"}) == ()


@pytest.mark.parametrize("second", ENGINES[1:])
def test_two_engines_share_one_folder(second):
    (conflict,) = judge({"onnxruntime": "1.31.1", second: "1.24.1"})
    assert conflict.problem == f"onnxruntime and {second} share one folder; the last installed wins silently."
    assert conflict.cure.startswith(f"Type: pip uninstall -y onnxruntime {second} && pip install onnxruntime")


@pytest.mark.parametrize("left", [None, type(sys)("onnxruntime")])
def test_an_engine_whose_folder_is_gone_is_found(monkeypatch, left):
    monkeypatch.setitem(sys.modules, "onnxruntime", left)
    (conflict,) = judge({"onnxruntime-gpu": "1.31.1"})
    assert conflict.problem == "onnxruntime-gpu is installed, and its folder is empty."
    assert conflict.cure == "Type: pip install --force-reinstall --no-deps onnxruntime-gpu"


def test_cuda_13_beside_cuda_12_is_found():
    (conflict,) = judge({"onnxruntime-gpu": "1.31.1", "nvidia-cudnn-cu12": "9.1"})
    assert conflict.problem.startswith("onnxruntime-gpu uses CUDA 13, and TensorFlow's CUDA 12 libraries")


def test_this_environment_is_judged_by_what_is_installed_in_it():
    assert conflicts() == ()
