import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from digitedge import images
from digitedge.errors import ContentError, UnknownNameError
from digitedge.runtime import keras, tflite
from digitedge.runtime.loading import engines_of, format_of, load, score
from digitedge.spec import Spec, image_spec


@pytest.mark.parametrize(("name", "form"), [("a.onnx", "onnx"), ("a.b.tflite", "tflite"), ("model.keras", "keras")])
def test_the_suffix_says_the_format(name, form):
    assert format_of(Path(name)) == form


@pytest.mark.parametrize("name", ["a.pb", "a.ONNX", "onnx", "a.onnx.bak", ".onnx"])
def test_another_suffix_is_answered_with_those_that_are_read(name):
    known = r"\.c, \.keras, \.onnx, \.tflite"
    with pytest.raises(ContentError, match=rf"is not a model that digitedge reads\. It must end in one of {known}"):
        load(Path(name))


@pytest.mark.parametrize(
    ("name", "engine"), [("a.onnx", "onnxruntime"), ("a.tflite", "litert"), ("a.keras", "tensorflow")]
)
def test_the_engines_of_a_format_are_those_that_are_installed_the_default_first(name, engine):
    assert engines_of(Path(name))[0] == engine


def test_an_engine_that_is_not_installed_is_not_among_them(monkeypatch):
    for module in (keras, tflite):
        monkeypatch.setattr(module, "installed", lambda _: False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setenv("PATH", "")
    assert [engines_of(Path(name)) for name in ("a.onnx", "a.tflite", "a.keras", "a.c")] == [()] * 4


@pytest.mark.parametrize(("name", "choices"), [("a.onnx", "onnxruntime"), ("a.tflite", "litert"), ("a.keras", "tens")])
def test_an_engine_of_another_format_is_answered_with_the_choices(name, choices):
    with pytest.raises(UnknownNameError, match=rf"unknown engine: tflm\. Choose from: {choices}"):
        load(Path(name), engine="tflm")


@dataclass
class Echo:
    """Gives the brightness of an image as the score of class 1, of 0 as that of class 0."""

    spec: Spec

    def __call__(self, images):
        assert images.dtype == np.float32
        assert images.max() <= 1
        return np.stack([np.zeros(len(images), np.float32), images.mean(axis=(1, 2, 3))], axis=1)


IMAGES = np.full((5, 2, 2, 1), 255, np.uint8) * np.arange(5, dtype=np.uint8)[:, None, None, None] // 4


def test_a_model_is_scored_in_batches_on_pixels_from_0_to_1():
    model = Echo(image_spec((2, 2, 1), ("dark", "bright"), "NHWC"))
    whole = score(model, IMAGES)
    np.testing.assert_array_equal(whole, score(model, IMAGES, batch_size=2))
    assert (whole.shape, whole[:, 0].tolist()) == ((5, 2), [0.0] * 5)


def test_logits_are_scored_as_probabilities():
    spec = replace(image_spec((2, 2, 1), ("dark", "bright"), "NHWC"), output_kind="logits")
    scores = score(Echo(spec), IMAGES[:1])
    np.testing.assert_allclose(scores, [[0.5, 0.5]])


def test_images_that_are_not_in_memory_are_scored_alike_and_batch_by_batch(elsewhere):
    model, stored = Echo(image_spec((2, 2, 1), ("dark", "bright"), "NHWC")), elsewhere(IMAGES)
    np.testing.assert_array_equal(score(model, stored, batch_size=2), score(model, IMAGES))
    assert stored.reads == [2, 2, 1]


def test_of_large_images_a_batch_has_fewer(monkeypatch):
    monkeypatch.setattr(images, "BLOCK_BYTES", 2 * IMAGES[0].nbytes)
    batches = []

    class Counting(Echo):
        def __call__(self, images):
            batches.append(len(images))
            return super().__call__(images)

    score(Counting(image_spec((2, 2, 1), ("dark", "bright"), "NHWC")), IMAGES)
    assert batches == [2, 2, 1]


@pytest.mark.parametrize("name", ["huge.onnx", "huge.tflite", "huge.c"])
def test_a_file_larger_than_its_format_holds_is_not_read(tmp_path, monkeypatch, name):
    with (tmp_path / name).open("wb") as file:
        file.truncate(3_000_000_000)
    monkeypatch.setattr("digitedge.files.read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(ContentError, match=rf"{name} is 3\.0 GB; a file of that kind holds 2\.1 GB at most\."):
        load(tmp_path / name)
