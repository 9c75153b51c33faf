"""What holds for every format: each file of digitedge/export that defines `convert`."""

import hashlib
import json
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
from digitedge.measure.limits import LIMITS, Evidence, judge, reason
from digitedge.measure.parity import compare, softmax
from digitedge.registry import entries
from digitedge.runtime.keras import wrap
from digitedge.runtime.loading import load, score

FORMATS = entries("digitedge.export", "convert")
HOLDS = {name: entries("digitedge.runtime", "SUFFIX")[name] for name in FORMATS}
CASES = [(name, precision) for name in FORMATS for precision in HOLDS[name].PRECISIONS]
RAW = [(*case, "uint8") for case in CASES if "uint8" in HOLDS[case[0]].INPUTS]
RAW += [(name, "int8", "int8") for name in FORMATS if "int8" in HOLDS[name].INPUTS]
LABELS = [(name, precision) for name, precision in CASES if "label" in HOLDS[name].OUTPUTS]

on_every_case = pytest.mark.parametrize(("form", "precision"), CASES)
on_every_format = pytest.mark.parametrize("form", sorted(FORMATS))


@pytest.fixture(scope="module")
def source(tiny_model):
    return make_source("tiny", tiny_model, "probabilities")


def convert(form, source, precision, calibration, config=ExportConfig()):  # noqa: B008 (frozen)
    return FORMATS[form].convert(source, precision, config, calibration if precision == "int8" else None)


def exported(form, source, precision, calibration, folder, config=ExportConfig()):  # noqa: B008 (frozen)
    path = folder / f"x{FORMATS[form].SUFFIX}"
    made = convert(form, source, precision, calibration, config)
    path.write_bytes(made.data)
    for suffix, data in made.companions.items():
        path.with_suffix(suffix).write_bytes(data)
    model = load(path)
    assert model.spec == made.spec
    return model


def changed(model, change):
    """The model with other weights: `change` takes an array and its number, and gives another array."""
    network = keras.models.clone_model(model.network)
    network.set_weights([change(number, array.copy()) for number, array in enumerate(model.network.get_weights())])
    return make_source("tiny", wrap(network, model.spec.classes, name="changed"), "probabilities")


def rejection(model, golden):
    decisions_only = model.spec.output_kind == "label"
    parity = compare(golden.scores, score(model, golden.images), golden.labels, decisions_only=decisions_only)
    return reason(judge(Evidence(parity), LIMITS[model.precision]))


def test_every_format_is_held_to_the_contract():
    assert set(FORMATS) == {"c99", "onnx", "tflite"}
    assert set(FORMATS) <= set(entries("digitedge.runtime", "SUFFIX")), "what is written must be read"
    for name, module in FORMATS.items():
        assert module.SUFFIX == entries("digitedge.runtime", "SUFFIX")[name].SUFFIX


@on_every_case
def test_the_file_decides_as_the_original(form, precision, source, every_file, tiny_golden):
    model = load(every_file / f"tiny.{precision}{FORMATS[form].SUFFIX}")
    assert rejection(model, tiny_golden) is None
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
    assert "of 200 images get another label than the reference gives" in rejection(model, tiny_golden)


@on_every_format
def test_a_change_that_flips_no_label_is_rejected_in_float(form, tiny_model, calibration, tiny_golden, tmp_path):
    def shift(number, array):
        return array + 0.05 * np.arange(10, dtype=np.float32) if number == 5 else array  # the last bias

    model = exported(form, changed(tiny_model, shift), "fp32", calibration, tmp_path)
    parity = compare(tiny_golden.scores, score(model, tiny_golden.images), tiny_golden.labels)
    assert not parity.flips
    assert reason(judge(Evidence(parity), LIMITS["fp32"])).startswith("a score differs by ")


@on_every_format
def test_a_weight_that_is_not_a_number_is_rejected(form, tiny_model, calibration, tiny_golden, tmp_path):
    def spoil(number, array):
        if number == 4:
            array[0, 3] = np.nan
        return array

    model = exported(form, changed(tiny_model, spoil), "fp32", calibration, tmp_path)
    assert "of 200 images give a score that is not a finite number" in rejection(model, tiny_golden)


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
    assert rejection(logits, tiny_golden) is None


@pytest.mark.parametrize(("form", "precision", "takes"), RAW)
def test_integers_in_decide_as_floats_in(
    form, precision, takes, source, calibration, every_file, tiny_golden, tmp_path
):
    config = ExportConfig(input=takes, int8=True)
    model = exported(form, source, precision, calibration, tmp_path, config)
    plain = load(every_file / f"tiny.{precision}{FORMATS[form].SUFFIX}")
    assert (model.spec.input_dtype, plain.spec.input_dtype) == (takes, "float32")
    expected = score(plain, tiny_golden.images)
    # The scale of raw pixels may be part of the first weights, which are then rounded another way.
    tolerance = {"fp32": 1e-6, "fp16": 2e-3, "int8-weights": 1e-6, "int8": 0}[precision]
    np.testing.assert_allclose(score(model, tiny_golden.images), expected, rtol=0, atol=tolerance)
    assert np.ptp(expected, axis=0).min() > 0.5
    assert rejection(model, tiny_golden) is None


@on_every_format
def test_the_integers_of_an_int8_file_leave_the_float_file_as_it_is(form, source, calibration, every_file):
    if "int8" in HOLDS[form].INPUTS:
        made = convert(form, source, "fp32", calibration, ExportConfig(input="int8", int8=True))
        assert made.data == (every_file / f"tiny.fp32{FORMATS[form].SUFFIX}").read_bytes()


@pytest.mark.parametrize(("form", "precision"), LABELS)
def test_a_label_is_the_decision_alone(form, precision, tiny_model, calibration, tiny_golden, tmp_path):
    model = exported(form, make_source("tiny", tiny_model, "label"), precision, calibration, tmp_path)
    assert (model.spec.output_name, model.spec.output_kind) == ("label", "label")
    scores = score(model, tiny_golden.images)
    assert (scores.dtype, scores.shape) == (np.float32, (200, 10))
    assert scores.argmax(axis=1).tolist() == tiny_golden.scores.argmax(axis=1).tolist()
    assert set(np.unique(scores)) == {0, 1}
    assert rejection(model, tiny_golden) is None


@on_every_format
def test_a_label_file_with_other_weights_is_rejected(form, tiny_model, calibration, tiny_golden, tmp_path):
    network = changed(tiny_model, negate_last).network
    other = make_source("tiny", wrap(network, tiny_model.spec.classes, name="changed"), "label")
    model = exported(form, other, "fp32", calibration, tmp_path)
    assert "of 200 images get another label than the reference gives; none may" in rejection(model, tiny_golden)


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
        print(name, precision, hashlib.sha256(made.data).hexdigest())
"""


def test_the_same_weights_give_the_same_bytes_in_another_process(tiny_run, every_file, calibration, tmp_path):
    np.save(tmp_path / "calibration.npy", np.concatenate([calibration.images, calibration.held_out]))
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, tiny_run, tmp_path / "calibration.npy"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    lines = [
        f"{form} {precision} {hashlib.sha256((every_file / name).read_bytes()).hexdigest()}"
        for form, precision in CASES
        for name in (f"tiny.{precision}{FORMATS[form].SUFFIX}",)
    ]
    assert done.stdout.splitlines() == lines


@on_every_case
def test_the_file_says_what_is_in_it(form, precision, source, calibration):
    made = convert(form, source, precision, calibration)
    assert made.operators[{"c99": "conv", "onnx": "Conv", "tflite": "CONV_2D"}[form]] == 2
    assert list(made.operators) == sorted(made.operators)
    assert made.min_runtime.split()[0] in {"onnxruntime", "tensorflow", "C99"}
    assert json.loads(json.dumps(made.facts)) == made.facts


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
