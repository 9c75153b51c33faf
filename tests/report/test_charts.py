import re

import numpy as np
import pytest

from digitedge.report import charts


def words(text):
    return re.findall(r"<text[^>]*>([^<]*)</text>", text)


def row(form, precision, p50_us, size_bytes, accuracy=0.99, *, provider="cpu"):
    path = f"/runs/classic.{precision}.{form}"
    return {
        "path": path,
        "format": form,
        "precision": precision,
        "provider": provider,
        "p50_us": p50_us,
        "size_bytes": size_bytes,
        "flash_bytes": None,
        "accuracy": accuracy,
    }


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


def test_tradeoff_names_each_point_in_both_panels():
    found = words(charts.tradeoff([row("onnx", "fp32", 60, 818e3), row("tflite", "int8", 41, 214e3)]))
    assert found.count("onnx fp32") == found.count("tflite int8") == 2
    assert {"Size in the device", "Accuracy", "200 kB"} <= {*found}


def test_tradeoff_without_labels_has_no_accuracy():
    found = words(charts.tradeoff([row("onnx", "fp32", 60, 818e3, accuracy=None)]))
    assert "Size in the device" in found
    assert "Accuracy" not in found


def test_tradeoff_tells_providers_and_files_apart():
    twice = [row("onnx", "fp32", 60, 818e3), row("onnx", "fp32", 9, 818e3, provider="cuda")]
    assert {"onnx fp32", "onnx fp32 cuda"} <= {*words(charts.tradeoff(twice))}
    same = [row("onnx", "fp32", 60, 818e3), row("onnx", "fp32", 30, 400e3)]
    assert "classic.fp32.onnx" in words(charts.tradeoff(same))


def test_a_hundredth_of_a_point_does_not_look_like_a_cliff():
    found = words(charts.tradeoff([row("onnx", "fp32", 60, 8e5, 0.9920), row("onnx", "int8", 50, 2e5, 0.9919)]))
    marks = sorted(float(text[:-2]) for text in found if re.fullmatch(r"\d+\.\d+ %", text))
    assert marks[-1] - marks[0] >= 0.6


@pytest.mark.parametrize(("slowest", "logarithmic"), [(100, False), (10_000, True)])
def test_values_far_apart_get_a_logarithmic_axis(slowest, logarithmic):
    found = words(charts.tradeoff([row("onnx", "fp32", 50, 8e5, None), row("keras", "fp32", slowest, 8e5, None)]))
    assert ("1.0 ms" in found) is logarithmic


def test_files_that_another_one_beats_are_hollow_and_that_is_said():
    rows = [row("onnx", "fp32", 60, 818e3), row("tflite", "fp32", 48, 700e3)]
    plain = charts.tradeoff(rows)
    front = charts.tradeoff([{**rows[0], "pareto": False}, {**rows[1], "pareto": True}])
    assert not [text for text in words(plain) if "hollow" in text]
    assert [text for text in words(front) if text.startswith("filled: no other file beats it") and "hollow" in text]
    assert 'Beaten by no other file: tflite fp32"' in front
    assert (plain.count("fill-opacity: 0; stroke"), front.count("fill-opacity: 0; stroke")) == (0, 2)
