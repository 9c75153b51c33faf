"""C files of integers give what the evaluator of integers gives, to the bit."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import QuantType

from digitedge.analysis.integers import evaluate
from digitedge.errors import ContentError
from digitedge.export.c.arena import plan
from digitedge.export.c.integer_program import integer_program
from digitedge.runtime import c99


@pytest.fixture
def run_c(run_integers):
    return run_integers


def shape(model):
    return [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]]


def pixels(model, n=20, seed=2):
    channels, height, width = shape(model)
    return np.random.default_rng(seed).random((n, height, width, channels), np.float32)


def chw(images):
    return images.transpose(0, 3, 1, 2)


def padded(s):
    x = s.Relu(s.Conv("image", s.weights(6, 3, 3, 3), s.weights(6), pads=[1, 1, 1, 1]))
    x = s.Conv(x, s.weights(18, 6, 3, 2), s.weights(18), pads=[2, 0, 1, 1], strides=[2, 1], dilations=[1, 2])
    x = s.Flatten(s.MaxPool(x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
    return s.Gemm(x, s.weights(18 * 15, 7), s.weights(7))


def pooled(s):
    """As the classic network: convolution and pooling as one, and a dense layer behind them."""
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(18, 3, 3, 3), s.weights(18))), kernel_shape=[2, 2], strides=[2, 2])
    x = s.Relu(s.Conv(x, s.weights(5, 18, 2, 2), s.weights(5)))
    return s.Gemm(s.Flatten(x), s.weights(5 * 9, 7), s.weights(7))


def hwc(s):
    """tf2onnx's way to a dense layer."""
    x = s.Relu(s.Conv("image", s.weights(4, 3, 3, 3), s.weights(4)))
    x = s.Reshape(s.Transpose(x, perm=[0, 2, 3, 1]), np.array([-1, 256]))
    return s.MatMul(x, s.weights(256, 7))


def separable(s):
    x = s.Clip(s.Conv("image", s.weights(20, 3, 1, 1)), np.float32(0), np.float32(6))
    x = s.Conv(x, s.weights(20, 1, 3, 3), s.weights(20), group=20, pads=[1, 1, 1, 1], strides=[2, 2])
    x = s.HardSwish(x)
    x = s.Conv(x, s.weights(8, 10, 2, 2), group=2)
    x = s.Flatten(s.GlobalAveragePool(x))
    return s.Gemm(x, s.weights(8, 6), s.weights(6))


def residual(s):
    first = s.Relu(s.Conv("image", s.weights(6, 3, 3, 3), pads=[1, 1, 1, 1]))
    second = s.Conv(first, s.weights(6, 6, 3, 3), s.weights(6), pads=[1, 1, 1, 1])
    x = s.Relu(s.Add(first, second))
    x = s.Concat(x, s.Conv(x, s.weights(3, 6, 1, 1)), axis=1)
    x = s.AveragePool(x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0])
    x = s.Conv(x, s.weights(8, 9, 3, 3), pads=[1, 1, 1, 1])
    return s.MatMul(s.Flatten(x), s.weights(8 * 25, 7))


def gated(s):
    """A gate for each channel, a scaling of each channel, and zeros around a pooling."""
    x = s.Conv("image", s.weights(6, 3, 3, 3), s.weights(6))
    gate = s.Sigmoid(s.Conv(s.GlobalAveragePool(x), s.weights(6, 6, 1, 1)))
    x = s.Conv(s.Mul(x, gate), s.weights(6, 6, 1, 1))
    x = s.Relu(s.Add(s.Mul(x, s.weights(6, 1, 1) * 2), s.weights(6, 1, 1)))
    x = s.MaxPool(s.Pad(x, np.array([0, 0, 1, 0, 0, 0, 0, 2])), kernel_shape=[3, 3], strides=[2, 2])
    return s.Gemm(s.Flatten(s.Conv(x, s.weights(4, 6, 1, 1))), s.weights(4 * 16, 7), s.weights(7))


def gated_hwc(s):
    """The same with channels last, as tf2onnx leaves it."""
    x = s.Transpose(s.Conv("image", s.weights(6, 3, 3, 3), s.weights(6)), perm=[0, 2, 3, 1])
    gate = s.Transpose(s.Sigmoid(s.Conv(s.Reshape(s.ReduceMean(x, axes=[1, 2]), np.array([0, 6, 1, 1])),
                                        s.weights(6, 6, 1, 1))), perm=[0, 2, 3, 1])  # fmt: skip
    return s.Gemm(s.Reshape(s.Mul(x, gate), np.array([-1, 384])), s.weights(384, 7), s.weights(7))


NETS = {net.__name__: net for net in (padded, pooled, hwc, separable, residual, gated, gated_hwc)}
TYPES = {
    "u8s7": {},
    "u8s8": {"reduce_range": False},
    "u8u8": {"per_channel": False, "weight_type": QuantType.QUInt8},
    "s8s8": {"activation_type": QuantType.QInt8},
}


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("net", NETS)
def test_scores_are_those_of_the_evaluator_to_the_bit(net, types, sketch, quantized, run_c):
    made = sketch(10, 10, 3)
    model = made.model(NETS[net](made))
    images = pixels(model)
    model = quantized(model, chw(images), **TYPES[types])
    expected = evaluate(model, chw(images))
    assert np.ptp(expected, axis=0).max() > 0.1, "a constant output proves nothing"
    np.testing.assert_array_equal(run_c(model, images), expected)


def small(sketch, quantized, last=None):
    made = sketch(8, 8, 3)
    x = pooled(made) if last is None else last(made)
    model = made.model(x)
    images = pixels(model)
    images[0, 0, 0] = (0.0, 1.0, 0.5)  # black and white: a step is exactly that of the pixels
    return quantized(model, chw(images), op_types_to_quantize=["Conv", "Relu", "MaxPool", "Gemm"]), images


def pooled_8(s):
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(6, 3, 3, 3), s.weights(6))), kernel_shape=[2, 2], strides=[2, 2])
    return s.Softmax(s.Gemm(s.Flatten(x), s.weights(54, 7) * 4, s.weights(7)))


def test_probabilities_differ_by_the_rounding_of_floats(sketch, quantized, run_c):
    model, images = small(sketch, quantized, pooled_8)
    expected, found = evaluate(model, chw(images)), run_c(model, images)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_another_image_gives_another_answer(sketch, quantized, run_c):
    """What the tests above compare can differ."""
    model, images = small(sketch, quantized, pooled_8)
    assert (run_c(model, images) != evaluate(model, chw(images[::-1]))).any()


def test_what_a_pooling_throws_away_is_never_in_memory(sketch, quantized, spec_of):
    model, _ = small(sketch, quantized, pooled_8)
    program = integer_program(model, spec_of(model, 7), "float32")
    assert [step.name for step in program.steps] == ["quantize1", "conv2", "dense3", "dequantize4", "softmax5"]
    assert plan(program).size_bytes == 8 * 8 * 3 + 3 * 3 * 6 + 2, "the image, and 3x3 pixels of 6 channels, to 4 bytes"
    assert program.macs == 36 * 27 * 6 + 54 * 7
    assert program.flash_bytes == 3 * 12 * 6 + 56 * 7 + 8 * (6 + 7), (
        "a byte a weight, rows of 9 and of 54 to fours; a bias and a scale a channel"
    )


@pytest.mark.parametrize(("scaled_to", "first"), [((0.0, 1.0), "conv1"), ((-1.0, 1.0), "pixels1")])
def test_raw_pixels_are_the_integers_or_a_table_of_them(scaled_to, first, sketch, quantized, run_c, spec_of):
    model, images = small(sketch, quantized, pooled_8)
    spec = replace(spec_of(model, 7), range=scaled_to)
    program = integer_program(model, spec, "uint8")
    assert program.steps[0].name == first
    assert program.image.ctype == "uint8_t"
    raw = np.rint(images * 255).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(run_c(model, raw, dtype="uint8", spec=spec), run_c(model, raw, spec=spec))


def test_raw_pixels_before_padding_are_copied(sketch, quantized, run_c):
    made = sketch(10, 10, 3)
    model = made.model(padded(made))
    images = np.rint(pixels(model) * 255).astype(np.float32) / np.float32(255)
    images[0, 0, 0] = (0.0, 1.0, 0.0)
    model = quantized(model, chw(images))
    np.testing.assert_array_equal(run_c(model, images, dtype="uint8"), evaluate(model, chw(images)))


def test_a_mean_for_each_channel_is_a_table_for_each(sketch, quantized, run_c, spec_of):
    model, images = small(sketch, quantized, pooled_8)
    spec = replace(spec_of(model, 7), range=(-1.0, 1.0), mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))
    raw = np.rint(images * 255).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(run_c(model, raw, dtype="uint8", spec=spec), run_c(model, raw, spec=spec))


def test_a_label_is_the_place_of_the_largest(sketch, quantized, run_c, spec_of):
    made = sketch(8, 8, 3)
    scores = pooled_8(made)
    logits = made.nodes.pop().input[0]  # of the Softmax
    float_model = made.model(logits)
    images = pixels(float_model)
    model = quantized(float_model, chw(images))
    expected = evaluate(model, chw(images)).argmax(axis=1)
    node = onnx.helper.make_node("ArgMax", [logits], [scores], axis=1, keepdims=0)
    model.graph.node.append(node)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info(scores, onnx.TensorProto.INT64, ["N"]))
    spec = replace(spec_of(model, 7), output_kind="label")
    np.testing.assert_array_equal(run_c(model, images, spec=spec).argmax(axis=1), expected)


def test_an_operator_without_a_kernel_is_named(sketch, quantized, spec_of):
    model, _ = small(sketch, quantized, lambda s: s.Selu(pooled_8(s)))
    with pytest.raises(ContentError, match=r"C has no integer kernel for selu_\d+: Selu in float\. Export int8 to"):
        integer_program(model, spec_of(model, 7), "float32")


def test_a_layer_that_stays_in_float_is_named(sketch, quantized, spec_of):
    made = sketch(8, 8, 3)
    model = made.model(pooled_8(made))
    model = quantized(model, chw(pixels(model)), nodes_to_exclude=["conv_2"])
    with pytest.raises(ContentError, match="C has no integer kernel for conv_2: Conv in float"):
        integer_program(model, spec_of(model, 7), "float32")


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_digit_is_decided_as_the_evaluator_decides_it(dtype, tiny_model, tiny_golden, calibration, tmp_path):
    """The whole way: a Keras network to a file and its header, and back."""
    from digitedge.config import ExportConfig
    from digitedge.data.preprocess import to_unit
    from digitedge.export import onnx as onnx_export
    from digitedge.export.c99 import convert
    from digitedge.export.source import make_source

    config = ExportConfig(int8=True, formats=("c99",), input=dtype)
    source = make_source("tiny", tiny_model, "probabilities")
    converted = convert(source, "int8", config, calibration)
    (tmp_path / "tiny.int8.c").write_bytes(converted.data)
    (tmp_path / "tiny.int8.h").write_bytes(converted.companions[".h"])
    assert converted.spec.input_dtype == dtype
    model, _ = onnx_export.quantized(source, config, calibration)
    images = to_unit(tiny_golden.images)
    found, expected = c99.load(tmp_path / "tiny.int8.c")(images), evaluate(model, chw(images))
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-6)
