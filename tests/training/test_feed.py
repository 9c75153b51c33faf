import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.config import TrainConfig
from digitedge.dataset import Dataset
from digitedge.errors import ContentError
from digitedge.training.augment import draws
from digitedge.training.device import choose
from digitedge.training.feed import Feed, feed


def numbered(n):
    """Image i is all i, and its label is i: a batch says which images it holds."""
    images = np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)
    return Dataset(images, np.arange(n), tuple(map(str, range(n))), "numbered")


def read(one, epoch=0):
    """(images, labels, draws) of all blocks of an epoch, one after another."""
    blocks = list(one.blocks(epoch))
    return [np.concatenate([getattr(block, part) for block in blocks]) for part in ("images", "labels", "draws")]


class Shelf:
    """Images that are read as they are needed, all black; `take_down` is told what is read."""

    def __init__(self, shape, take_down):
        self.shape, self.dtype, self.ndim, self._take_down = shape, np.dtype(np.uint8), 4, take_down

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("all images were read at once")

    def __getitem__(self, key):
        self._take_down(key)
        return np.zeros((len(np.arange(len(self))[key]), *self.shape[1:]), np.uint8)

    def dataset(self):
        return Dataset(self, np.zeros(len(self), np.int64), ("a",), "shelf")


def test_the_order_is_this_for_ever():
    seven = Feed(numbered(7), batch_size=3, seed=0)
    assert seven.order(0).tolist() == [[3, 6, 4], [0, 2, 5], [1, 3, 6]]
    assert seven.order(1).tolist() == [[0, 5, 6], [1, 3, 2], [4, 0, 5]]
    assert replace(seven, seed=1).order(0).tolist() == [[6, 3, 1], [4, 0, 2], [5, 6, 3]]


SIZES = st.integers(1, 60), st.integers(1, 20), st.integers(1, 4), st.integers(0, 2**31 - 1), st.integers(0, 99)


@given(*SIZES)
def test_every_image_comes_once_and_the_first_ones_fill_up_the_last_batch(n, share, workers, seed, epoch):
    one = Feed(numbered(n), share * workers, seed)
    order = one.order(epoch).ravel()
    assert order.dtype == np.int64
    assert sorted(order[:n].tolist()) == list(range(n))
    assert len(order) - n < one.batch_size
    np.testing.assert_array_equal(order[n:], np.resize(order[:n], len(order))[n:])
    assert one.order(epoch).shape == (one.steps, one.batch_size)


@given(*SIZES)
def test_the_parts_of_all_workers_are_the_batches_of_one(n, share, workers, seed, epoch):
    one = Feed(numbered(n), share * workers, seed)
    parts = [replace(one, rank=rank, workers=workers).order(epoch) for rank in range(workers)]
    assert {part.shape for part in parts} == {(one.steps, share)}
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), one.order(epoch))


def test_two_workers_read_what_one_would_and_draw_the_same():
    one = Feed(numbered(50), batch_size=16, seed=3)
    parts = [read(replace(one, rank=rank, workers=2), epoch=5) for rank in range(2)]
    for whole, first, second in zip(read(one, epoch=5), *parts, strict=True):
        halves = [half.reshape(one.steps, 8, *half.shape[1:]) for half in (first, second)]
        np.testing.assert_array_equal(np.concatenate(halves, axis=1).reshape(whole.shape), whole)


def test_an_image_keeps_its_label_and_its_draws():
    images, labels, drawn = read(Feed(numbered(50), batch_size=16, seed=3), epoch=2)
    assert (images.dtype, labels.dtype, drawn.dtype) == (np.uint8, np.int64, np.float32)
    np.testing.assert_array_equal(images, numbered(50).images[labels])
    np.testing.assert_array_equal(drawn, draws(50, seed=3, epoch=2)[labels])


def test_order_and_draws_change_with_epoch_and_seed_alone():
    one = Feed(numbered(50), batch_size=16, seed=3)
    for again, other in zip(read(one, 1), read(Feed(numbered(50), batch_size=16, seed=3), 1), strict=True):
        np.testing.assert_array_equal(again, other)
    for changed in (read(one, 2), read(replace(one, seed=4), 1)):
        for before, after in zip(read(one, 1), changed, strict=True):
            assert (before != after).any()
    assert one.order(0).ravel()[:50].tolist() != list(range(50))


@pytest.mark.parametrize(("n", "batch_size", "steps"), [(200, 1, 200), (200, 2, 100), (1000, 7, 143), (64, 1, 64)])
def test_an_epoch_is_read_in_blocks_of_whole_batches(n, batch_size, steps):
    many = Feed(Shelf((n, 4, 4, 1), lambda key: None).dataset(), batch_size, seed=0)
    sizes = [len(block.labels) for block in many.blocks(0)]
    assert sum(sizes) == steps * batch_size
    assert {size % batch_size for size in sizes} == {0}
    assert len(sizes) == -(-steps // 64)
    assert sizes[:-1] == [64 * batch_size] * (len(sizes) - 1)


def test_blocks_of_large_pictures_are_small():
    large = Feed(Shelf((40, 1000, 1000, 3), lambda key: None).dataset(), batch_size=2, seed=0)
    assert {len(block.images) for block in large.blocks(0)} == {4}
    assert max(block.images.nbytes for block in large.blocks(0)) <= 16 << 20


def test_a_batch_that_is_larger_than_a_block_is_a_block():
    large = Feed(Shelf((40, 1000, 1000, 3), lambda key: None).dataset(), batch_size=20, seed=0)
    assert [len(block.images) for block in large.blocks(0)] == [20, 20]


def test_a_part_of_a_block_is_a_block():
    block = next(Feed(numbered(50), batch_size=16, seed=0).blocks(0))
    part = block.part(16, 32)
    np.testing.assert_array_equal(part.images, block.images[16:32])
    np.testing.assert_array_equal(part.labels, block.labels[16:32])
    np.testing.assert_array_equal(part.draws, block.draws[16:32])


def test_one_block_is_read_ahead_and_no_more():
    reads = [threading.Event() for _ in range(4)]
    coming = iter(reads)
    blocks = Feed(Shelf((256, 4, 4, 1), lambda key: next(coming).set()).dataset(), batch_size=1, seed=0).blocks(0)
    for number in range(3):
        next(blocks)
        assert reads[number + 1].wait(timeout=10)
        assert [one.is_set() for one in reads] == [True] * (number + 2) + [False] * (2 - number)
    assert len(list(blocks)) == 1


def broken_from(second):
    """A data set whose second block cannot be read."""
    reads = []

    def take_down(key):
        reads.append(key)
        if len(reads) == 2:
            raise second

    return Shelf((192, 4, 4, 1), take_down).dataset()


def test_an_error_of_a_block_read_ahead_comes_when_the_block_is_due():
    error = ContentError("three.png is damaged.", "Replace it.")
    before = threading.active_count()
    blocks = Feed(broken_from(error), batch_size=1, seed=0).blocks(0)
    assert len(next(blocks).labels) == 64
    with pytest.raises(ContentError) as caught:
        next(blocks)
    assert caught.value is error
    assert threading.active_count() == before, "the reader has ended"


def test_an_epoch_that_is_left_early_leaves_no_reader():
    before = threading.active_count()
    blocks = Feed(numbered(200), batch_size=1, seed=0).blocks(0)
    next(blocks)
    blocks.close()
    assert threading.active_count() == before


HERE = choose("cpu")


@pytest.mark.parametrize(("n", "batch_size", "expected", "steps"), [(50, 16, 16, 4), (48, 16, 16, 3), (5, 16, 5, 1)])
def test_a_batch_is_no_larger_than_the_data_set(n, batch_size, expected, steps):
    one = feed(numbered(n), TrainConfig(batch_size=batch_size, seed=9), HERE)
    assert (one.batch_size, one.steps, one.seed, one.rank, one.workers) == (expected, steps, 9, 0, 1)
    assert one.share == one.batch_size


def test_images_without_labels_cannot_teach():
    with pytest.raises(ContentError, match=r"numbered has no labels\. Name a labelled data set\."):
        feed(replace(numbered(5), labels=None), TrainConfig(), HERE)
