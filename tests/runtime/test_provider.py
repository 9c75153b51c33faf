"""Execution providers: what holds for each file of digitedge/runtime/providers, and how an absent one is said."""

import sys

import onnxruntime
import pytest

from digitedge.errors import NotPresentError, UnknownNameError
from digitedge.registry import names
from digitedge.runtime.provider import Provider, absence, find, offered, providers, require

NAMES = {"cpu", "cuda", "tensorrt", "openvino", "directml", "coreml", "qnn", "xnnpack", "rocm", "migraphx"}
# ONNX Runtime 1.23 dropped it; older builds still have it.
REMOVED = {"rocm"}
ABSENT = sorted(name for name, entry in providers().items() if absence(entry))


def test_the_names_are_those_that_the_user_may_type():
    assert set(names("digitedge.runtime.providers")) == set(providers()) == NAMES


@pytest.mark.parametrize("name", sorted(providers()))
def test_each_file_describes_one_provider(name):
    entry = find(name)
    assert isinstance(entry, Provider)
    assert entry.ort_name in onnxruntime.get_all_providers() or name in REMOVED
    assert entry.ort_name.lower().startswith(
        {"directml": "dml", "xnnpack": "xnnpack", "cpu": "cpu"}.get(name, name)[:3]
    )
    assert entry.package.startswith("onnxruntime")
    assert entry.needs
    assert entry.cure


def test_no_two_are_the_same_provider():
    assert len({entry.ort_name for entry in providers().values()}) == len(NAMES)


def test_the_cpu_is_always_there():
    assert require("cpu") == find("cpu")
    assert "cpu" not in ABSENT


def test_those_that_are_offered_can_be_required_and_the_cpu_comes_first():
    assert offered()[0] == "cpu"
    assert set(offered()) == NAMES - set(ABSENT)
    assert all(require(name) for name in offered())


@pytest.mark.parametrize("name", ABSENT)
def test_one_that_is_not_there_is_said_with_its_cure(name):
    with pytest.raises(NotPresentError) as caught:
        require(name)
    assert f"the provider {name} cannot be used: " in caught.value.message
    assert find(name).needs in caught.value.message
    assert caught.value.hint == find(name).cure


def test_some_are_not_there():
    assert ABSENT, "with every provider present, nothing above was tested"


def test_an_unknown_one_is_answered_with_the_choices():
    with pytest.raises(
        UnknownNameError, match=r"unknown provider: cudaa\. Did you mean cuda\? Choose from: coreml, cpu, cuda"
    ):
        require("cudaa")


def test_without_onnx_runtime_nothing_is_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert offered() == ()
    with pytest.raises(NotPresentError, match=r"the provider cpu cannot be used: ONNX Runtime is not installed"):
        require("cpu")


def test_the_empty_folder_that_an_uninstalled_build_leaves_is_recognised(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", type(sys)("onnxruntime"))
    with pytest.raises(NotPresentError, match="the folder of ONNX Runtime is empty"):
        require("cpu")
