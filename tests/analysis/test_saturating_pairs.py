import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitedge.analysis.saturating_pairs import lost


def by_hand(activations, weights):
    """The sum as the instruction makes it, pair by pair."""
    total = 0
    for first in range(0, len(weights), 2):
        pair = sum(a * w for a, w in zip(activations[first : first + 2], weights[first : first + 2], strict=True))
        total += min(max(pair, -32_768), 32_767)
    return total


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(-128, 127)), min_size=1, max_size=9))
def test_the_change_is_that_of_every_pair(terms):
    activations, weights = zip(*terms, strict=True)
    exact = sum(a * w for a, w in terms)
    change = lost(np.array(activations)[:, None], np.array(weights)[None])
    assert exact + change.item() == by_hand(activations, weights)


def test_a_pair_beyond_16_bits_loses_what_is_beyond():
    columns = np.array([[255, 255], [255, 0]])
    assert lost(columns, np.array([[127, 127], [-128, -128], [64, 64]])).tolist() == [
        [32_767 - 2 * 255 * 127, 0.0],
        [2 * 255 * 128 - 32_768, 0.0],
        [0.0, 0.0],
    ]


def test_groups_and_images_keep_their_axes():
    columns, rows = np.full((2, 3, 4, 5), 255), np.full((3, 6, 4), 127)
    change = lost(columns, rows)
    assert change.shape == (2, 3, 6, 5)
    assert (change == 2 * (32_767 - 2 * 255 * 127)).all()
