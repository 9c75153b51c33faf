import numpy as np
import pytest
import tf_keras as keras
from tf_keras import layers

from digitedge.export.source import make_source
from digitedge.measure.parity import softmax
from digitedge.runtime.keras import digest_of, wrap

ENDS = {
    "in the dense layer": [layers.Dense(3, activation="softmax")],
    "in an activation": [layers.Dense(3), layers.Activation("softmax")],
    "in a layer of its own": [layers.Dense(3), layers.Softmax()],
}


@pytest.mark.parametrize("end", ENDS)
def test_logits_are_what_stands_before_the_softmax_wherever_it_stands(end):
    keras.utils.set_random_seed(0)
    images = layers.Input((4, 4, 1))
    value = layers.Flatten()(images)
    for layer in ENDS[end]:
        value = layer(value)
    original = wrap(keras.Model(images, value), ("a", "b", "c"), name="x")
    source = make_source("x", original, "logits")
    batch = np.random.default_rng(0).random((5, 4, 4, 1), np.float32)
    np.testing.assert_allclose(softmax(source.network(batch).numpy()), original(batch), atol=1e-6)
    assert source.digest == original.source_digest
    assert (source.spec.output_name, source.spec.output_kind) == ("logits", "logits")


def test_probabilities_are_the_network_itself(tiny_model):
    source = make_source("tiny", tiny_model, "probabilities")
    assert source.network is tiny_model.network
    assert (source.name, source.spec, source.digest) == ("tiny", tiny_model.spec, tiny_model.source_digest)


def test_cutting_the_softmax_off_leaves_the_original_as_it_was(tiny_model):
    make_source("tiny", tiny_model, "logits")
    assert digest_of(tiny_model.network) == tiny_model.source_digest
    assert digest_of(keras.models.clone_model(tiny_model.network)) != tiny_model.source_digest
