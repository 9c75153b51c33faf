"""TensorFlow Lite Micro decides as LiteRT does. An extra of its own: without it, these tests are left out."""

import sys

import numpy as np
import pytest

from digitedge.data.preprocess import to_unit
from digitedge.errors import ContentError, NotPresentError
from digitedge.runtime import tflite_micro
from digitedge.runtime.loading import engines_of, load


@pytest.fixture
def engine():
    """The name of the engine, where it is installed."""
    pytest.importorskip("tflite_micro")
    return "tflite-micro"


def test_without_it_the_pip_command_is_said(every_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(
        NotPresentError, match=r'tflite-micro is not installed; .* Type: pip install "digitedge\[micro\]"'
    ):
        load(every_file / "tiny.int8.tflite", engine="tflite-micro")


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_it_decides_as_litert_does(every_file, tiny_golden, engine, precision):
    path, images = every_file / f"tiny.{precision}.tflite", to_unit(tiny_golden.images)
    assert engines_of(path) == ("litert", engine)
    model, lite = load(path, engine=engine), load(path)
    assert model.engine.startswith("TensorFlow Lite Micro 0.")
    assert (model.spec, model.precision, model.source_digest) == (lite.spec, lite.precision, lite.source_digest)
    scores, expected = model(images), lite(images)
    assert (scores.dtype, scores.shape) == (np.float32, (200, 10))
    np.testing.assert_array_equal(scores.argmax(axis=1), expected.argmax(axis=1))
    # Both round; of int8 by two steps of the output's 1/256 at most.
    assert np.abs(scores - expected).max() <= (1e-5 if precision == "fp32" else 2 / 256)
    np.testing.assert_array_equal(model.scores_of(model.prepare(images[:2])()), scores[:2])


def test_integers_go_in_and_come_out(tmp_path, tiny_model, calibration, tiny_golden, engine):
    from digitedge.config import ExportConfig
    from digitedge.export.source import make_source
    from digitedge.export.tflite import convert

    source, path = make_source("tiny", tiny_model, "probabilities"), tmp_path / "x.tflite"
    path.write_bytes(convert(source, "int8", ExportConfig(int8=True, input="int8"), calibration).data)
    images = to_unit(tiny_golden.images[:50])
    assert load(path).spec.input_dtype == "int8"
    found, expected = (load(path, engine=name)(images) for name in (engine, "litert"))
    assert np.abs(found - expected).max() <= 2 / 256


@pytest.mark.parametrize(
    ("precision", "reason"),
    [
        ("fp16", r"DEQUANTIZE: input->type"),
        ("int8-weights", r"FULLY_CONNECTED: Input type: FLOAT32 with filter type: INT8"),
    ],
)
def test_what_it_cannot_hold_is_said_with_the_reason_and_nothing_is_printed(
    every_file, engine, capfd, precision, reason
):
    with pytest.raises(
        ContentError,
        match=rf"Micro cannot hold .*{precision}\.tflite: {reason}.* It has no float16",
    ):
        load(every_file / f"tiny.{precision}.tflite", engine=engine)
    assert capfd.readouterr() == ("", "")


def test_an_arena_that_is_too_small_grows(every_file, engine, monkeypatch):
    monkeypatch.setattr(tflite_micro, "ARENAS_BYTES", (1_000, 2**20))
    assert load(every_file / "tiny.int8.tflite", engine=engine).engine.startswith("TensorFlow Lite Micro")


def test_one_that_is_too_small_for_ever_is_said(every_file, engine, monkeypatch):
    monkeypatch.setattr(tflite_micro, "ARENAS_BYTES", (1_000, 2_000))
    with pytest.raises(ContentError, match=r"cannot hold .*: Failed to allocate .*memory"):
        load(every_file / "tiny.int8.tflite", engine=engine)


def test_another_image_is_not_answered_with_the_last_one(every_file, tiny_golden, engine):
    """What it gives is a copy: the next call must not change it."""
    path, images = every_file / "tiny.int8.tflite", to_unit(tiny_golden.images[:4])
    interpreter = load(path, engine=engine).interpreter
    rows = []
    for image in images:
        interpreter.set_tensor(0, image[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(0))
    assert len({row.tobytes() for row in rows}) > 1
