import numpy as np
import pytest

from digitedge.errors import ContentError
from digitedge.runtime.model import check_images
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
