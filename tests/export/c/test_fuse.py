"""That a fusion computes the same is proved beside the kernels; here, that it happens where it may and only there."""

import numpy as np


def names(written, model):
    return [step.name for step in written(model)[2].steps]


def test_a_value_that_two_read_is_kept(sketch, written):
    s = sketch(8, 8, 2)
    x = s.Conv("image", s.weights(4, 2, 3, 3))
    model = s.model(s.Concat(s.GlobalMaxPool(s.Relu(x)), s.GlobalMaxPool(x), axis=1))
    assert names(written, model) == ["conv1", "pointwise1", "pool1", "pool2", "concat1"]


def test_pools_that_overlap_or_have_pads_stand_alone(sketch, written):
    for options in ({"strides": [1, 1]}, {"strides": [2, 2], "pads": [1, 1, 1, 1]}):
        s = sketch(8, 8, 2)
        x = s.MaxPool(s.Conv("image", s.weights(4, 2, 3, 3)), kernel_shape=[2, 2], **options)
        assert names(written, s.model(s.GlobalMaxPool(x))) == ["conv1", "pool1", "pool2"]


def test_a_function_that_falls_is_not_exchanged_with_the_maximum(sketch, agree, written):
    s = sketch(8, 8, 2)
    x = s.Mul(s.Conv("image", s.weights(4, 2, 3, 3)), np.float32(-1))
    model = s.model(s.MaxPool(x, kernel_shape=[2, 2], strides=[2, 2]))
    assert names(written, model) == ["conv1", "pointwise1", "pool1", "order1"]
    agree(model)


def test_elementwise_operations_become_one_loop(sketch, written):
    s = sketch(8, 8, 2)
    x = s.Sigmoid(s.Add(s.Mul("image", np.float32(2)), np.float32(-1)))
    assert names(written, s.model(s.GlobalMaxPool(x))) == ["pointwise1", "pool1"]
