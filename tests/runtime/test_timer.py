"""What times a model from Python, and that a format's own timer goes first."""

import numpy as np
import pytest

from digitedge.errors import ContentError
from digitedge.runtime.loading import load
from digitedge.runtime.timer import PythonTimer, timer_of


def test_calls_are_made_in_the_order_that_is_asked_for():
    made = []
    timer = PythonTimer([lambda place=place: made.append(place) for place in range(3)], lambda outputs: outputs)
    samples = timer.time([2, 0], seconds=0.0, fewest=4, most_seconds=5.0, warm_up_seconds=0.0)
    assert made == [2, 2, 0, 2, 0]  # one call of warm-up, then four
    assert len(samples) == 4


def test_the_timer_of_a_format_goes_first():
    class Own:
        def timer(self, batches, *, end_to_end):
            return len(batches), end_to_end

    assert timer_of(Own(), [1, 2], end_to_end=True) == (2, True)


@pytest.mark.parametrize("end_to_end", [False, True])
@pytest.mark.parametrize("name", ["tiny.fp32.onnx", "tiny.fp32.c"])
def test_images_of_another_size_are_refused(every_file, name, end_to_end):
    with pytest.raises(ContentError, match="the model takes"):
        timer_of(load(every_file / name), [np.zeros((1, 5, 5, 1), np.uint8)], end_to_end=end_to_end)
