import numpy as np
import onnx
import onnxruntime
import pytest

from digitedge import __version__
from digitedge.config import ExportConfig
from digitedge.errors import UsageError
from digitedge.export.onnx import convert, min_runtime
from digitedge.export.onnx_releases import _OF_IR, _OF_OPSET
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


def test_the_oldest_runtime_is_known_for_every_operator_set_that_may_be_asked_for():
    asked = set()
    for opset in range(1, 40):
        try:
            asked.add(ExportConfig(opset=opset).opset)
        except UsageError:
            continue
    assert {17, 18} <= asked <= _OF_OPSET.keys()
    assert _OF_IR[8] == (1, 10)


def test_an_ir_version_may_ask_for_more_than_the_operator_set(data, opset):
    model = onnx.load_from_string(data)
    model.ir_version = 9
    assert min_runtime(model.SerializeToString()) == "onnxruntime 1.15"


@pytest.fixture(scope="module")
def raw(tiny_model, calibration):
    """raw(precision) -> the bytes of a file that takes raw pixels."""
    source = make_source("tiny", tiny_model, "probabilities")
    return lambda precision: convert(source, precision, ExportConfig(input="uint8"), calibration).data


def operators_of(data):
    return [node.op_type for node in onnx.load_from_string(data).graph.node]


def test_raw_pixels_give_the_bits_of_the_plain_file(raw, every_file, tiny_golden):
    images = tiny_golden.images.reshape(-1, 1, 28, 28)
    session = onnxruntime.InferenceSession(raw("fp32"))
    assert [(v.name, v.shape, v.type) for v in session.get_inputs()] == [("image", ["N", 1, 28, 28], "tensor(uint8)")]
    (found,) = session.run(None, {"image": images})
    plain = onnxruntime.InferenceSession((every_file / "tiny.fp32.onnx").read_bytes())
    (expected,) = plain.run(None, {"image": images.astype(np.float32) / 255})
    np.testing.assert_array_equal(found, expected)


def test_raw_pixels_are_the_integers_of_an_int8_file(raw, every_file):
    plain = (every_file / "tiny.int8.onnx").read_bytes()
    quantized, taken = (operators_of(data) for data in (plain, raw("int8")))
    assert taken.count("QuantizeLinear") == quantized.count("QuantizeLinear") - 1
    assert "Cast" not in taken
    assert "Div" not in taken


@pytest.mark.parametrize("precision", ["fp16", "int8-weights"])
def test_fewer_bits_are_fewer_bytes(every_file, precision):
    """Of 1,886 weights; graph and description take 1.9 kB in any precision."""
    sizes = [(every_file / f"tiny.{name}.onnx").stat().st_size for name in (precision, "fp32")]
    assert sizes[0] < sizes[1] - {"fp16": 2, "int8-weights": 3}[precision] * 1_886 + 1_900
