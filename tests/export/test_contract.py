"""What holds for every format: each file of digitedge/export that defines `convert`."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.source import make_source
from digitedge.measure.limits import LIMITS, reason
from digitedge.measure.parity import compare, softmax
from digitedge.registry import entries
from digitedge.runtime.keras import wrap
from digitedge.runtime.loading import load, score

FORMATS = entries("digitedge.export", "convert")
CASES = [(name, precision) for name in FORMATS for precision in entries("digitedge.runtime", "SUFFIX")[name].PRECISIONS]

on_every_case = pytest.mark.parametrize(("form", "precision"), CASES)
on_every_format = pytest.mark.parametrize("form", sorted(FORMATS))


@pytest.fixture(scope="module")
def source(tiny_model):
    return make_source("tiny", tiny_model, "probabilities")


def convert(form, source, precision, calibration):
    return FORMATS[form].convert(source, precision, ExportConfig(), calibration if precision == "int8" else None)


def exported(form, source, precision, calibration, folder):
    path = folder / f"x{FORMATS[form].SUFFIX}"
    made = convert(form, source, precision, calibration)
    path.write_bytes(made.data)
    for suffix, data in made.companions.items():
        path.with_suffix(suffix).write_bytes(data)
    return load(path)


def changed(model, change):
    """The model with other weights: `change` takes an array and its number, and gives another array."""
    network = keras.models.clone_model(model.network)
    network.set_weights([change(number, array.copy()) for number, array in enumerate(model.network.get_weights())])
    return make_source("tiny", wrap(network, model.spec.classes, name="changed"), "probabilities")


def judge(model, golden):
    return reason(compare(golden.scores, score(model, golden.images), golden.labels), LIMITS[model.precision])


def test_every_format_is_held_to_the_contract():
    assert set(FORMATS) == {"onnx", "tflite"}
    assert set(FORMATS) <= set(entries("digitedge.runtime", "SUFFIX")), "what is written must be read"
    for name, module in FORMATS.items():
        assert module.SUFFIX == entries("digitedge.runtime", "SUFFIX")[name].SUFFIX


@on_every_case
def test_the_file_decides_as_the_original(form, precision, source, calibration, tiny_golden, tmp_path):
    model = exported(form, source, precision, calibration, tmp_path)
    assert judge(model, tiny_golden) is None
    assert (model.precision, model.source_digest) == (precision, source.digest)
    assert model.spec == FORMATS[form].spec_of(source)


def mirror_first(number, array):
    return array[:, ::-1] if number == 0 else array  # the kernels of the first convolution, left for right


def negate_last(number, array):
    return -array if number == 4 else array  # the weights of the dense layer


@on_every_case
@pytest.mark.parametrize("change", [mirror_first, negate_last])
def test_a_file_with_other_weights_is_rejected(form, precision, change, tiny_model, calibration, tiny_golden, tmp_path):
    assert set(tiny_golden.scores.argmax(axis=1)) == set(range(10))
    model = exported(form, changed(tiny_model, change), precision, calibration, tmp_path)
    assert "of 200 images get another label than the reference gives" in judge(model, tiny_golden)


@on_every_format
def test_a_change_that_flips_no_label_is_rejected_in_float(form, tiny_model, calibration, tiny_golden, tmp_path):
    def shift(number, array):
        return array + 0.05 * np.arange(10, dtype=np.float32) if number == 5 else array  # the last bias

    model = exported(form, changed(tiny_model, shift), "fp32", calibration, tmp_path)
    parity = compare(tiny_golden.scores, score(model, tiny_golden.images), tiny_golden.labels)
    assert not parity.flips
    assert reason(parity, LIMITS["fp32"]).startswith("a score differs by ")


@on_every_format
def test_a_weight_that_is_not_a_number_is_rejected(form, tiny_model, calibration, tiny_golden, tmp_path):
    def spoil(number, array):
        if number == 4:
            array[0, 3] = np.nan
        return array

    model = exported(form, changed(tiny_model, spoil), "fp32", calibration, tmp_path)
    assert "of 200 images give a score that is not a finite number" in judge(model, tiny_golden)


@on_every_format
def test_int8_without_calibration_images_is_a_mistake_of_the_caller(form, source):
    with pytest.raises(ValueError, match="int8 needs calibration images"):
        FORMATS[form].convert(source, "int8", ExportConfig(), None)


@on_every_format
def test_logits_are_the_scores_before_the_softmax(form, tiny_model, calibration, tiny_golden, tmp_path):
    logits = exported(form, make_source("tiny", tiny_model, "logits"), "fp32", calibration, tmp_path)
    assert (logits.spec.output_name, logits.spec.output_kind) == ("logits", "logits")
    raw = logits(tiny_golden.images.astype(np.float32) / 255)
    assert raw.min() < 0
    np.testing.assert_allclose(softmax(raw), tiny_golden.scores, atol=1e-6)
    assert judge(logits, tiny_golden) is None


AGAIN = """
import hashlib, sys
from pathlib import Path
import numpy as np
from digitedge.config import ExportConfig
from digitedge.export.quantize.calibration import Calibration
from digitedge.export.source import make_source
from digitedge.registry import entries
from digitedge.runtime.keras import load

run, images = Path(sys.argv[1]), np.load(sys.argv[2])
calibration = Calibration(images[:100], images[100:], None)
source = make_source("tiny", load(run / "model.keras"), "probabilities")
for name, module in entries("digitedge.export", "convert").items():
    for precision in entries("digitedge.runtime", "SUFFIX")[name].PRECISIONS:
        made = module.convert(source, precision, ExportConfig(), calibration if precision == "int8" else None)
        print(name, precision, hashlib.sha256(made.data + b"".join(made.companions.values())).hexdigest())
"""


def test_the_same_weights_give_the_same_bytes_in_another_process(tiny_run, calibration, tmp_path):
    np.save(tmp_path / "calibration.npy", np.concatenate([calibration.images, calibration.held_out]))
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, tiny_run, tmp_path / "calibration.npy"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    lines = [
        f"{form} {precision} {hashlib.sha256((tiny_run / f'tiny.{precision}.{form}').read_bytes()).hexdigest()}"
        for form, precision in CASES
    ]
    assert done.stdout.splitlines() == lines


@on_every_case
def test_the_file_says_what_is_in_it(form, precision, source, tiny_run):
    data = (tiny_run / f"tiny.{precision}{FORMATS[form].SUFFIX}").read_bytes()
    operators = FORMATS[form].operators(data)
    convolution = {"onnx": "Conv", "tflite": "CONV_2D"}[form]
    assert operators[convolution] == 2
    assert list(operators) == sorted(operators)
    assert FORMATS[form].min_runtime(data).split()[0] in {"onnxruntime", "tensorflow"}


@on_every_format
def test_names_of_classes_that_are_not_ascii_survive(form, tiny_model, calibration, tmp_path):
    classes = (*"012345678", "neun: 九")
    named = replace(tiny_model, spec=replace(tiny_model.spec, classes=classes))
    model = exported(form, make_source("tiny", named, "probabilities"), "fp32", calibration, tmp_path)
    assert model.spec.classes == classes


@on_every_format
def test_colour_images_of_any_shape_are_served(form, tmp_path):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [layers.Input((9, 7, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    original = wrap(network, ("a", "b", "c"), name="colour")
    model = exported(form, make_source("colour", original, "probabilities"), "fp32", None, tmp_path)
    images = np.random.default_rng(0).random((4, 9, 7, 3), np.float32)
    assert np.ptp(original(images), axis=0).max() > 0.01
    np.testing.assert_allclose(model(images), original(images), atol=1e-5)


def test_an_original_without_a_softmax_has_no_logits(tiny_model):
    layers = keras.layers
    network = keras.Sequential([layers.Input((2, 2, 1)), layers.Flatten(), layers.Softmax(), layers.Reshape((4,))])
    model = wrap(network, tuple("abcd"), name="x")
    with pytest.raises(
        ContentError, match=r"x ends in Reshape reshape.*, not in a softmax: it has no logits\. Export its prob"
    ):
        make_source("x", model, "logits")
