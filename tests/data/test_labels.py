import numpy as np
import pytest

from digitedge.data.labels import HIGHEST_LABEL, numbered
from digitedge.errors import ContentError


def test_classes_run_from_0_to_the_highest_label_of_all_parts():
    assert numbered("x", np.array([0, 2]), np.array([1, 3])) == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -1], "x: labels from -1 to 0. They must be whole numbers from 0 to 65535."),
        ([0, HIGHEST_LABEL + 1], "x: labels from 0 to 65536. They must be whole numbers from 0 to 65535."),
        ([0, 0], "x: every label is 0. A classifier needs at least two classes."),
    ],
)
def test_labels_that_cannot_be_classes_are_refused(labels, message):
    with pytest.raises(ContentError) as caught:
        numbered("x", np.array(labels))
    assert str(caught.value) == message
