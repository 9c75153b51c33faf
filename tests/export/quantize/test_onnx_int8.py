import re

import numpy as np
import onnx
import pytest
import tf_keras as keras
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from digitedge.analysis.saturation import saturating_layers
from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.onnx import convert
from digitedge.export.quantize import onnx_int8
from digitedge.export.quantize.calibration import Calibration
from digitedge.export.quantize.onnx_int8 import quantize
from digitedge.export.source import make_source
from digitedge.runtime.keras import wrap

WIDE = ExportConfig()


def weights_of(model):
    """(int8 bytes, bytes of all weights as floats): biases, scales and zero points are no weights."""
    tensors = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    matrices = [tensor for tensor in tensors if tensor.ndim >= 2]
    return sum(t.size for t in matrices if t.dtype == np.int8), sum(t.size for t in matrices)


@pytest.fixture(scope="module")
def source(tiny_model):
    return make_source("tiny", tiny_model, "probabilities")


@pytest.fixture(scope="module")
def plain(source):
    return onnx.load_from_string(convert(source, "fp32", WIDE, None).data)


@pytest.fixture(scope="module")
def quantized(plain, calibration):
    return quantize(plain, "image", calibration.images.transpose(0, 3, 1, 2))


def naive(plain, calibration, folder):
    """ONNX Runtime's own recipe, as its documentation gives it: full 8-bit weights."""
    onnx.save(plain, folder / "plain.onnx")
    reader = onnx_int8.ImageReader("image", calibration.images.transpose(0, 3, 1, 2))
    quantize_static(
        folder / "plain.onnx", folder / "naive.onnx", reader, quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    return onnx.load(folder / "naive.onnx")


def test_no_layer_can_saturate_where_the_usual_recipe_does(quantized, plain, calibration, tmp_path):
    assert saturating_layers(quantized) == ()
    assert len(saturating_layers(naive(plain, calibration, tmp_path))) >= 2


def test_weights_take_seven_bits(quantized):
    integers = [numpy_helper.to_array(t) for t in quantized.graph.initializer if t.data_type == TensorProto.INT8]
    matrices = [array for array in integers if array.ndim >= 2]
    assert len(matrices) == 3
    for array in matrices:
        assert -64 <= array.min() < array.max() <= 64
        assert np.abs(array.astype(int)).max() >= 63, "the range should be used"


def test_weights_have_a_scale_for_each_channel(quantized):
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantized.graph.initializer}
    scales = [
        arrays[n.input[1]] for n in quantized.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in arrays
    ]
    assert sorted({scale.size for scale in scales if scale.ndim}) == [6, 8, 10]


def test_the_softmax_stays_in_float(quantized):
    (softmax,) = (node for node in quantized.graph.node if node.op_type == "Softmax")
    assert list(softmax.output) == ["probabilities"]


def test_nine_of_ten_weights_are_integers(quantized):
    integer, everything = weights_of(quantized)
    assert everything >= 1886 - 24
    assert integer >= 0.9 * everything


def test_a_net_with_enough_weights_is_less_than_half_as_big():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(60, "relu"), layers.Dense(10, "softmax")]
    )
    source = make_source("wide", wrap(network, tuple("0123456789"), name="wide"), "probabilities")
    pixels = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
    images = Calibration(pixels[:4], pixels[4:], None)
    sizes = [len(convert(source, precision, WIDE, images).data) for precision in ("fp32", "int8")]
    assert sizes[1] < 0.5 * sizes[0]
    integer, everything = weights_of(onnx.load_from_string(convert(source, "int8", WIDE, images).data))
    assert integer >= 0.9 * everything


def softmax_alone():
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in ("image", "probabilities")]
    graph = helper.make_graph([helper.make_node("Softmax", ["image"], ["probabilities"])], "g", values[:1], values[1:])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def test_a_model_without_a_layer_that_can_be_quantized_is_refused():
    with pytest.raises(
        ContentError, match=r"nothing in this model can be quantized to int8\. Export it without --int8\."
    ):
        quantize(softmax_alone(), "image", np.zeros((2, 4), np.float32))


def test_a_layer_that_could_saturate_all_the_same_is_refused(plain, calibration, monkeypatch):
    monkeypatch.setattr(onnx_int8, "saturating_layers", lambda model: ("conv1/weights_quantized",))
    with pytest.raises(ContentError, match=re.escape("the weights of conv1/weights_quantized could saturate on a CPU")):
        quantize(plain, "image", calibration.images.transpose(0, 3, 1, 2))


def test_the_original_is_left_as_it_was(plain, calibration):
    before = plain.SerializeToString()
    quantize(plain, "image", calibration.images[:2].transpose(0, 3, 1, 2))
    assert plain.SerializeToString() == before


def test_calibration_images_come_one_at_a_time_and_end():
    reader = onnx_int8.ImageReader("image", np.arange(2, dtype=np.float32).reshape(2, 1, 1, 1))
    fed = [reader.get_next(), reader.get_next(), reader.get_next()]
    assert [feed["image"].tolist() for feed in fed[:2]] == [[[[[0.0]]]], [[[[1.0]]]]]
    assert fed[2] is None
