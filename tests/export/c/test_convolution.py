"""Convolutions against ONNX Runtime: several in one network, so that one compilation proves them all."""

import pytest


def test_strides_pads_dilations_and_groups(sketch, agree, flags):
    s = sketch(13, 11, 3)
    x = s.Relu(s.Conv("image", s.weights(17, 3, 3, 3), s.weights(17), pads=[1, 1, 1, 1]))
    x = s.Conv(x, s.weights(30, 17, 1, 1))
    x = s.Relu(s.Conv(x, s.weights(30, 10, 3, 2), s.weights(30), group=3, pads=[2, 0, 1, 1], strides=[2, 1]))
    x = s.Conv(x, s.weights(20, 30, 2, 3), s.weights(20), dilations=[2, 2], pads=[0, 2, 1, 2])
    x = s.Conv(x, s.weights(5, 20, 3, 3), s.weights(5), strides=[1, 2], auto_pad="SAME_UPPER")
    agree(s.model(x), flags)


def test_pooling_in_the_same_function(sketch, agree, flags, written):
    s = sketch(14, 15, 1)
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(18, 1, 5, 5), s.weights(18))), kernel_shape=[2, 2], strides=[2, 2])
    x = s.Conv(x, s.weights(6, 18, 2, 2), s.weights(6), pads=[1, 1, 1, 1])
    model = s.model(s.AveragePool(s.HardSigmoid(x), kernel_shape=[3, 2], strides=[3, 2]))
    assert [step.name for step in written(model)[2].steps] == ["conv1", "conv2", "order1"]
    agree(model, flags)


def test_the_activation_after_an_average_stays_after_it(sketch, agree, written):
    s = sketch(8, 8, 2)
    x = s.AveragePool(s.Conv("image", s.weights(3, 2, 3, 3)), kernel_shape=[2, 2], strides=[2, 2])
    model = s.model(s.Relu(x))
    assert [step.name for step in written(model)[2].steps] == ["conv1", "pointwise1", "order1"]
    agree(model)


def test_what_is_not_a_number_stays_so_through_relu_and_pooling(sketch, run_c, flags):
    import numpy as np

    s = sketch(8, 8, 1)
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(18, 1, 3, 3))), kernel_shape=[2, 2], strides=[2, 2])
    images = np.random.default_rng(0).random((64, 8, 8, 1), np.float32)
    for number, image in enumerate(images):
        image[number // 8, number % 8] = np.nan
    scores = run_c(s.model(x), images, flags).reshape(64, 18, 3, 3)
    for number, got in enumerate(scores):
        row, column = divmod(number, 8)
        for i in range(3):
            for j in range(3):
                reads = 2 * i <= row <= 2 * i + 3 and 2 * j <= column <= 2 * j + 3
                assert np.isnan(got[:, i, j]).all() == reads


def test_another_weight_gives_other_scores(sketch, run_c):
    import numpy as np

    images = np.ones((1, 6, 6, 2), np.float32)
    plain, changed = sketch(6, 6, 2), sketch(6, 6, 2)
    weights = plain.weights(4, 2, 3, 3)
    other = weights.copy()
    other[3, 1, 2, 2] += 0.1
    first = run_c(plain.model(plain.Conv("image", weights)), images)
    second = run_c(changed.model(changed.Conv("image", other)), images)
    assert np.abs(first - second).reshape(4, 16).max(axis=1) == pytest.approx([0, 0, 0, 0.1], abs=1e-6)


def test_the_cost_is_counted(sketch, written):
    s = sketch(28, 28, 1)
    x = s.MaxPool(s.Relu(s.Conv("image", s.weights(30, 1, 5, 5), s.weights(30))), kernel_shape=[2, 2], strides=[2, 2])
    program = written(s.model(s.Relu(s.Conv(x, s.weights(15, 30, 3, 3), s.weights(15)))))[2]
    assert program.macs == 24 * 24 * 30 * 25 + 10 * 10 * 15 * 270
    assert program.flash_bytes - 4 * (750 + 30 + 4050 + 15) == 2 * 1500, "and the table of the output's order"
