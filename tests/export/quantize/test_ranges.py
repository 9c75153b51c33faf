import numpy as np
import pytest
from onnx import parser

from digitedge.errors import ContentError
from digitedge.export.quantize.ranges import least_error_ranges, whole_ranges

MODEL = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 8] image) => (float[N, 8] scores) {
    positive = Relu(image)
    scores = Neg(positive)
}""")


def images(*rows):
    return np.array(rows, np.float32).repeat(8, axis=1)


def test_a_range_spans_every_value_of_every_image_and_zero():
    assert whole_ranges(MODEL, images([3.0], [-2.0], [1.0])) == {
        "image": (-2.0, 3.0),
        "positive": (0.0, 3.0),
        "scores": (-3.0, 0.0),
    }
    assert whole_ranges(MODEL, images([5.0]))["image"] == (0.0, 5.0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_no_range(wrong):
    with pytest.raises(ContentError, match="image is not finite for an image of the calibration"):
        whole_ranges(MODEL, images([1.0], [wrong], [1.0]))


def squared_error(values, ends):
    step = (ends[1] - ends[0]) / 255
    zero = np.rint(-ends[0] / step)
    return float(np.square((np.clip(np.rint(values / step) + zero, 0, 255) - zero) * step - values).sum())


def test_an_outlier_is_clipped_where_that_leaves_less_error():
    values = np.random.default_rng(0).normal(size=(4_000, 8)).astype(np.float32)
    values[0, 0] = 30.0
    whole = whole_ranges(MODEL, values)
    found = least_error_ranges(MODEL, values, whole)
    assert whole["image"][1] == 30.0
    assert found["image"][1] < 29.0
    assert squared_error(values, found["image"]) < squared_error(values, whole["image"])


def test_without_outliers_all_of_it_is_kept():
    values = np.random.default_rng(0).uniform(-1, 1, (1_000, 8)).astype(np.float32)
    whole = whole_ranges(MODEL, values)
    assert np.allclose(least_error_ranges(MODEL, values, whole)["image"], whole["image"], rtol=0.02)


def test_a_tensor_of_zeros_keeps_its_range():
    whole = whole_ranges(MODEL, images([-1.0]))
    assert least_error_ranges(MODEL, images([-1.0]), whole)["positive"] == (0.0, 0.0)
