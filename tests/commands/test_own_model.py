"""Models that digitedge has not trained, from the command line: what they take, what they are called, what fails."""

import keras as keras3
import numpy as np
import pytest
import tf_keras

from digitedge.artifact import read_golden, read_manifest
from digitedge.registry import entries
from digitedge.runtime.loading import load

# Keras 3.15 saves as NumPy before 2.0 was asked: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


FORMATS = [word for name in entries("digitedge.export", "convert") for word in ("--to", name)]


def network(keras, *first, last="softmax", channels=1):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    middle = [layers.Conv2D(4, 3, activation="relu"), layers.Flatten()]
    return keras.Sequential([layers.Input((8, 6, channels)), *first, *middle, layers.Dense(3, activation=last)])


@pytest.fixture
def mine(tmp_path):
    """mine(network) saves it as mine.keras."""

    def save(model):
        model.save(tmp_path / "mine.keras")
        return tmp_path / "mine.keras"

    return save


@pytest.fixture
def pictures(tmp_path):
    """Images of three named classes, which the names of their folders give."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "eel"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for index in range(4):
            pixels = rng.integers(0, 256, (8, 6), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{index}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("keras", [tf_keras, keras3], ids=["tf-keras", "Keras 3"])
def test_a_rescaling_is_told_and_stands_in_the_description(digitedge, mine, tmp_path, keras):
    path = mine(network(keras, keras.layers.Rescaling(1 / 255), channels=3))
    done = digitedge("export", path, "--to", "onnx")
    assert done.code == 0, done.err
    assert (
        "mine.keras begins with Rescaling (scale 0.003922, offset 0), which stays in the network: it gets" in done.err
    )
    model = load(tmp_path / "runs" / "mine" / "mine.fp32.onnx")
    assert (model.spec.range, model.spec.input_shape) == ((0.0, 255.0), (8, 6, 3))
    assert np.ptp(read_golden(tmp_path / "runs" / "mine" / "golden.npz").scores, axis=0).max() > 0.1
    assert digitedge("verify", tmp_path / "runs" / "mine").code == 0


@pytest.mark.parametrize("keras", [tf_keras, keras3], ids=["tf-keras", "Keras 3"])
def test_a_normalization_stays_in_the_network_in_every_format(digitedge, mine, keras):
    layer = keras.layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[3600.0, 3000.0, 2500.0])
    path = mine(network(keras, keras.layers.RandomFlip(), layer, channels=3))
    assert "begins with Normalization (mean 120, 110, 100, variance 3600" in digitedge("export", path).error
    done = digitedge("export", path, "--input-range", "0..255", *FORMATS, "--json")
    assert done.code == 0, done.err
    assert [row["passed"] for row in done.document["verify"]["results"]] == [True] * (len(FORMATS) // 2)


def test_the_user_says_what_it_takes(digitedge, mine, tmp_path):
    words = ["--input-range", "-1..1", "--mean", "0.1", "--std", "0.5"]
    done = digitedge("export", mine(network(tf_keras)), *words, "--to", "onnx")
    assert done.code == 0, done.err
    assert "mine.keras gets pixels as -1..1, less a mean of 0.1, over a deviation of 0.5" in done.err
    model = load(tmp_path / "runs" / "mine" / "mine.fp32.onnx")
    assert (model.spec.range, model.spec.mean, model.spec.std) == ((-1.0, 1.0), (0.1,), (0.5,))


def test_the_original_is_compared_on_the_pixels_that_it_was_exported_with(digitedge, mine, tmp_path):
    path = mine(network(tf_keras))
    assert digitedge("export", path, "--input-range", "0..255", "--std", "60", "--to", "onnx").code == 0
    exported = tmp_path / "runs" / "mine" / "mine.fp32.onnx"
    assert digitedge("verify", exported, "--reference", path).code == 0
    other = network(tf_keras)
    other.layers[-1].set_weights([-weight for weight in other.layers[-1].get_weights()])
    assert digitedge("verify", exported, "--reference", mine(other)).code == 1


def test_other_pixels_make_another_file(digitedge, mine, tmp_path):
    path = mine(network(tf_keras))
    assert digitedge("export", path, "--to", "onnx").code == 0
    refused = digitedge("export", path, "--to", "onnx", "--input-range", "0..255")
    assert refused.code == 2
    assert "mine.fp32.onnx exists already" in refused.error
    assert digitedge("export", path, "--to", "onnx", "--input-range", "0..255", "--overwrite").code == 0
    (artifact,) = read_manifest(tmp_path / "runs" / "mine")
    assert artifact.spec.range == (0.0, 255.0)


def test_the_names_of_the_classes_are_those_of_the_images(digitedge, mine, tmp_path, pictures):
    done = digitedge("export", mine(network(tf_keras)), "--to", "onnx", "--data", pictures)
    assert done.code == 0, done.err
    assert load(tmp_path / "runs" / "mine" / "mine.fp32.onnx").spec.classes == ("cat", "dog", "eel")
    assert read_golden(tmp_path / "runs" / "mine" / "golden.npz").classes == ("cat", "dog", "eel")


def test_a_savedmodel_asks_for_the_range_and_is_exported_with_it(digitedge, tmp_path, capsys):
    network(tf_keras).export(str(tmp_path / "bought.v2"))
    asked = digitedge("export", tmp_path / "bought.v2")
    assert asked.code == 2
    assert asked.error == (
        "bought.v2 is a SavedModel, which does not say what range of pixels it takes. "
        "Add --input-range with one of 0..1, 0..255, -1..1."
    )
    done = digitedge("export", tmp_path / "bought.v2", "--input-range", "0..1")
    assert done.code == 0, done.err
    names = [one.path.name for one in read_manifest(tmp_path / "runs" / "bought.v2")]
    assert names == ["bought.v2.fp32.onnx", "bought.v2.fp32.tflite"]


def test_logits_are_exported_as_logits_or_labels(digitedge, mine, tmp_path):
    path = mine(network(tf_keras, last=None))
    refused = digitedge("export", path, "--to", "onnx")
    assert refused.code == 3
    assert refused.error == (
        "mine gives scores that are not probabilities. "
        "If they are logits, add --output logits or --output label; else let it end in a softmax."
    )
    done = digitedge("export", path, "--to", "onnx", "--output", "logits")
    assert done.code == 0, done.err
    assert load(tmp_path / "runs" / "mine" / "mine.fp32.onnx").spec.output_kind == "logits"
    assert digitedge("export", path, "--to", "onnx", "--output", "label", "--out", tmp_path / "label").code == 0


@pytest.mark.parametrize(
    ("last", "units", "error"),
    [
        ("sigmoid", 3, "gives scores that are not probabilities: .*Let it end in a softmax, not in a sigmoid."),
        (
            "sigmoid",
            1,
            "gives one score for each image. Let it give one for each of its two classes, and end in a soft",
        ),
    ],
)
def test_other_scores_are_refused_with_the_cure(digitedge, mine, last, units, error):
    import re

    layers = tf_keras.layers
    ends = [layers.Flatten(), layers.Dense(units, activation=last, bias_initializer="ones")]
    refused = digitedge("export", mine(tf_keras.Sequential([layers.Input((8, 6, 1)), *ends])))
    assert refused.code == 3
    assert re.search(error, refused.error)


def test_the_old_form_of_a_file_is_named(digitedge, tmp_path):
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    for words in (("export", "old.h5"), ("verify", "old.h5")):
        refused = digitedge(*words)
        assert refused.code == 3
        assert "old.h5 is not a .keras archive: it is an HDF5 file, Keras's old form. Save it with" in refused.error


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--input-range", "0..2"), "--input-range is 0..2. Choose from: 0..1, 0..255, -1..1."),
        (("--mean", "x"), "--mean is x. It must be one number, or one for each channel: --mean 0.485,0.456,0.406."),
        (("--std", "0"), "--std is 0. Images are divided by it: it must be above zero."),
    ],
)
def test_nonsense_is_told_before_anything_is_read(digitedge, words, error):
    refused = digitedge("export", "gone.keras", *words)
    assert (refused.code, refused.error) == (2, error)


def test_a_network_that_was_trained_here_is_known(digitedge, own_run):
    refused = digitedge("export", own_run, "--input-range", "0..255")
    assert refused.code == 2
    assert refused.error.endswith(
        "model.keras was trained here, on pixels as 0..1. "
        "Leave --input-range, --mean and --std out: they are for a model of your own."
    )
