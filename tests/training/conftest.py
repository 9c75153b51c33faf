"""What several tests of training share."""

import pytest


@pytest.fixture
def digits(tiny_digits):
    """(100 digits to learn from, 50 others to validate on)."""
    return tiny_digits.train.take(slice(100)), tiny_digits.train.take(slice(100, 150))
