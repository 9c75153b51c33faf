import threading
import warnings

import pytest

from digitedge.data.strict import warnings_are_errors


@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning])
def test_inside_a_warning_is_an_error(category):
    with warnings_are_errors(), pytest.raises(category, match="oh"):
        warnings.warn("oh", category, stacklevel=1)


def test_afterwards_the_filters_are_what_they_were():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        with warnings_are_errors(), warnings_are_errors():
            assert warnings.filters != before
        assert warnings.filters == before
        warnings.warn("unheard", UserWarning, stacklevel=1)


def test_an_error_inside_leaves_no_filter_behind():
    before = list(warnings.filters)
    with pytest.raises(ZeroDivisionError), warnings_are_errors():
        raise ZeroDivisionError
    assert warnings.filters == before


def test_a_thread_that_leaves_does_not_take_the_others_filters_along():
    """What plain catch_warnings does: the one that came first puts back its filters while the other still works."""
    inside, left = threading.Event(), threading.Event()
    raised = []

    def second():
        with warnings_are_errors():
            inside.set()
            left.wait(10)
            with pytest.raises(UserWarning):
                warnings.warn("oh", UserWarning, stacklevel=1)
            raised.append(True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        thread = threading.Thread(target=second)
        with warnings_are_errors():
            thread.start()
            assert inside.wait(10)
        left.set()
        thread.join()
        assert raised == [True]
        assert warnings.filters == before
