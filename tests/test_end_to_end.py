"""The whole way on the real digits, as a user goes it: one command, then predictions with what it made."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from digitedge.artifact import read_golden

pytestmark = pytest.mark.e2e


def digitedge(folder, *words):
    """The document of a command that must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "digitedge", *map(str, words), "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="module")
def document(folder):
    """The `run` document of two epochs; every other setting is the default."""
    return digitedge(folder, "run", "--epochs", "2")


@pytest.fixture(scope="module")
def golden(document):
    return read_golden(Path(document["run"]) / "golden.npz")


def rows(document, precision):
    """Of every file of a precision the row of its own engine, which is the first."""
    first = {row["path"]: row for row in reversed(document["results"])}
    return [row for row in first.values() if row["precision"] == precision]


def test_the_network_has_learnt_the_digits(document):
    assert document["train"]["parameters"] == 203_933
    assert document["train"]["split"] == {"train": 55_200, "validation": 4_800, "test": 10_000}
    assert document["train"]["accuracy"] >= 0.985


@pytest.mark.parametrize("step", ["export", "verify"])
def test_fp32_decides_as_the_original_on_all_test_images(document, step):
    verified = document["export"]["verify"] if step == "export" else document["verify"]
    files = rows(verified, "fp32")
    assert {row["format"] for row in files} == {"onnx", "tflite"}
    assert [(row["n"], row["flips"], row["passed"]) for row in files] == [(10_000, 0, True)] * 2
    assert max(row["max_abs"] for row in files) <= 1e-5


def test_int8_loses_next_to_nothing(document):
    files = rows(document["verify"], "int8")
    assert {row["format"] for row in files} == {"onnx", "tflite"}
    assert min(row["agreement"] for row in files) >= 0.998
    assert max(row["accuracy_reference"] - row["accuracy"] for row in files) <= 0.001
    sizes = {(one["format"], one["precision"]): one["size_bytes"] for one in document["export"]["artifacts"]}
    assert sizes["onnx", "int8"] < sizes["onnx", "fp32"] / 3
    assert sizes["tflite", "int8"] < sizes["tflite", "fp32"] / 3


def test_every_file_was_timed_and_judged_again(document):
    results = document["bench"]["results"]
    assert [row["valid"] for row in results] == [True] * 4
    assert min(row["n"] for row in results) >= 1_024
    assert min(row["agreement"] for row in results) >= 0.998
    assert "Ship" in document["bench"]["verdict"]


def test_the_report_is_one_file_that_needs_no_other(document):
    page = Path(document["report"]).read_text()
    assert document["report"] == str(Path(document["run"]) / "report.html")
    assert re.findall(r"""(?:src|href|xlink:href)\s*=\s*["'](?!data:|#)[^"']*""", page) == []
    assert re.findall(r"""url\((?!["']?(?:data:|#))[^)]*""", page) == []
    assert "@import" not in page
    for name in ("classic.fp32.onnx", "classic.int8.onnx", "classic.fp32.tflite", "classic.int8.tflite"):
        assert name in page


def test_pictures_are_recognised_as_the_original_does(document, golden, folder):
    (folder / "pictures").mkdir()
    for number in range(50):
        Image.fromarray(golden.images[number, ..., 0]).save(folder / "pictures" / f"{number:02}.png")
    predicted = [one["label"] for one in digitedge(folder, "predict", "pictures")["predictions"]]
    assert predicted == [golden.classes[index] for index in golden.scores[:50].argmax(axis=1)]


def test_a_kaggle_csv_becomes_a_submission_of_what_the_original_decides(document, golden, folder):
    with (folder / "test.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"pixel{index}" for index in range(784)])
        writer.writerows(golden.images.reshape(len(golden.images), -1).tolist())
    digitedge(folder, "predict", "test.csv", "--csv", "result.csv")
    with (folder / "result.csv").open(newline="") as file:
        header, *submitted = csv.reader(file)
    assert header == ["ImageId", "Label"]
    decided = golden.scores.argmax(axis=1)
    assert submitted == [[str(number), golden.classes[index]] for number, index in enumerate(decided, start=1)]
