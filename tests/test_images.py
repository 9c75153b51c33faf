import numpy as np
import pytest

from digitedge import images
from digitedge.images import blocks

DIGITS = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2, 1)


def sizes(found):
    return [len(block) for block in found]


def test_small_images_are_one_block():
    (block,) = blocks(DIGITS)
    np.testing.assert_array_equal(block, DIGITS, strict=True)


def test_no_block_is_larger_than_it_may_be(monkeypatch):
    monkeypatch.setattr(images, "BLOCK_BYTES", 3 * 4)
    assert sizes(blocks(DIGITS)) == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(list(blocks(DIGITS))), DIGITS, strict=True)


def test_an_image_larger_than_a_block_is_a_block(monkeypatch):
    monkeypatch.setattr(images, "BLOCK_BYTES", 1)
    assert sizes(blocks(DIGITS)) == [1] * 7


@pytest.mark.parametrize(("most", "expected"), [(2, [2, 2, 2, 1]), (7, [7]), (8, [7])])
def test_blocks_of_at_most_so_many_images(most, expected):
    assert sizes(blocks(DIGITS, most)) == expected


def test_the_lesser_of_both_limits_holds(monkeypatch):
    monkeypatch.setattr(images, "BLOCK_BYTES", 3 * 4)
    assert sizes(blocks(DIGITS, 5)) == [3, 3, 1]


def test_no_images_are_no_blocks():
    assert list(blocks(DIGITS[:0])) == []
