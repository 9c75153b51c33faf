"""What holds for every architecture: each file of digitedge_models."""

import numpy as np
import pytest
import tf_keras as keras

from digitedge.config import ExportConfig
from digitedge.export.source import make_source
from digitedge.measure.limits import LIMITS, Evidence, judge, reason
from digitedge.measure.parity import compare
from digitedge.registry import entries, names
from digitedge.runtime.keras import load, wrap
from digitedge.runtime.loading import load as load_any
from digitedge.training.architectures import build
from digitedge.training.run import save

MODELS = entries("digitedge_models", "build")
# Another size, another number of channels, another number of classes.
SHAPES = [((28, 28, 1), 10), ((32, 32, 3), 4), ((28, 20, 1), 2)]

on_every_model = pytest.mark.parametrize("name", sorted(MODELS))


def spread(name, shape, classes):
    """The untrained network, its last layer scaled so that its decisions differ from image to image."""
    keras.utils.set_random_seed(3)
    network = build(name, shape, classes)
    images = (
        np.random.default_rng(0).random((64, *shape), np.float32)
        * np.linspace(0.1, 1, 64, dtype=np.float32)[:, None, None, None]
    )
    weights = network.get_weights()
    weights[-2] *= 30
    network.set_weights(weights)
    logits = np.log(network(images).numpy() + 1e-30)
    weights[-1] -= logits.mean(axis=0)
    network.set_weights(weights)
    return network, images


def test_every_file_is_an_architecture():
    assert set(names("digitedge_models")) == set(MODELS)


@on_every_model
@pytest.mark.parametrize(("shape", "classes"), SHAPES)
def test_it_gives_one_probability_for_each_class(name, shape, classes):
    network = build(name, shape, classes)
    scores = network(np.random.default_rng(0).random((7, *shape), np.float32)).numpy()
    assert scores.shape == (7, classes)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


@on_every_model
def test_it_is_named_after_its_file(name):
    assert build(name, (28, 28, 1), 10).name == name


@on_every_model
def test_the_same_seed_gives_the_same_weights(name):
    def weights():
        keras.utils.set_random_seed(5)
        return build(name, (28, 28, 1), 10).get_weights()

    for first, second in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@on_every_model
def test_it_survives_saving_without_code_of_its_own(name, tmp_path):
    network = build(name, (28, 28, 1), 10)
    save(network, tmp_path / "x.keras")
    assert load(tmp_path / "x.keras").source_digest == wrap(network, tuple("0123456789"), name=name).source_digest


@on_every_model
@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_it_is_exported_without_a_flipped_label(name, form, tmp_path):
    network, images = spread(name, (28, 28, 1), 10)
    original = wrap(network, tuple("0123456789"), name=name)
    scores = original(images)
    assert len(set(scores.argmax(axis=1))) >= 3, "a network that always decides alike proves nothing"
    module = entries("digitedge.export", "convert")[form]
    path = tmp_path / f"x.{form}"
    path.write_bytes(module.convert(make_source(name, original, "probabilities"), "fp32", ExportConfig(), None).data)
    parity = compare(scores, load_any(path)(images), None)
    assert reason(judge(Evidence(parity), LIMITS["fp32"])) is None
