import numpy as np
import pytest
from onnx import numpy_helper, parser

from digitedge.analysis.explain import explain
from digitedge.errors import ContentError
from digitedge.export.quantize.onnx_int8 import prepare, quantize
from digitedge.export.quantize.ranges import whole_ranges
from digitedge.export.quantize.recipes import RECIPES

HEADER = '<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2, 6, 6] image) => (float[N, 3] probabilities)'
CONVERTED = """
    "net/conv/Conv2D" = Conv(image, "net/conv/weights")
    "net/bn/BatchNorm" = BatchNormalization("net/conv/Conv2D", scale, shift, shift, scale)
    "net/bn/Relu" = Relu("net/bn/BatchNorm")
    "net/flat/Reshape" = Flatten("net/bn/Relu")
    "net/dense/MatMul" = Gemm("net/flat/Reshape", "net/dense/weights")
    probabilities = Softmax("net/dense/MatMul")"""
# What folding the batch normalization makes of it, with two channels of zeros more.
FOLDED = """
    "net/bn/BatchNorm" = Conv(image, "net/conv/weights")
    "net/bn/Relu" = Relu("net/bn/BatchNorm")
    "net/flat/Reshape" = Flatten("net/bn/Relu")
    "net/dense/MatMul" = Gemm("net/flat/Reshape", "net/dense/weights")
    probabilities = Softmax("net/dense/MatMul")"""
HALF = """
    half = Cast<to = 10>(image)
    "net/bn/BatchNorm" = Conv(half, "net/conv/weights")
    "net/bn/Relu" = Relu("net/bn/BatchNorm")
    "net/flat/Reshape" = Flatten("net/bn/Relu")
    "net/dense/MatMul" = Gemm("net/flat/Reshape", "net/dense/weights")
    sum = Cast<to = 1>("net/dense/MatMul")
    probabilities = Softmax(sum)"""
random = np.random.default_rng(0)
CONV, DENSE = random.normal(size=(4, 2, 3, 3)), random.normal(size=(64, 3))
IMAGES = random.uniform(-1, 1, (30, 2, 6, 6)).astype(np.float32)
SCALE = np.array([0.5, 1.0, 2.0, 4.0])


def model(body, dtype=np.float32, **arrays):
    made = parser.parse_model(f"{HEADER} {{ {body} }}")
    arrays = {"net/conv/weights": CONV, "net/dense/weights": DENSE} | arrays
    made.graph.initializer.extend(numpy_helper.from_array(a.astype(dtype), name) for name, a in arrays.items())
    for node in made.graph.node:
        node.name = "net/dense/Softmax" if node.op_type == "Softmax" else node.output[0]
    return made


@pytest.fixture(scope="module")
def converted():
    return model(CONVERTED, scale=SCALE, shift=np.zeros(4))


def folded(channels=4, dtype=np.float32, body=FOLDED):
    # BatchNormalization is scale * x / sqrt(var + 1e-5), and here the scale is the variance too.
    conv = np.zeros((channels, 2, 3, 3))
    conv[:4] = CONV * (SCALE / np.sqrt(SCALE + 1e-5)).reshape(4, 1, 1, 1)
    dense = np.zeros((channels * 16, 3))
    dense[:64] = DENSE
    return model(body, dtype, **{"net/conv/weights": conv, "net/dense/weights": dense})


def quantized(name):
    prepared = prepare(folded())
    (recipe,) = (recipe for recipe in RECIPES if recipe.name == name)
    return quantize(prepared, recipe, whole_ranges(prepared, IMAGES))


def test_a_file_compared_with_itself_has_no_noise(converted):
    rows = explain(converted, converted, IMAGES)
    assert [(row.layer, row.operator, row.sqnr_db, row.max_abs) for row in rows] == [
        ("conv", "Conv", None, 0.0),
        ("bn", "Relu", None, 0.0),
        ("dense", "Gemm", None, 0.0),
    ]


@pytest.mark.parametrize("channels", [4, 6])
def test_layers_that_a_rewrite_merged_share_a_row_and_added_channels_are_left_out(converted, channels):
    merged, dense = explain(converted, folded(channels), IMAGES)
    assert (merged.layer, merged.operator, merged.weight_bits) == ("conv + bn", "Conv", 32)
    assert merged.sqnr_db is None or merged.sqnr_db > 120.0
    assert (dense.layer, dense.macs) == ("dense", 64 * 3)
    assert merged.macs == 4 * 4 * 4 * (2 * 9)


def test_a_layer_that_tf2onnx_has_merged_is_told_by_the_name_of_its_node(converted):
    merged = folded()
    merged.graph.node[0].name = "net/conv/Conv2D"
    assert explain(merged, merged, IMAGES)[0].layer == "conv + bn"


def test_the_range_is_that_of_the_original(converted):
    merged, dense = explain(converted, quantized("s7-channel"), IMAGES)
    assert merged.low == 0.0, "behind the Relu"
    assert dense.low < 0.0 < dense.high


@pytest.mark.parametrize(
    ("name", "bits", "saturates"), [("s7-channel", 7, False), ("s8-channel", 8, True), ("u8-tensor", 8, False)]
)
def test_of_an_int8_file_bits_and_saturation_are_told(converted, name, bits, saturates):
    for row in explain(converted, quantized(name), IMAGES):
        assert (row.weight_bits, row.saturates) == (bits, saturates)
        assert 20.0 < row.sqnr_db < 60.0
        assert row.max_abs > 0.0


def test_fewer_bits_are_more_noise_in_every_layer(converted):
    precisions = [folded(dtype=np.float16, body=HALF), quantized("s8-channel"), quantized("s7-tensor")]
    noise = [[row.sqnr_db for row in explain(converted, one, IMAGES)] for one in precisions]
    for half, eight, seven in zip(*noise, strict=True):
        assert half > eight + 15.0 > seven + 15.0
    assert [row.weight_bits for row in explain(converted, precisions[0], IMAGES)] == [16, 16]


def test_a_wrong_weight_shows_in_its_layer_and_not_before_it(converted):
    wrong = folded()
    (dense,) = (tensor for tensor in wrong.graph.initializer if tensor.name == "net/dense/weights")
    dense.CopyFrom(numpy_helper.from_array((2 * DENSE).astype(np.float32), dense.name))
    before, behind = explain(converted, wrong, IMAGES)
    assert before.sqnr_db is None or before.sqnr_db > 120.0
    assert behind.sqnr_db == pytest.approx(0.0, abs=0.01), "the noise is as large as the signal"


def test_a_file_may_expect_other_inputs_than_the_original(converted):
    body = f"scaled = Div(image, bright) {FOLDED.replace('Conv(image', 'Conv(scaled')}"
    other = folded(body=body)
    other.graph.initializer.append(numpy_helper.from_array(np.float32(255), "bright"))
    rows = explain(converted, other, IMAGES, IMAGES * np.float32(255))
    assert min(row.sqnr_db for row in rows) > 120.0


def test_a_value_that_is_not_finite_is_an_error(converted):
    broken = folded()
    (conv,) = (tensor for tensor in broken.graph.initializer if tensor.name == "net/conv/weights")
    conv.CopyFrom(numpy_helper.from_array(np.full((4, 2, 3, 3), np.inf, np.float32), conv.name))
    with pytest.raises(ContentError, match="a value inside the network is not finite"):
        explain(converted, broken, IMAGES)
