import sys

import pytest

from digitedge.errors import NotPresentError
from digitedge.runtime.installation import ENGINES, conflicts, judge
from digitedge.runtime.provider import require


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


def test_a_provider_that_is_missing_beside_two_engines_names_them_and_the_mend(tmp_path, monkeypatch):
    other = tmp_path / "onnxruntime_gpu-1.26.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.26.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(NotPresentError) as raised:
        require("cuda")
    assert raised.value.hint.startswith(
        "onnxruntime and onnxruntime-gpu share one folder; the last installed wins silently. "
        "Type: pip uninstall -y onnxruntime onnxruntime-gpu && pip install "
    )
    assert require("cpu").ort_name == "CPUExecutionProvider"
