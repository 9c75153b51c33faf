import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras
from tf_keras import layers

from digitedge.errors import ContentError, UsageError
from digitedge.runtime.keras import classes_of, digest_of, load, wrap
from digitedge.runtime.keras_checks import check_network
from digitedge.training.run import save


def small(*middle, shape=(4, 4, 1), last=None):
    keras.utils.set_random_seed(0)
    ends = [layers.Flatten(), last or layers.Dense(3, activation="softmax")]
    return keras.Sequential([layers.Input(shape), *middle, *ends])


def test_a_plain_model_loads_and_gives_what_it_gave(saved):
    network = small()
    images = np.random.default_rng(0).random((5, 4, 4, 1), np.float32)
    model = load(saved(network))
    np.testing.assert_allclose(model(images), network(images).numpy(), atol=1e-6)
    assert model.spec.classes == ("0", "1", "2")


def test_every_usual_layer_loads(saved):
    convolutions = [
        layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
    ]
    others = [
        layers.DepthwiseConv2D(3, padding="same"),
        layers.AveragePooling2D(2),
        layers.Dropout(0.1),
        layers.Rescaling(2.0),
    ]
    assert load(saved(small(*convolutions, *others))).spec.input_shape == (4, 4, 1)


def test_a_functional_model_with_a_branch_and_a_nested_model_loads(saved):
    images = layers.Input((4, 4, 1))
    branch = small(last=layers.Dense(3))(images)
    joined = layers.Add()([branch, layers.Dense(3)(layers.Flatten()(images))])
    network = keras.Model(images, layers.Softmax()(joined))
    network.compile(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10)), loss="mse")
    assert load(saved(network)).source_digest == digest_of(network)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: small(shape=(4, 4, 2)), r"takes \(None, 4, 4, 2\) and gives \(None, 3\)"),
        (lambda: keras.Sequential([layers.Input((4,)), layers.Dense(3)]), r"takes \(None, 4\) and gives \(None, 3\)"),
        (
            lambda: keras.Sequential([layers.Input((None, 4, 1)), layers.GlobalMaxPooling2D()]),
            r"takes \(None, None, 4, 1\)",
        ),
        (lambda: keras.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(3, 3)]), r"gives \(None, 2, 2, 3\)"),
    ],
)
def test_a_model_that_does_not_classify_images_is_refused(saved, network, message):
    with pytest.raises(
        ContentError, match=rf"x\.keras {message}|{message}.* It must take \(n, height, width, 1 or 3\)"
    ):
        load(saved(network()))


def test_a_model_that_was_never_built_is_refused():
    with pytest.raises(ContentError, match=r"the net takes \(\) and gives \(\)\. It must take \(n, height, width"):
        wrap(keras.Sequential([layers.Flatten(), layers.Dense(3)]), ("a", "b", "c"), name="the net")


def test_a_model_with_two_outputs_is_refused(saved):
    images = layers.Input((4, 4, 1))
    flat = layers.Flatten()(images)
    network = keras.Model(images, [layers.Dense(3, activation="softmax")(flat), layers.Dense(2)(flat)])
    with pytest.raises(ContentError, match=r"gives \(\(None, 3\), \(None, 2\)\)"):
        load(saved(network))


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_a_model_that_gives_no_probabilities_is_refused(activation):
    network = small(last=layers.Dense(3, activation=activation, bias_initializer="ones"))
    with pytest.raises(
        ContentError, match=r"the net gives scores that are not probabilities: .*\. Let it end in a softmax\."
    ):
        check_network(network, 3, name="the net")


def test_another_number_of_classes_is_refused():
    with pytest.raises(
        ContentError, match=r"the net takes \(None, 4, 4, 1\) and gives \(None, 3\)\. It must .* give \(n, 2\)"
    ):
        wrap(small(), ("a", "b"), name="the net")


def test_the_digest_survives_saving_and_loading(tiny_model, tiny_run):
    assert load(tiny_run / "model.keras").source_digest == tiny_model.source_digest == digest_of(tiny_model.network)


def test_the_digest_does_not_depend_on_the_archive_around_it(saved):
    network = small()
    first = load(saved(network)).source_digest
    with zipfile.ZipFile(saved(network), "a") as archive:
        archive.writestr("note.txt", "saved on another day")
    assert load(saved(network)).source_digest == first


def test_the_digest_changes_with_one_weight(saved):
    network = small()
    before = digest_of(network)
    weights = network.get_weights()
    weights[0].flat[3] = np.nextafter(weights[0].flat[3], np.float32(1))
    network.set_weights(weights)
    assert digest_of(network) != before


def test_the_digest_changes_with_the_architecture():
    assert digest_of(small(layers.ReLU())) != digest_of(small(layers.LeakyReLU()))


def test_the_optimiser_is_left_out_of_what_is_saved(tmp_path):
    network = small()
    network.compile(optimizer="adam", loss="mse")
    network.fit(np.zeros((2, 4, 4, 1)), np.zeros((2, 3)), verbose=0)
    save(network, tmp_path / "saved.keras")
    with zipfile.ZipFile(tmp_path / "saved.keras") as archive:
        assert b"Adam" not in archive.read("config.json")
    assert load(tmp_path / "saved.keras").source_digest == digest_of(network)


def test_the_names_of_the_classes_lie_in_train_json(saved, tmp_path):
    path = Path(shutil.copy(saved(small()), tmp_path / "model.keras"))
    (tmp_path / "train.json").write_text('{"classes": ["cat", "dog", "eel"]}')
    assert load(path).spec.classes == ("cat", "dog", "eel")
    assert load(tmp_path / "x.keras").spec.classes == ("0", "1", "2")


@pytest.mark.parametrize("text", ["{}", '{"classes": 3}', '{"classes"'])
def test_a_damaged_train_json_is_named(tmp_path, text):
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(ContentError, match=r"train\.json "):
        classes_of(tmp_path / "model.keras", small())


def test_threads_cannot_be_limited_once_tensorflow_runs(saved):
    path = saved(small())
    load(path)
    with pytest.raises(
        UsageError, match=r"its threads can no longer be limited\. Load the model in a process of its own"
    ):
        load(path, threads=3)


LIMITED = """
import sys
from pathlib import Path
from digitedge.runtime.keras import import_tensorflow, load
tf, _ = import_tensorflow("testing")
load(Path(sys.argv[1]), threads=1)
load(Path(sys.argv[1]), threads=1)
print(tf.config.threading.get_intra_op_parallelism_threads(), tf.config.threading.get_inter_op_parallelism_threads())
"""


def test_a_process_of_its_own_keeps_to_its_threads(tiny_run):
    command = [sys.executable, "-c", LIMITED, tiny_run / "model.keras"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1 1\n"
