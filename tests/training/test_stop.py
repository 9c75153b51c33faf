import pytest

from digitedge.training.stop import best, out_of_patience, out_of_time


def epochs(accuracies, patience):
    """How many epochs are done of those that would have these accuracies, and why no more."""
    for done in range(1, len(accuracies) + 1):
        reason = out_of_patience(accuracies[:done], patience)
        if reason is not None:
            return done, reason
    return len(accuracies), None


def test_the_best_epoch_is_the_first_of_the_highest():
    assert best([0.5, 0.7, 0.6, 0.7]) == 1
    assert best([0.0]) == 0


def test_patience_ends_after_so_many_epochs_without_a_better_one():
    done, reason = epochs([0.5, 0.7, 0.7, 0.6, 0.9], patience=2)
    assert done == 4
    assert reason == "no better validation accuracy for 2 epochs: these are the weights before that"


def test_patience_starts_anew_with_every_better_epoch():
    assert epochs([0.5, 0.4, 0.6, 0.5, 0.7], patience=2) == (5, None)


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_patience_counts_the_epochs_since_the_best(patience):
    done, reason = epochs([0.9] + [0.1] * 9, patience)
    assert done == 1 + patience
    assert f"for {patience} epoch" in reason


def test_the_first_epoch_never_tries_patience():
    assert out_of_patience([0.0], 1) is None


def test_without_patience_nothing_ends():
    assert epochs([0.9] + [0.1] * 99, patience=None) == (100, None)


@pytest.mark.parametrize(("minutes", "expected"), [(0.1, 1), (1.9, 1), (2.0, 2), (2.9, 2), (3.0, 3)])
def test_no_epoch_is_begun_that_would_end_too_late(minutes, expected):
    done = 1
    while (reason := out_of_time([60.0] * done, 60.0 * done, minutes)) is None:
        done += 1
    assert done == expected
    assert reason == f"another epoch would end after the limit of {minutes:g} minutes"


def test_another_epoch_may_be_as_long_as_the_longest():
    assert out_of_time([10.0, 10.0], 20.0, 0.5) is None
    assert out_of_time([10.0, 11.0], 20.0, 0.5) is not None
    assert out_of_time([11.0, 10.0], 20.0, 0.5) is not None


def test_what_passed_before_the_first_epoch_counts():
    assert out_of_time([10.0], 20.0, 0.5) is None
    assert out_of_time([10.0], 20.5, 0.5) is not None


def test_without_a_limit_there_is_always_time():
    assert out_of_time([1e9], 1e9, None) is None
