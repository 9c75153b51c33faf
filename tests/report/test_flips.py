from dataclasses import replace

import numpy as np
import pytest

from digitedge.report import flips
from digitedge.report.sheet import INK, RIGHT, WRONG, enlarged

NAMES = {"file": "classic.int8.onnx", "reference": "model.keras"}


def colours(picture):
    return {colour for _, colour in picture.getcolors(1 << 20)}


def test_the_words_of_a_flip(make_flip, golden):
    one = make_flip(5, 0, 2, 2)
    assert flips.caption_of(one, golden.classes) == "<b>zero</b> → 二"
    assert flips.lines_of(one, golden.classes) == ("is 二 · #5", "80.0 % → 60.0 %", "margin 0.5 → 0.25")
    assert flips.is_right(one) is True


def test_scores_that_are_not_finite_are_no_class_and_never_right(make_flip, golden):
    one = make_flip(5, 0, None, 2)
    assert flips.caption_of(one, golden.classes) == "<b>zero</b> → not finite"
    assert flips.lines_of(one, golden.classes)[1:] == ("80.0 % → –", "margin 0.5 → –")  # noqa: RUF001
    assert flips.is_right(one) is False


def test_without_labels_nothing_is_right_or_wrong(make_flip, golden):
    one = make_flip(5, 0, 2, None)
    assert flips.lines_of(one, golden.classes)[0] == "#5"
    assert flips.is_right(one) is None


def test_long_names_leave_room_for_each_other(make_flip):
    classes = ("American Staffordshire terrier", "Norwegian elkhound", "cat")
    assert flips.caption_of(make_flip(5, 0, 1, 2), classes) == "American St… → Norwegian e…"
    assert flips.lines_of(make_flip(5, 0, 1, 0), classes)[0] == "is American Staffordshire terrier · #5"


def test_the_surest_come_first_and_what_is_not_recorded_is_left_out(make_flip, golden):
    found = [make_flip(place, 0, 1, 0, margin=margin) for place, margin in ((2, 0.1), (7, 0.9), (400, 1.0), (1, 0.1))]
    found.append(make_flip(4, 0, 1, 0, margin=None))
    assert [at for at, _ in flips.chosen(found, golden)] == [4, 7, 1, 2]


def test_a_reference_that_holds_some_images_is_searched_by_place(make_flip, golden):
    some = [0, 3, 5]
    part = {name: getattr(golden, name)[some] for name in ("images", "labels", "scores")}
    recorded = replace(golden, **part, places=np.array(some))
    found = [make_flip(place, 0, 1, 0) for place in (3, 4, 5)]
    assert [(at, flip["place"]) for at, flip in flips.chosen(found, recorded)] == [(1, 3), (2, 5)]


@pytest.mark.parametrize(
    ("candidate", "label", "colour"), [(2, 2, RIGHT), (1, 2, WRONG), (None, 2, WRONG), (1, None, INK)]
)
def test_the_sheet_shows_the_image_and_says_who_is_right(make_flip, golden, candidate, label, colour):
    page = flips.sheet_of([make_flip(5, 0, candidate, label)], golden, **NAMES)
    assert colours(page) & {RIGHT, WRONG} == {colour} - {INK}
    tile = np.asarray(enlarged(golden.images[5], 140))
    found = np.asarray(page)[:, :, 0]
    places = np.argwhere(found == tile[0, 0])
    assert any(np.array_equal(found[y : y + tile.shape[0], x : x + tile.shape[1]], tile) for y, x in places)


@pytest.mark.parametrize("shape", [(12, 8, 8, 3), (12, 700, 500, 3), (12, 9, 40, 1)])
def test_images_of_any_size_and_colour_are_drawn(make_flip, golden, shape):
    other = replace(golden, images=np.full(shape, 200, np.uint8))
    page = flips.sheet_of([make_flip(place, 0, 1, 1) for place in range(12)], other, **NAMES)
    assert (200, 200, 200) in colours(page)
    assert page.width < 2_000


def test_at_most_forty_are_drawn_and_the_number_is_told(make_flip, golden):
    many = replace(
        golden,
        images=np.zeros((60, 8, 8, 1), np.uint8),
        labels=np.zeros(60, np.int64),
        scores=np.full((60, 3), 1 / 3, np.float32),
    )
    found = [make_flip(place, 0, 1, 0) for place in range(60)]
    shown = flips.chosen(found, many)
    assert len(shown) == flips.MOST == 40
    assert flips.said(shown, found).startswith("40 of 60 are shown, surest first. Left of an arrow")
    assert flips.said(shown, found[:40]).startswith("Surest first. Left of an arrow")
    assert flips.said(shown[:1], found[:1]).startswith("Left of an arrow")
    assert flips.sheet_of(found, many, **NAMES).size == flips.sheet_of(found[:40], many, **NAMES).size


def test_nothing_to_draw_is_no_picture(make_flip, golden):
    assert flips.sheet_of([], golden, **NAMES) is None
    assert flips.sheet_of([make_flip(400, 0, 1, 0)], golden, **NAMES) is None


def test_a_class_name_with_line_breaks_or_escapes_is_drawn(make_flip, golden):
    nasty = replace(golden, classes=("a\nb", "\x1b[31m", "x" * 300))
    assert flips.sheet_of([make_flip(5, 0, 1, 2), make_flip(6, 2, 0, 2)], nasty, **NAMES).width < 1_000
