import onnx
import onnxruntime
import pytest

from digitedge import __version__
from digitedge.config import ExportConfig
from digitedge.export.onnx import convert, min_runtime
from digitedge.export.source import make_source


@pytest.fixture(scope="module", params=[17, 18])
def opset(request):
    return request.param


@pytest.fixture(scope="module")
def data(opset, tiny_model):
    return convert(make_source("tiny", tiny_model, "probabilities"), "fp32", ExportConfig(opset=opset), None).data


def test_the_opset_is_the_one_asked_for(data, opset):
    model = onnx.load_from_string(data)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == 8
    assert (model.producer_name, model.producer_version) == ("digitedge", __version__)


def test_the_oldest_runtime_follows_from_the_opset(data, opset):
    assert min_runtime(data) == {17: "onnxruntime 1.12", 18: "onnxruntime 1.14"}[opset]


def test_the_input_and_the_output_are_as_documented(data):
    session = onnxruntime.InferenceSession(data)
    described = [(v.name, v.shape, v.type) for v in (*session.get_inputs(), *session.get_outputs())]
    assert described == [("image", ["N", 1, 28, 28], "tensor(float)"), ("probabilities", ["N", 10], "tensor(float)")]


def test_it_passes_the_checker_and_holds_no_external_data(data):
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert not any(tensor.HasField("data_location") for tensor in model.graph.initializer)


def test_nothing_in_it_tells_where_it_was_made(data, tiny_run):
    assert b"/work" not in data
    assert b"tests" not in data
    assert str(tiny_run).encode() not in data


def test_names_are_those_of_the_layers(data):
    names = {tensor.name for tensor in onnx.load_from_string(data).graph.initializer}
    assert any("conv1" in name for name in names)
    assert not any("__" in name or name.endswith(":0") for name in names)
