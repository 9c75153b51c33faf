"""What each file costs, as a picture."""

import itertools
import re

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from digitedge.report import svg
from digitedge.report.tradeoff_chart import ONE_PANEL_INCHES, draw, sides, tradeoff


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


def test_each_point_is_named_in_both_panels():
    rows = [row("onnx", "fp32", 60, 818e3, 0.99), row("tflite", "int8", 41, 214e3, 0.98)]
    found = words(tradeoff(rows))
    assert found.count("onnx fp32") == found.count("tflite int8") == 2
    assert {"Size in the device", "Accuracy", "200 kB"} <= {*found}
    assert sides(rows) == "Lower left is better in size, upper left in accuracy."


@pytest.mark.parametrize(
    ("accuracies", "label", "said"),
    [
        ((0.9947, 0.9947), "onnx fp32", "Lower left is better. Accuracy of all: 99.47 %."),
        ((0.9947, 0.9948), "onnx fp32, 99.47 %", "Lower left is better. Accuracy stands beside the names."),
        ((0.9947, None), "onnx fp32, 99.47 %", "Lower left is better. Accuracy of all: 99.47 %."),
        ((None, None), "onnx fp32", "Lower left is better."),
    ],
)
def test_where_accuracy_is_the_same_there_is_one_panel_and_it_is_said_in_words(accuracies, label, said):
    rows = [row("onnx", "fp32", 60, 818e3, accuracies[0]), row("tflite", "int8", 41, 214e3, accuracies[1])]
    found = words(tradeoff(rows))
    assert found.count(label) == 1
    assert "Accuracy" not in found
    assert sides(rows) == said


def test_names_of_ten_files_do_not_cover_each_other():
    times = {"c": (3.9, 12), "tflite": (14, 23, 13, 23), "onnx": (34, 25, 26, 26)}
    sizes = {"int8": 215e3, "fp32": 819e3, "int8-weights": 210e3, "fp16": 412e3}
    rows = [
        row(form, precision, p50_us, size_bytes, 0.9947 if precision == "fp32" else 0.9948)
        for form, each in times.items()
        for p50_us, (precision, size_bytes) in zip(each, sizes.items(), strict=False)
    ]
    figure = Figure(figsize=ONE_PANEL_INCHES, layout="constrained")
    draw(figure, svg.ON_PAPER, rows)
    figure.draw_without_rendering()
    found = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the line to its point
    assert len(found) == 10
    for one, other in itertools.combinations(found, 2):
        width, height = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
        assert max(0, width) * max(0, height) < 0.1 * one.height**2


def test_tradeoff_without_labels_has_no_accuracy():
    found = words(tradeoff([row("onnx", "fp32", 60, 818e3, accuracy=None)]))
    assert "Size in the device" in found
    assert "Accuracy" not in found


def test_tradeoff_tells_providers_and_files_apart():
    twice = [row("onnx", "fp32", 60, 818e3), row("onnx", "fp32", 9, 818e3, provider="cuda")]
    assert {"onnx fp32", "onnx fp32 cuda"} <= {*words(tradeoff(twice))}
    same = [row("onnx", "fp32", 60, 818e3), row("onnx", "fp32", 30, 400e3)]
    assert "classic.fp32.onnx" in words(tradeoff(same))


def test_a_few_hundredths_of_a_point_do_not_look_like_a_cliff():
    found = words(tradeoff([row("onnx", "fp32", 60, 8e5, 0.9950), row("onnx", "int8", 50, 2e5, 0.9920)]))
    marks = sorted(float(text[:-2]) for text in found if re.fullmatch(r"\d+\.\d+ %", text))
    assert marks[-1] - marks[0] >= 0.6


@pytest.mark.parametrize(("slowest", "logarithmic"), [(100, False), (10_000, True)])
def test_values_far_apart_get_a_logarithmic_axis(slowest, logarithmic):
    found = words(tradeoff([row("onnx", "fp32", 50, 8e5, None), row("keras", "fp32", slowest, 8e5, None)]))
    assert ("1.0 ms" in found) is logarithmic


def test_files_that_another_one_beats_are_hollow():
    rows = [row("onnx", "fp32", 60, 818e3), row("tflite", "fp32", 48, 700e3)]
    plain = tradeoff(rows)
    front = tradeoff([{**rows[0], "pareto": False}, {**rows[1], "pareto": True}])
    assert 'Beaten by no other file: tflite fp32"' in front
    assert (plain.count("fill-opacity: 0; stroke"), front.count("fill-opacity: 0; stroke")) == (0, 1)
