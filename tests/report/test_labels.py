import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from digitedge.report.labels import FONT_SIZE, label_points

NAMES = ["onnx fp32", "onnx int8", "tflite fp32", "tflite int8"]


def boxes(points):
    figure = Figure(figsize=(5, 3.3), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label_points(axes, points, NAMES[: len(points)])
    figure.draw_without_rendering()
    return [Text.get_window_extent(text) for text in axes.texts], axes  # without the lines to the points


def shared(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(0, width) * max(0, height)


def test_a_lone_name_stands_to_the_right_and_beside_the_edge_to_the_left():
    (box,), axes = boxes([(0.5, 0.5)])
    assert box.x0 > axes.transData.transform((0.5, 0.5))[0]
    (box,), axes = boxes([(0.98, 0.5)])
    assert box.x1 < axes.transData.transform((0.98, 0.5))[0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)), min_size=2, max_size=4, unique=True))
def test_names_hardly_ever_cover_each_other(points):
    found, _ = boxes(points)
    line = FONT_SIZE * 100 / 72
    for one, other in itertools.combinations(found, 2):
        assert shared(one, other) <= 0.5 * line * max(one.width, other.width)


def test_four_points_in_a_row_are_all_legible():
    found, _ = boxes([(0.4, 0.5), (0.5, 0.5), (0.6, 0.5), (0.75, 0.5)])
    assert sum(shared(one, other) for one, other in itertools.combinations(found, 2)) < 1


def test_even_one_spot_holds_several_names():
    found, _ = boxes([(0.5, 0.5)] * 4)
    assert len({(round(box.x0), round(box.y0)) for box in found}) == 4
    assert np.isfinite([box.x0 for box in found]).all()
