"""Pictures that are too many for the memory: the same run, its images read as they are needed."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from digitedge.artifact import read_golden
from digitedge.data import memory

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"


@pytest.fixture
def pictures(tiny_digits, tmp_path):
    """Path of a folder of pictures: 600 in train/0 to train/9, 50 in test/0 to test/9."""
    for part, digits in (("train", tiny_digits.train), ("test", tiny_digits.test.take(slice(50)))):
        for number, (pixels, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
            path = tmp_path / "pictures" / part / str(label) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(pixels[..., 0]).save(path)
    return tmp_path / "pictures"


WORDS = ("--model", ARCHITECTURE, "--epochs", 3, "--batch-size", 32, "--learning-rate", 0.01)


def the_way(digitedge, pictures, run):
    """The documents of train, export and verify, and what training said on the way."""
    trained = digitedge("train", "--data", pictures, *WORDS, "--out", run, "--json")
    assert trained.code == 0, trained.err
    others = [digitedge(*words, "--json") for words in (("export", run, "--int8"), ("verify", run))]
    assert [other.code for other in others] == [0, 0], [other.err for other in others]
    return trained.document, others[0].document["verify"], others[1].document, trained.err


def figures(verified):
    return [(row["format"], row["precision"], row["n"], row["flips"], row["accuracy"]) for row in verified["results"]]


def test_it_is_the_same_run(digitedge, pictures, monkeypatch):
    resident, *resident_checks, said = the_way(digitedge, pictures, "resident")
    assert "read from disk" not in said
    monkeypatch.setattr(memory, "resident_limit_bytes", lambda: 0)
    lazy, *lazy_checks, said = the_way(digitedge, pictures, "lazy")
    assert f"{pictures}/train: 0.5 MB decoded, read from disk as needed" in said
    for key in ("data", "validation_sha256", "test", "split", "class_counts", "accuracy"):
        assert lazy[key] == resident[key]
    np.testing.assert_allclose(lazy["history"]["loss"], resident["history"]["loss"], rtol=1e-4)
    assert [*map(figures, lazy_checks)] == [*map(figures, resident_checks)]
    golden, other = (read_golden(Path(run, "golden.npz")) for run in ("resident", "lazy"))
    np.testing.assert_array_equal(golden.images, other.images)
    np.testing.assert_allclose(golden.scores, other.scores, atol=1e-3)


def test_a_damaged_picture_that_is_met_on_the_way_is_named(digitedge, pictures, monkeypatch):
    monkeypatch.setattr(memory, "resident_limit_bytes", lambda: 0)
    damaged = min(pictures.glob("train/7/*.png"))
    damaged.write_bytes(damaged.read_bytes()[:-14])
    ended = digitedge("train", "--data", pictures, *WORDS)
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"{damaged} cannot be decoded: ")
    assert ended.error.endswith("It is damaged: save or copy it again.")


def test_the_first_of_them_are_shown_alike(digitedge, pictures, monkeypatch):
    words = ("show", "--data", pictures, "--limit", 30, "--overwrite", "--json")
    resident, drawn = digitedge(*words), Path("show.png").read_bytes()
    monkeypatch.setattr(memory, "resident_limit_bytes", lambda: 0)
    lazy = digitedge(*words)
    assert (lazy.code, lazy.document["labels"]) == (0, resident.document["labels"])
    assert "read from disk as needed" in lazy.err
    assert Path("show.png").read_bytes() == drawn
