import numpy as np
import pytest


def test_poolings_with_pads_and_every_way_to_count(sketch, agree):
    s = sketch(11, 9, 3)
    parts = [
        s.MaxPool("image", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 0]),
        s.AveragePool("image", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        s.AveragePool("image", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        s.AveragePool("image", kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1),
        s.MaxPool("image", kernel_shape=[2, 3], strides=[2, 3], ceil_mode=1, pads=[0, 1, 0, 0]),
        s.MaxPool("image", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
        s.GlobalMaxPool("image"),
        s.ReduceMax("image", axes=[2, 3], keepdims=0),
        s.ReduceMean("image", axes=[2, 3]),
        s.ReduceMean(s.Transpose("image", perm=[0, 2, 3, 1]), axes=[1, 2], keepdims=0),
        s.GlobalAveragePool("image"),
    ]
    agree(s.model(s.Concat(*(s.Flatten(part) for part in parts), axis=1)))


def test_what_is_not_a_number_stays_so(sketch, run_c):
    s = sketch(4, 4, 1)
    model = s.model(s.Flatten(s.MaxPool("image", kernel_shape=[3, 3], strides=[1, 1])))
    images = np.zeros((9, 4, 4, 1), np.float32)
    for number in range(9):
        images[number, number // 3, number % 3] = np.nan
    assert np.isnan(run_c(model, images)[:, 0]).all()


def test_an_average_that_counts_padding_behind_the_image_twice_over_is_refused(sketch, written):
    from digitedge.errors import ContentError

    s = sketch(7, 7, 1)
    pooled = s.AveragePool(
        "image", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1
    )
    with pytest.raises(ContentError, match=r"averagepool_0 is a AveragePool with ceil_mode and count_include_pad"):
        written(s.model(pooled))
