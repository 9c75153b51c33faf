"""The small drawings in the cells of a table."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.report import cell_marks
from digitedge.report.cell_marks import WIDTH

RATIOS = st.floats(0.01, 100)


def test_lengths_compare_where_the_figures_are_near_each_other():
    scale = cell_marks.scale_of([10, 40], linear_ratio=25)
    assert scale(40) == pytest.approx(4 * scale(10))
    assert not scale.logarithmic
    assert "<rect" in cell_marks.bar(scale, 10, 9, 11)


def test_figures_far_apart_get_a_logarithmic_scale_and_dots_for_it_has_no_zero():
    scale = cell_marks.scale_of([10, 1_000], linear_ratio=25)
    assert scale.logarithmic
    assert 0 < scale(10) < scale(100) < scale(1_000) < WIDTH
    mark = cell_marks.bar(scale, 10, 9, 11)
    assert "<circle" in mark
    assert "<rect" not in mark


@given(st.lists(RATIOS, min_size=1))
def test_one_is_in_the_middle_of_every_scale_of_ratios_and_all_ends_are_inside(ends):
    scale = cell_marks.ratio_scale(ends)
    assert scale(1.0) == pytest.approx(WIDTH / 2)
    assert all(0 <= scale(end) <= WIDTH for end in ends)
    assert scale(1.1) - scale(1.0) == pytest.approx(scale(1.0) - scale(1 / 1.1))


def test_faster_is_left_and_slower_right_in_their_colours():
    scale = cell_marks.ratio_scale([0.8, 1.25])
    faster, slower = cell_marks.ratio(scale, 0.9, 0.85, 0.95, "good"), cell_marks.ratio(scale, 1.1, 1.05, 1.2, "bad")
    left, right = (float(re.search(r'<rect x="([\d.]+)"', mark)[1]) for mark in (faster, slower))
    assert left < WIDTH / 2 < right
    assert "var(--good)" in faster
    assert "var(--bad)" in slower
    assert "<rect" not in cell_marks.no_ratio(scale)


def test_the_narrowest_interval_is_seen():
    scale = cell_marks.scale_of([100], linear_ratio=25)
    ends = re.search(r'd="M([\d.]+) \S+M([\d.]+) ', cell_marks.bar(scale, 50, 50, 50))
    assert float(ends[2]) - float(ends[1]) >= 1.5


def test_a_line_ends_where_its_figures_do():
    places = re.search(r'points="([^"]*)"', cell_marks.line([10, 20, 40]))[1].split()
    heights = [float(place.split(",")[1]) for place in places]
    assert len(places) == 3
    assert heights == sorted(heights, reverse=True)  # pixels are counted from the top
    assert 'points="4.0,25.0' in cell_marks.line([0, 0])


@pytest.mark.parametrize("share", [-1, 0, 0.5, 1, 7])
def test_a_share_stays_in_its_cell(share):
    assert 0 <= float(re.search(r'width="([\d.]+)" height="10"', cell_marks.share_bar(share))[1]) <= WIDTH


@pytest.mark.parametrize("value", ["<b>", None, float("nan")])
def test_what_is_no_number_is_drawn_nowhere(value):
    with pytest.raises((TypeError, ValueError)):
        cell_marks.bar(cell_marks.Scale(0, 1, logarithmic=False), value, None, None)


def test_marks_are_silent_for_a_reader_who_hears_the_page():
    scale = cell_marks.ratio_scale([1.0])
    marks = [cell_marks.ratio_axis(scale), cell_marks.share_bar(0.5), cell_marks.line([1, 2])]
    assert all('aria-hidden="true"' in mark for mark in marks)
    assert math.isclose(scale.high, 1.1**1.08)
