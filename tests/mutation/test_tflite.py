import numpy as np
import pytest

from digitedge.mutation.tflite import _weights
from digitedge.runtime.loading import load


def _layers(data):
    return [weights.copy() for weights in _weights(bytearray(data), "CONV_2D", "FULLY_CONNECTED")]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_weights_are_changed_where_they_lie(rights, wrong, precision):
    right = rights("tflite", precision)
    old = _layers(right.data)
    assert [weights.shape for weights in old] == [(6, 5, 5, 1), (8, 3, 3, 6), (10, 128)]
    swapped = _layers(wrong("tflite-rows-swapped", right).data)
    np.testing.assert_array_equal(swapped[2], old[2][[1, 0, *range(2, 10)]])
    np.testing.assert_array_equal(swapped[1], old[1])


def test_kernels_are_transposed(rights, wrong):
    right = rights("tflite", "fp32")
    old, new = _layers(right.data), _layers(wrong("tflite-kernel-transposed", right).data)
    np.testing.assert_array_equal(new[1], old[1].transpose(0, 2, 1, 3))
    np.testing.assert_array_equal(new[2], old[2])


def test_one_weight_of_the_last_layer(rights, wrong):
    right = rights("tflite", "fp32")
    old = _layers(right.data)[2]
    larger, broken = (_layers(wrong(f"tflite-weight-{what}", right).data)[2] for what in ("perturbed", "nan"))
    where = np.abs(old) == np.abs(old).max()
    np.testing.assert_allclose(larger, np.where(where, old * 10, old), rtol=1e-6)
    np.testing.assert_array_equal(np.isnan(broken), where)


def test_the_file_keeps_its_description_and_still_loads(rights, wrong, tmp_path):
    right = rights("tflite", "fp32")
    path = tmp_path / "wrong.tflite"
    path.write_bytes(wrong("tflite-rows-swapped", right).data)
    assert load(path).spec == right.spec
