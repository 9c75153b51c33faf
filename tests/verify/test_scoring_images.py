"""Which images a file is run on, and how many at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.errors import ContentError
from digitedge.verify.scoring import _batch_size, _places
from digitedge.verify.target import Target


@given(st.floats(0, 1000), st.floats(0.1, 1000))
def test_a_batch_is_as_large_as_the_time_limit_allows(seconds, limit):
    size = _batch_size(seconds, limit)
    assert size in {2**power for power in range(7)}
    assert size == 1 or size * seconds <= limit / 4
    assert size == 64 or 2 * size * seconds > limit / 4


def test_images_that_are_not_in_memory_are_read_batch_by_batch(scored, onnx_file, images, elsewhere):
    stored = elsewhere(images)
    found = scored(onnx_file(), stored)
    np.testing.assert_array_equal(found.scores, scored(onnx_file(), images).scores)
    assert stored.reads == [32, *[64] * 9, 24]


@pytest.mark.parametrize("lazily", [False, True])
def test_of_a_slow_engine_some_images_are_enough(scored, onnx_file, images, elsewhere, lazily):
    whole = scored(onnx_file(), images).scores
    part = scored(onnx_file(), elsewhere(images) if lazily else images, most_images=50)
    assert part.places.tolist() == list(range(0, 600, 12))
    np.testing.assert_array_equal(part.scores, whole[part.places])
    assert scored(onnx_file(), images, most_images=600).places is None


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_places_are_evenly_spread(images, most):
    places = _places(images, most)
    if most >= images:
        assert places is None
    else:
        gaps = np.diff(places)
        assert (len(places), places[0]) == (most, 0)
        assert places[-1] < images
        assert not len(gaps) or 1 <= gaps.min() <= gaps.max() <= gaps.min() + 1


def test_no_image_at_all_gives_no_scores(scored, onnx_file, images):
    assert scored(onnx_file(), images[:0]).scores.shape == (0, 3)


def test_images_of_another_size_are_refused(scoring, onnx_file, images):
    with pytest.raises(
        ContentError, match=r"the images have the shape \(1, 2, 4, 1\) and the model takes \(n, 4, 4, 1"
    ):
        scoring.score(Target(onnx_file()), images[:, :2])
