import subprocess
import sys

import pytest
import tensorflow as tf
import tf_keras as keras

from digitedge.config import TrainConfig
from digitedge.errors import ContentError
from digitedge.training.deterministic import refuse_hidden_state
from digitedge.training.device import choose
from digitedge.training.learning import Learning

L = keras.layers


class Drawing(L.Layer):
    """A layer of the user's own that draws random numbers."""

    def __init__(self, draw, **others):
        super().__init__(**others)
        self.draw = draw

    def call(self, inputs, training=False):
        return inputs + self.draw(tf.shape(inputs)) if training else inputs

    def get_config(self):
        return super().get_config() | {"draw": self.draw}


def learning(tiny_digits, layer, *, deterministic=True):
    network = keras.Sequential([L.Input((28, 28, 1)), layer, L.Flatten(), L.Dense(10, activation="softmax")])
    config = TrainConfig(augment="photo", batch_size=20, deterministic=deterministic)
    return Learning.of(network, tiny_digits.train.take(slice(40)), config, choose("cpu"))


def shuffled(shape):
    return tf.reshape(tf.random.shuffle(tf.zeros(tf.reduce_prod(shape))), shape)


@pytest.mark.parametrize(
    ("draw", "operator"),
    [
        (tf.random.uniform, "RandomUniform"),
        (tf.random.normal, "RandomStandardNormal"),
        (tf.random.truncated_normal, "TruncatedNormal"),
        (lambda shape: tf.cast(tf.random.uniform(shape, maxval=2, dtype=tf.int32), tf.float32), "RandomUniformInt"),
        (lambda shape: tf.random.gamma(shape, 1.0), "RandomGamma"),
        (lambda shape: tf.random.poisson(shape, 1.0), "RandomPoissonV2"),
        (shuffled, "RandomShuffle"),
    ],
)
def test_random_numbers_whose_state_is_hidden_are_refused(tiny_digits, draw, operator):
    with pytest.raises(ContentError) as caught:
        learning(tiny_digits, Drawing(draw))
    message = str(caught.value)
    assert message.startswith(f"--deterministic: the network draws random numbers by {operator} (")
    assert message.endswith("). Draw them by tf.random.Generator or a layer of Keras, whose state can be saved.")


def test_only_who_asks_for_the_same_bits_is_refused(tiny_digits):
    learning(tiny_digits, Drawing(tf.random.uniform), deterministic=False)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.Dropout(0.3),
        lambda: L.SpatialDropout2D(0.3),
        lambda: L.GaussianNoise(0.1),
        lambda: L.GaussianDropout(0.1),
        lambda: L.AlphaDropout(0.1),
        L.RandomFlip,
        lambda: L.RandomRotation(0.1),
        lambda: Drawing(tf.random.Generator.from_seed(1).normal),
        lambda: Drawing(lambda shape: tf.random.stateless_uniform(shape, [1, 2])),
        L.BatchNormalization,
    ],
)
def test_layers_of_keras_and_generators_are_not(tiny_digits, layer):
    learning(tiny_digits, layer())


def test_what_a_graph_calls_is_looked_through():
    @tf.function
    def inner(x):
        return x + tf.random.uniform(())

    @tf.function
    def outer(number):
        x = 0.0
        for _ in tf.range(number):
            x = tf.cond(x > 1.0, lambda x=x: inner(x), lambda x=x: x)
        return x

    graph = outer.get_concrete_function(tf.constant(3)).graph
    assert "RandomUniform" not in {operation.type for operation in graph.get_operations()}
    with pytest.raises(ContentError, match=r"by RandomUniform \("):
        refuse_hidden_state(graph)


def test_a_graph_without_random_numbers_passes():
    refuse_hidden_state(tf.function(lambda x: 2.0 * x).get_concrete_function(1.0).graph)


TWICE = """
import sys
from digitedge.runtime.keras import import_tensorflow
import_tensorflow("training")
import tensorflow as tf
from digitedge.training.deterministic import same_bits_each_time

tf.random.uniform(())
same_bits_each_time()
try:
    tf.random.uniform(())
except RuntimeError as error:
    assert "determinism" in str(error)
else:
    sys.exit("TensorFlow draws a random number without a seed")
"""


def test_tensorflow_is_told_for_the_whole_process():
    """In a process of its own: it cannot be taken back for the tests that follow."""
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
