"""digitedge train --size, and what it says of small data sets."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
QUICK = ("--model", ARCHITECTURE, "--epochs", "1")


@pytest.fixture
def photos(few_digits, tmp_path):
    """Path of a folder of 100 pictures of three sizes, every other one in colour."""
    digits = few_digits.train
    for number, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (tmp_path / "photos" / str(label)).mkdir(parents=True, exist_ok=True)
        side = (28, 40, 56)[number % 3]
        picture = Image.fromarray(image[..., 0]).convert("RGB" if number % 2 else "L").resize((side, side))
        picture.save(tmp_path / "photos" / str(label) / f"{number}.png")
    return tmp_path / "photos"


def test_pictures_of_any_size_and_kind_are_trained_on_at_one_size(digitedge, photos, tmp_path):
    refused = digitedge("train", *QUICK, "--data", "photos")
    assert refused.code == 3
    assert refused.error.endswith("Bring all to one size and one kind, or train with --size.")
    assert not list(tmp_path.glob("runs/*"))
    ended = digitedge("train", *QUICK, "--data", "photos", "--size", "28", "--json")
    assert ended.code == 0
    assert ended.document["config"]["size"] == "28"
    assert ended.document["parameters"] == 2186, "three channels: 300 weights more than with one"
    assert f"66 of 100 images of {photos} resized to 28x28\n" in ended.err
    assert f"50 of 100 images of {photos} converted from grey to RGB\n" in ended.err


def test_without_a_size_none_is_recorded_and_nothing_is_said(digitedge, data):
    ended = digitedge("train", *QUICK, "--data", data, "--json")
    assert ended.document["config"]["size"] is None
    assert "resized" not in ended.err


def test_height_comes_first_and_a_test_set_of_another_size_is_resized_too(digitedge, data, few_digits, tmp_path):
    test = few_digits.test
    np.savez(tmp_path / "large.npz", images=test.images.repeat(2, axis=1).repeat(2, axis=2), labels=test.labels)
    words = ("train", *QUICK, "--data", data, "--test", "large.npz", "--size", "28x40")
    ended = digitedge(*words, "--json")
    assert ended.code == 0
    assert ended.document["split"]["test"] == 50
    assert f"100 of 100 images of {data} resized to 28x40 (height x width)\n" in ended.err
    assert f"50 of 50 images of {tmp_path / 'large.npz'} resized to 28x40 (height x width)\n" in ended.err
    assert "50 of 50 images of " + str(data) not in ended.err, "the part that is not used is not spoken of"


def test_a_size_that_is_none_is_2_before_anything_is_read(digitedge, tmp_path):
    for command in ("train", "run"):
        ended = digitedge(command, "--data", "nowhere", "--size", "big")
        assert (ended.code, ended.out) == (2, "")
        assert ended.error == "--size is big. It must be 32 or 32x48 (height x width), each from 1 to 4096."
    assert list(tmp_path.iterdir()) == []


def test_a_size_too_small_for_the_architecture_is_3_and_leaves_no_folder(digitedge, data, tmp_path):
    ended = digitedge("train", *QUICK, "--data", data, "--size", "2")
    assert ended.code == 3
    assert "cannot build a network for (2, 2, 1)" in ended.error
    assert not list(tmp_path.glob("runs/*"))


def test_what_a_small_data_set_leaves_unjudged_is_said(digitedge, data, tiny_digits, tmp_path):
    ended = digitedge("train", *QUICK, "--data", data)
    assert f"{data}: 8 images are held out for 10 classes: validation says little.\n" in ended.err
    large = tiny_digits.train
    np.savez(tmp_path / "large.npz", images=large.images, labels=large.labels)
    enough = digitedge("train", *QUICK, "--data", "large.npz")
    assert enough.code == 0
    assert "held out" not in enough.err
