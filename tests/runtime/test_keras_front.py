"""What a network's first layer says of the pixels that it takes, against what the user says."""

import keras as keras3
import numpy as np
import pytest
import tf_keras

from digitedge.data.preprocess import to_unit
from digitedge.errors import UsageError
from digitedge.input_range import Scaling, scaling
from digitedge.runtime.keras import load, wrap
from digitedge.runtime.keras_front import described, front_of, range_expected

BOTH = pytest.mark.parametrize("keras", [tf_keras, keras3], ids=["tf-keras", "Keras 3"])
SILENT = scaling(None, None, None)
# Keras 3.15 saves as NumPy before 2.0 was asked: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def network(keras, *first, channels=1):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    ends = [layers.Flatten(), layers.Dense(3, activation="softmax")]
    return keras.Sequential([layers.Input((4, 4, channels)), *first, *ends])


def model(keras, *first, channels=1):
    return wrap(network(keras, *first, channels=channels), tuple("abc"), name="x")


@pytest.mark.parametrize(
    ("scale", "offset", "expected"),
    [
        (1 / 255, 0, (0, 255)),
        (0.00392, 0, (0, 255)),
        (1 / 127.5, -1, (0, 255)),
        (1 / 255, -0.5, (0, 255)),
        (2, -1, (0, 1)),
        (255, 0, (0, 1)),
        (0.5, 0.5, (-1, 1)),
        (127.5, 127.5, (-1, 1)),
        (1, 0, None),
        (1 / 256, 0, None),
        (3, 0, None),
        (0, 0, None),
        (float("nan"), 0, None),
    ],
)
def test_a_rescaling_expects_what_it_takes_to_the_usual_ranges(scale, offset, expected):
    assert range_expected(scale, offset) == expected


@BOTH
def test_a_rescaling_at_the_front_is_found_kept_and_told(keras):
    loaded = model(keras, keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255))
    assert front_of(loaded.network).range == (0.0, 255.0)
    _, sentence = described(loaded, scaling("0..255", None, None), name="x.keras")
    assert sentence == (
        "x.keras begins with Rescaling (scale 0.003922, offset 0), which stays in the network: it gets pixels as 0..255"
    )


@BOTH
def test_it_is_found_inside_a_model_in_the_model(keras):
    before = keras.Sequential([keras.layers.RandomRotation(0.1), keras.layers.Rescaling(2.0, offset=-1.0)])
    assert front_of(network(keras, before)).range == (0.0, 1.0)


@BOTH
def test_a_rescaling_further_on_or_on_one_way_of_two_says_nothing(keras):
    layers = keras.layers
    assert front_of(network(keras, layers.ReLU(), layers.Rescaling(1 / 255))) is None
    image = layers.Input((4, 4, 1))
    joined = layers.Concatenate()([layers.Rescaling(1 / 255)(image), layers.MaxPooling2D(1)(image)])
    assert front_of(keras.Model(image, layers.Dense(3)(layers.Flatten()(joined)))) is None


@BOTH
def test_a_file_with_a_rescaling_is_fed_what_it_expects(keras, saved):
    original = network(keras, keras.layers.Rescaling(1 / 255))
    loaded = load(saved(original))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 1), np.uint8)
    expected = np.asarray(original(pixels.astype(np.float32)))
    assert np.ptp(expected, axis=0).max() > 0.05
    np.testing.assert_allclose(loaded(to_unit(pixels)), expected, atol=1e-6)
    assert np.abs(np.asarray(original(to_unit(pixels))) - expected).max() > 0.05, "the wrong range would be seen"


def test_a_network_that_was_trained_here_has_only_seen_pixels_up_to_1(saved, tmp_path):
    path = saved(network(tf_keras, tf_keras.layers.Rescaling(1 / 255))).rename(tmp_path / "model.keras")
    assert load(path).spec.range == (0.0, 255.0)
    (tmp_path / "train.json").write_text('{"classes": ["a", "b", "c"]}')
    assert load(path).spec.range == (0.0, 1.0)


@BOTH
def test_a_range_that_contradicts_the_layer_is_refused_with_both(keras):
    loaded = model(keras, keras.layers.Rescaling(1 / 127.5, offset=-1.0))
    message = (
        r"x begins with Rescaling \(scale 0\.007843, offset -1\), which takes pixels as 0\.\.255, and --input-range"
    )
    with pytest.raises(UsageError, match=message + r" is -1\.\.1\. Leave --input-range out"):
        described(loaded, scaling("-1..1", None, None), name="x")


@BOTH
def test_a_normalization_asks_for_the_range(keras):
    layer = keras.layers.Normalization(mean=[120.0], variance=[3600.0])
    loaded = model(keras, layer)
    with pytest.raises(
        UsageError,
        match=r"x begins with Normalization \(mean 120, variance 3600\), which does not say .*Add --input-ran",
    ):
        described(loaded, SILENT, name="x")
    told, sentence = described(loaded, scaling("0..255", None, None), name="x")
    assert told.spec.range == (0.0, 255.0)
    assert "begins with Normalization (mean 120, variance 3600), which stays in the network" in sentence


def test_a_network_that_says_nothing_gets_0_to_1_and_the_user_is_told():
    told, sentence = described(model(tf_keras), SILENT, name="x")
    assert told.spec.range == (0.0, 1.0)
    assert sentence == "nothing in x says which pixels it takes: it gets pixels as 0..1 (--input-range)"


def test_mean_and_deviation_are_applied_after_the_range():
    loaded = model(tf_keras, channels=3)
    said = scaling("0..255", "123.7,116.3,103.5", "58.4,57.1,57.4")
    told, sentence = described(loaded, said, name="x")
    assert (
        sentence == "x gets pixels as 0..255, less a mean of 123.7, 116.3, 103.5, over a deviation of 58.4, 57.1, 57.4"
    )
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    expected = loaded.network((pixels - np.array(said.mean)) / np.array(said.std)).numpy()
    np.testing.assert_allclose(told(to_unit(pixels)), expected, atol=1e-5)
    assert np.abs(loaded(to_unit(pixels)) - expected).max() > 0.05


def test_a_number_a_channel_must_fit_the_channels():
    with pytest.raises(UsageError, match=r"--std has 3 numbers and the model takes images of 1 channel"):
        described(model(tf_keras), Scaling(std=(1.0, 2.0, 3.0)), name="x")
