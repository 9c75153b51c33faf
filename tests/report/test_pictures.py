import base64
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from digitedge.report import pictures

from_uri = "data:image/png;base64,"


def pixels(picture):
    assert picture.source.startswith(from_uri)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.source.removeprefix(from_uri)))))


def test_one_of_each_class_in_order(golden):
    each = pictures.one_of_each(golden)
    assert [picture.caption for picture in each] == ["<b>zero</b>", "$one$", "二"]
    assert np.array_equal(pixels(each[2]), golden.images[2, :, :, 0])


def test_predictions_are_the_first_as_they_come(golden):
    shown = pictures.predictions(golden)
    assert [picture.right for picture in shown] == [True, True, True, False, True, False, True, True, True, True]
    assert (shown[0].caption, shown[0].detail) == ("<b>zero</b>", "98.0 %")
    assert (shown[3].caption, shown[3].detail) == ("$one$", "80.0 %, is <b>zero</b>")


def test_mistakes_are_the_most_confident_first(golden):
    assert [picture.detail for picture in pictures.mistakes(golden)] == ["90.0 %, is 二", "80.0 %, is <b>zero</b>"]
    assert len(pictures.mistakes(golden, 1)) == 1


def test_flips_show_both_labels_both_confidences_and_both_margins(golden, make_flip):
    found = [make_flip(0, 0, 2, 0), make_flip(3, 1, 0, 0, margin=0.9), make_flip(400, 1, 0, 0)]
    shown = pictures.flips(golden, {"flip_details": found})
    assert [(picture.caption, picture.detail, picture.right, picture.lines) for picture in shown] == [
        ("$one$ → <b>zero</b>", "is <b>zero</b> · #3", True, ("80.0 % → 60.0 %", "margin 0.9 → 0.25")),
        ("<b>zero</b> → 二", "is <b>zero</b> · #0", False, ("80.0 % → 60.0 %", "margin 0.5 → 0.25")),
    ]
    assert np.array_equal(pixels(shown[0]), golden.images[3, :, :, 0])


def test_without_labels_nothing_is_right_or_wrong(golden):
    bare = replace(golden, labels=None)
    assert [picture.right for picture in pictures.predictions(bare)] == [None] * 10
    assert pictures.mistakes(bare) == []
    assert len(pictures.one_of_each(bare)) == 10
    assert pictures.confusion_matrix(bare) is None


def test_the_confusion_matrix_counts_every_image_once(golden):
    assert pictures.confusion_matrix(golden).tolist() == [[3, 1, 0], [0, 4, 0], [1, 0, 3]]


def test_a_photograph_is_reduced(golden):
    photographs = replace(golden, images=np.zeros((12, 600, 300, 3), np.uint8))
    assert pixels(pictures.predictions(photographs)[0]).shape == (144, 72, 3)
