"""Kaggle's digit-recognizer, start to end: train on train.csv, and hand in result.csv for test.csv."""

import csv
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from digitedge.data.loading import load
from digitedge.report.sheet import CAPTION, GAP, MARGIN, TILE

pytestmark = pytest.mark.e2e

PIXELS = [f"pixel{index}" for index in range(784)]


@pytest.fixture(scope="module")
def competition(tmp_path_factory):
    """Path of a folder with train.csv and test.csv, and the test digits with labels, which no competitor has."""
    folder, digits = tmp_path_factory.mktemp("kaggle"), load("mnist-kaggle")
    rows = np.column_stack([digits.train.labels, digits.train.images.reshape(-1, 784)])
    write(folder / "train.csv", ["label", *PIXELS], rows)
    write(folder / "test.csv", PIXELS, digits.test.images.reshape(-1, 784))
    return folder, digits.test


def write(path, header, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows.tolist())


def shape_of(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert {len(row) for row in rows} == {len(header)}
    return len(rows), len(header)


def test_from_the_training_table_to_a_submission(digitedge, competition):
    folder, test = competition
    assert shape_of(folder / "train.csv") == (42_000, 785)
    assert shape_of(folder / "test.csv") == (28_000, 784)

    trained = digitedge("train", "--data", folder / "train.csv", "--epochs", 1, "--json")
    assert trained.code == 0, trained.err
    assert trained.document["split"] == {"train": 38_640, "validation": 3_360, "test": 0}
    assert (trained.document["accuracy"], trained.document["test_set"]) == (None, "validation")

    exported = digitedge("export", "--json")
    assert exported.code == 0, exported.err
    assert exported.document["passed"] is True

    words = ["predict", folder / "test.csv", "--csv", "result.csv", "--picture", "ten.png"]
    predicted = digitedge(*words)
    assert predicted.code == 0, predicted.err

    check_submission("result.csv", test.labels)
    check_picture("ten.png", test.images)

    again = digitedge(*words)
    assert (again.code, again.error.split()[0]) == (2, "result.csv")


def check_submission(path, labels):
    """Byte for byte as the competition asks for it: `ImageId,Label`, then 1,<digit> to 28000,<digit>."""
    submitted = Path(path).read_bytes()
    header, *lines = submitted.decode("ascii").splitlines()
    numbers, decided = zip(*(line.split(",") for line in lines), strict=True)
    assert header == "ImageId,Label"
    assert numbers == tuple(str(number) for number in range(1, 28_001))
    assert set(decided) == set("0123456789")
    assert submitted.endswith(b"\n")
    assert b"\r" not in submitted
    assert (np.array(decided).astype(int) == labels).mean() > 0.95


def check_picture(path, digits):
    """Ten different test digits, pixel for pixel and not merely the first ones, in two rows of five."""
    with PIL.Image.open(path) as picture:
        assert picture.format == "PNG"
        page = np.asarray(picture.convert("L"))
    tile = TILE + CAPTION, TILE
    tops, lefts = (range(MARGIN, length - TILE, step + GAP) for length, step in zip(page.shape, tile, strict=True))
    drawn = [page[top : top + TILE : 5, left : left + TILE : 5] for top in tops for left in lefts]
    places = [int(np.flatnonzero((digits[..., 0] == one).all(axis=(1, 2)))[0]) for one in drawn]
    assert len(set(places)) == 10
    assert places == sorted(places)
    assert max(places) > 1_000
