import re

import numpy as np

from digitedge.report import charts


def words(text):
    return re.findall(r"<text[^>]*>([^<]*)</text>", text)


def test_curves_are_named_at_their_ends(train_document):
    found = words(charts.curves(train_document["history"]))
    assert found.count("training") == found.count("validation") == 2
    assert {"Loss", "Accuracy", "Learning rate", "epoch"} <= {*found}


def test_curves_of_a_single_epoch_can_be_seen(train_document):
    single = {name: values[:1] for name, values in train_document["history"].items()}
    assert re.search(r" C -?\d", charts.curves(single))  # the arc of a round marker
    assert not re.search(r" C -?\d", charts.curves({name: values * 3 for name, values in single.items()}))
    assert not {"0.96", "0.98", "1.02"} & {*words(charts.curves(single))}
    assert charts.curves_png(single).startswith(b"\x89PNG")


def test_confusion_writes_every_count_but_no_zero():
    matrix = np.array([[1_094, 3, 0], [0, 970, 0], [0, 0, 0]])
    text = charts.confusion(matrix, ["<b>", "$one$", "二"])
    found = words(text)
    assert {"1,094", "3", "970", "&lt;b&gt;", "$one$", "二", "taken for", "is"} <= {*found}
    assert "0" not in found
    assert 'aria-label="Confusion matrix: 3 of 2,067 images are taken for another class"' in text


def test_confusion_marks_mistakes_in_another_colour():
    assert "var(--bad)" not in charts.confusion(np.diag([5, 5]), ["a", "b"])
    assert "var(--bad)" in charts.confusion(np.array([[5, 1], [0, 5]]), ["a", "b"])


def test_confusion_of_many_classes_leaves_the_numbers_out():
    found = words(charts.confusion(np.diag(np.full(40, 777)), [f"class {index}" for index in range(40)]))
    assert "777" not in found
    assert "class 39" in found
