from dataclasses import replace

import numpy as np
import onnx
import pytest

from digitedge.mutation.onnx_graph import Graph


def _kernels(data, right):
    graph = Graph(onnx.load_from_string(data), right.spec)
    return [graph.arrays[layer.weights] for layer in graph.layers]


def test_a_transposed_kernel_is_the_kernel_transposed(rights, wrong):
    right = rights("onnx", "fp32")
    old, new = _kernels(right.data, right), _kernels(wrong("kernel-transposed", right).data, right)
    for before, after in zip(old[:2], new[:2], strict=True):
        np.testing.assert_array_equal(after, before.transpose(0, 1, 3, 2))
    np.testing.assert_array_equal(new[2], old[2])


def test_a_rotated_kernel_turned_again_is_the_right_one(rights, wrong):
    right = rights("onnx", "fp32")
    new = _kernels(wrong("kernel-rotated", right).data, right)
    for before, after in zip(_kernels(right.data, right)[:2], new[:2], strict=True):
        np.testing.assert_array_equal(after[..., ::-1, ::-1], before)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_dense_rows_in_hwc_order_read_the_image_channels_last(rights, wrong, precision):
    right = rights("onnx", precision)
    old, new = _kernels(right.data, right)[2], _kernels(wrong("dense-rows-hwc", right).data, right)[2]
    rows_first = old.shape == (128, 10)
    assert rows_first
    np.testing.assert_array_equal(new.reshape(4, 4, 8, 10), old.reshape(8, 4, 4, 10).transpose(1, 2, 0, 3))


def test_a_dense_layer_with_its_outputs_first_has_its_columns_rearranged(rgb, wrong):
    old, new = _kernels(rgb.data, rgb)[1], _kernels(wrong("dense-rows-hwc", rgb).data, rgb)[1]
    np.testing.assert_array_equal(new.reshape(4, 3, 3, 5), old.reshape(4, 5, 3, 3).transpose(0, 2, 3, 1))


def test_symmetric_kernels_have_no_place_for_it(rgb, wrong):
    graph = Graph(onnx.load_from_string(rgb.data), rgb.spec)
    graph.set("kernels", np.ones((5, 3, 3, 3), np.float32))
    symmetric = replace(rgb, data=graph.model.SerializeToString())
    assert wrong("kernel-transposed", symmetric) is None
    assert wrong("kernel-rotated", symmetric) is None


def test_the_sign_of_8_bit_weights_misread(rights, wrong):
    right = rights("onnx", "int8")
    new = _kernels(wrong("weights-sign-misread", right).data, right)
    for before, after in zip(_kernels(right.data, right), new, strict=True):
        moved = np.where(before < 0, before.astype(np.int64) + 128, before.astype(np.int64) - 128)
        np.testing.assert_array_equal(after, moved)
