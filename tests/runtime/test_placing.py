"""A provider that leaves nodes to the CPU: Azure's, which many builds have and which runs none of these."""

import os

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from digitedge.errors import ContentError
from digitedge.runtime import placing
from digitedge.runtime.model import Placement, RefusedError
from digitedge.runtime.onnx import open_session
from digitedge.runtime.placing import elsewhere, placement, start
from digitedge.runtime.provider import Provider, find

AZURE = Provider("AzureExecutionProvider", "onnxruntime", "", "")


@pytest.fixture
def path(tmp_path):
    """A file with two nodes that no rewrite removes or joins."""
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Unique", ["r"], ["y"])]
    takes = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [takes], [gives])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_the_cpu_runs_it_all(path):
    session = open_session(path, path.read_bytes(), find("cpu"))
    assert placement(session, find("cpu")) == Placement(on_provider=2, elsewhere=0)


def test_a_provider_that_leaves_nodes_to_the_cpu_refuses_the_file_and_the_nodes_are_counted(path):
    with pytest.raises(RefusedError, match=r"m\.onnx does not run on AzureExecutionProvider: 2 of 2 nodes") as caught:
        open_session(path, path.read_bytes(), AZURE)
    assert caught.value.placement == Placement(on_provider=0, elsewhere=2)
    assert caught.value.reason == "2 of 2 nodes would run elsewhere"
    assert caught.value.exit_code == ContentError.exit_code


def test_a_file_that_nobody_runs_is_to_blame_itself(path):
    foreign = path.read_bytes().replace(b"Relu", b"Nope")
    with pytest.raises(ContentError, match=r"m\.onnx cannot be loaded by ONNX Runtime: .*Nope") as caught:
        open_session(path, foreign, AZURE)
    assert not isinstance(caught.value, RefusedError)


def test_a_provider_that_cannot_be_started_refuses_without_numbers_and_in_its_own_words(path, monkeypatch):
    real = onnxruntime.InferenceSession

    def broken(data, options, *, providers, **more):
        if providers[0][0] == AZURE.ort_name:
            raise RuntimeError("/src/a.cc:7 [ONNXRuntimeError] : 1 : FAIL : no driver.")
        return real(data, options, providers=providers, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", broken)
    with pytest.raises(RefusedError, match="no driver") as caught:
        open_session(path, path.read_bytes(), AZURE)
    assert (caught.value.reason, caught.value.placement) == ("no driver", None)


def test_a_provider_whose_library_cannot_be_loaded_refuses_with_what_onnx_runtime_only_prints(path, monkeypatch):
    """ONNX Runtime goes on without such a provider: on a machine without a GPU, its CUDA build does."""
    real = onnxruntime.InferenceSession

    def without(data, options, *, providers, **more):
        os.write(2, b"Failed to load library /v/libprovider.so with error: libcublasLt.so.13: cannot open\n")
        return real(data, options, providers=[AZURE.ort_name], **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", without)
    with pytest.raises(RefusedError) as caught:
        open_session(path, path.read_bytes(), find("cuda"))
    assert (caught.value.reason, caught.value.placement) == ("libcublasLt.so.13: cannot open", None)


def test_onnx_runtime_never_goes_on_with_the_cpu_by_itself(path, monkeypatch):
    made = []
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *words, **more: made.append(more) or real(*words, **more)
    )
    session = open_session(path, path.read_bytes(), find("cpu"))
    assert [more["enable_fallback"] for more in made] == [0]
    assert session._enable_fallback is False


def test_a_provider_with_a_pool_of_its_own_is_told_the_threads(path, monkeypatch):
    made = []
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **more: made.append(more["providers"]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 3
    for name in ("openvino", "xnnpack", "cuda"):
        start(b"", options, find(name))
    assert made == [
        [("OpenVINOExecutionProvider", {"num_of_threads": "3"})],
        [("XnnpackExecutionProvider", {"intra_op_num_threads": "3"})],
        [("CUDAExecutionProvider", {})],
    ]
    assert find("openvino").options == {}, "what is shared was not changed"


def test_an_onnx_runtime_that_does_not_tell_gives_no_numbers(path, monkeypatch):
    monkeypatch.setattr(placing, "placement", lambda *_: None)
    with pytest.raises(RefusedError) as caught:
        open_session(path, path.read_bytes(), AZURE)
    assert (caught.value.placement, caught.value.reason) == (None, "some of its nodes would run elsewhere")


def test_the_nodes_in_words():
    assert elsewhere(Placement(10, 2)) == "2 of 12 nodes would run elsewhere"
