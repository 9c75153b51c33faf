import numpy as np
import onnx
import pytest

from digitedge.analysis.integers import evaluate
from digitedge.analysis.quantization_check import quantization_check
from digitedge.runtime.loading import load


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zero-point-off-by-one", "disagree: the zero point is 0 and 1"),
        ("scale-doubled", "disagree: the scale is"),
        ("weight-zero-point", "have a zero point of"),
        ("weight-scale-negative", "is not a positive number"),
        ("bias-scale", "is in other units than the sums that it is added to"),
    ],
)
def test_each_is_found_in_the_graph(rights, wrong, name, reason):
    right = rights("onnx", "int8")
    assert quantization_check(onnx.load_from_string(right.data), "int8").passed
    check = quantization_check(onnx.load_from_string(wrong(name, right).data), "int8")
    assert not check.passed
    assert reason in check.reason


def test_saturating_weights_change_no_integer_where_sums_are_exact_and_labels_where_they_are_not(
    rights, wrong, tiny_digits
):
    right = rights("onnx", "int8")
    model, spoilt = (onnx.load_from_string(data) for data in (right.data, wrong("weights-saturate", right).data))
    images = tiny_digits.test.images[:60].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    exact = evaluate(model, images)
    np.testing.assert_array_equal(evaluate(spoilt, images), exact)
    np.testing.assert_array_equal(evaluate(model, images, saturating=True), exact)
    assert (evaluate(spoilt, images, saturating=True).argmax(1) != exact.argmax(1)).sum() >= 3
    assert quantization_check(spoilt, "int8").passed


def test_a_name_that_promises_another_precision(rights, wrong, tmp_path):
    for precision, name, says in (
        ("fp32", "fp32-says-int8", "int8"),
        ("int8", "int8-says-weights-only", "int8-weights"),
    ):
        right = rights("onnx", precision)
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(wrong(name, right).data)
        assert load(path).precision == says
        assert load(path).spec == right.spec
