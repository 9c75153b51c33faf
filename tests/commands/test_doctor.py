"""digitedge doctor."""

import sys
from itertools import pairwise
from types import SimpleNamespace

import pytest

from digitedge.errors import ContentError
from digitedge.runtime.installation import Conflict
from digitedge.runtime.model import Placement, RefusedError

KEYS = {"schema_version", "command", "digitedge", "machine", "providers", "packages", "conflicts"}
PROVIDERS = ["cpu", "coreml", "cuda", "directml", "migraphx", "openvino", "qnn", "rocm", "tensorrt", "xnnpack"]
CONFLICT = Conflict("two builds share one folder.", "Type: pip uninstall one")


@pytest.fixture
def conflict(monkeypatch):
    monkeypatch.setattr("digitedge.runtime.installation.conflicts", lambda: (CONFLICT,))


def test_the_document(digitedge):
    ended = digitedge("doctor", "--json")
    assert (ended.code, ended.err) == (0, "")
    document = ended.document
    assert document.keys() >= KEYS
    assert [provider["name"] for provider in document["providers"]] == PROVIDERS
    assert all(provider.keys() >= {"name", "usable", "reason"} for provider in document["providers"])
    assert document["packages"].keys() >= {"numpy", "tensorflow", "onnxruntime", "ai-edge-litert", "tflite-micro"}
    assert document["conflicts"] == []


def test_the_cpu_is_usable_and_a_provider_that_is_not_here_says_why_and_what_to_type(digitedge):
    providers = {provider["name"]: provider for provider in digitedge("doctor", "--json").document["providers"]}
    assert providers["cpu"] == {"name": "cpu", "usable": True, "reason": None, "cure": None}
    assert providers["qnn"]["usable"] is False
    assert providers["qnn"]["reason"] == "not in this ONNX Runtime; needs a Qualcomm processor"
    assert providers["qnn"]["cure"] == "Type: pip install onnxruntime-qnn"


def test_the_table_names_every_provider_in_two_lines_at_most_and_fits_100_columns(digitedge):
    ended = digitedge("doctor")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 100
    names = [next((name for name in PROVIDERS if line.split()[:1] == [name]), None) for line in lines]
    starts = [names.index(name) for name in PROVIDERS]
    assert starts == sorted(starts)
    assert max(later - earlier for earlier, later in pairwise(starts)) <= 2
    assert "Nothing conflicts." in ended.out


def test_a_conflict_is_1_with_its_cure(digitedge, conflict):
    ended = digitedge("doctor")
    assert (ended.code, ended.err) == (1, "")
    assert CONFLICT.problem in ended.out
    assert CONFLICT.cure in ended.out
    assert "1 conflict to mend." in ended.out


def test_a_conflict_stands_in_the_document(digitedge, conflict):
    ended = digitedge("doctor", "--json")
    assert ended.code == 1
    assert ended.document["conflicts"] == [{"problem": CONFLICT.problem, "cure": CONFLICT.cure}]


def test_quiet_is_the_verdict_alone(digitedge):
    ended = digitedge("doctor", "--quiet")
    assert (ended.out, ended.err) == ("Nothing conflicts.\n", "")


def test_a_provider_is_usable_only_if_it_takes_a_model(digitedge, monkeypatch):
    # Its name is in ONNX Runtime's list, as CUDA's is in the GPU build on a machine without a GPU.
    def load(path, *, provider):
        if provider == "cpu":
            raise ContentError("the driver is too old.", "Update it.")

    monkeypatch.setattr("digitedge.runtime.loading.load", load)
    cpu = digitedge("doctor", "--json").document["providers"][0]
    assert (cpu["name"], cpu["usable"], cpu["reason"]) == ("cpu", False, "the driver is too old.")
    assert cpu["cure"] == 'Type: pip install "digitedge[cpu]"'


@pytest.mark.parametrize(
    ("takes", "usable", "reason"),
    [
        ("identity.onnx", True, None),
        ("relu.onnx", True, None),
        (None, False, "2 of 2 nodes would run elsewhere"),
    ],
)
def test_a_provider_that_leaves_the_model_that_does_nothing_is_given_another(
    digitedge, monkeypatch, takes, usable, reason
):
    tried = []

    def load(path, *, provider):
        tried.append(path.name)
        nodes = {"identity.onnx": 1, "relu.onnx": 2}[path.name]
        if path.name != takes:
            raise RefusedError(path, provider, f"{nodes} of {nodes} nodes would run elsewhere", Placement(0, nodes))

    monkeypatch.setattr("digitedge.runtime.loading.load", load)
    cpu = digitedge("doctor", "--json").document["providers"][0]
    assert (cpu["name"], cpu["usable"], cpu["reason"]) == ("cpu", usable, reason)
    assert tried == ["identity.onnx", "relu.onnx"][: 1 if takes == "identity.onnx" else 2]


def test_without_onnx_runtime_no_provider_is_usable(digitedge, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("importlib.metadata.distributions", lambda: [SimpleNamespace(name="numpy", version="2")])
    ended = digitedge("doctor", "--json")
    assert ended.code == 0
    assert {provider["reason"] for provider in ended.document["providers"]} == {"ONNX Runtime is not installed"}


def test_an_emptied_onnx_runtime_is_a_conflict_and_usable_by_nobody(digitedge, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    ended = digitedge("doctor", "--json")
    assert ended.code == 1
    assert ended.document["conflicts"][0]["problem"] == "onnxruntime is installed, and its folder is empty."
    assert [provider for provider in ended.document["providers"] if provider["usable"]] == []
