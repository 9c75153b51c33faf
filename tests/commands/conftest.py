"""Small data for the commands, in the forms that people have it in."""

import csv
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from digitedge.dataset import Splits


@pytest.fixture
def few_digits(tiny_digits):
    """100 training and 50 test digits, as many of each class."""

    def few(dataset, number):
        return dataset.take(np.concatenate([np.flatnonzero(dataset.labels == label)[:number] for label in range(10)]))

    return Splits(few(tiny_digits.train, 10), few(tiny_digits.test, 5))


@pytest.fixture
def data(few_digits, tmp_path):
    """Path of an .npz with 100 training and 50 test digits."""
    train, test = few_digits.train, few_digits.test
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


@pytest.fixture
def table():
    """Writes a CSV in Kaggle's form."""

    def write(path, images, labels=None, *, pixels=784):
        """A CSV in Kaggle's form; `images` are rows of whatever is to stand there."""
        header = [*([] if labels is None else ["label"]), *(f"pixel{index}" for index in range(pixels))]
        heads = [[]] * len(images) if labels is None else [[label] for label in labels]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *([*head, *image] for head, image in zip(heads, images, strict=True))])
        return path

    return write


@pytest.fixture
def workstation():
    """What a device with ONNX Runtime has not: process(..., without=workstation)."""
    return (
        "tensorflow", "tf_keras", "keras", "onnx", "tf2onnx", "filelock", "ai_edge_litert", "matplotlib", "jinja2",
    )  # fmt: skip


@pytest.fixture
def trained(tiny_run, tmp_path):
    """Path of a run folder as `digitedge train` leaves it."""
    folder = tmp_path / "runs" / "tiny"
    folder.mkdir(parents=True)
    for name in ("model.keras", "train.json"):
        shutil.copy(tiny_run / name, folder)
    return folder


@pytest.fixture(scope="session")
def branching():
    """The module branching.py: imported here, since tests are no package."""
    spec = importlib.util.spec_from_file_location("branching", Path(__file__).parent / "branching.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(branching, tmp_path_factory):
    """Path of a folder with the branching network as net.keras, and as .onnx and .tflite in every precision."""
    return branching.saved(tmp_path_factory.mktemp("layers"))
