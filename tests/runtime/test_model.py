import numpy as np
import pytest

from digitedge.errors import ContentError, UnknownNameError
from digitedge.runtime.model import check_images, one_hot, one_of
from digitedge.spec import image_spec

SPEC = image_spec((4, 6, 3), ("a", "b"), "NCHW")


def test_images_as_described_pass_whatever_the_layout_of_the_file():
    check_images(np.zeros((2, 4, 6, 3), np.float32), SPEC)


def test_the_cure_says_the_size_in_words():
    with pytest.raises(
        ContentError, match=r"takes \(n, 4, 6, 3\)\. Give images of 4x6x3 \(height x width x channels\)\."
    ):
        check_images(np.zeros((2, 6, 4, 3), np.float32), SPEC)


def test_bytes_are_not_silently_scaled():
    with pytest.raises(ContentError, match=r"the images are uint8\. Scale them to \[0, 1\] as float32\."):
        check_images(np.zeros((2, 4, 6, 3), np.uint8), SPEC)


def test_a_label_scores_one_for_its_class():
    scores = one_hot(np.array([1, 0, 1]), SPEC)
    assert (scores.dtype, scores.tolist()) == (np.float32, [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_of_no_class_is_no_decision(label):
    with pytest.raises(ContentError, match=rf"the model gives the label {label} and has 2 classes\."):
        one_hot(np.array([0, label]), SPEC)


def test_the_first_engine_is_the_default():
    assert one_of(("litert", "tflite-micro"), None) == "litert"
    assert one_of(("litert", "tflite-micro"), "tflite-micro") == "tflite-micro"


def test_an_unknown_engine_is_answered_with_the_choices():
    with pytest.raises(UnknownNameError, match=r"unknown engine: litrt\. Did you mean litert\? Choose from: litert"):
        one_of(("litert", "tflite-micro"), "litrt")
