"""Files of Keras 3: those that compute are read, those that hold code are refused before Keras is let near them."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from digitedge.errors import ContentError
from digitedge.export.source import make_source
from digitedge.measure.parity import softmax
from digitedge.runtime.keras import load
from digitedge.runtime.keras_archive import keras_version

# Keras 3.15 saves as NumPy before 2.0 was asked: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def small(*middle, last=None):
    keras.utils.set_random_seed(0)
    ends = [layers.Flatten(), *(last or [layers.Dense(3, activation="softmax")])]
    return keras.Sequential([layers.Input((4, 4, 1)), *middle, *ends])


def rewritten(path, change, member="config.json"):
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members[member] = json.dumps(change(json.loads(members[member])))
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    return path


def images():
    return np.random.default_rng(0).random((5, 4, 4, 1), np.float32)


def test_a_file_of_keras_3_gives_what_it_gave(saved):
    network = small(layers.Conv2D(4, 3, kernel_regularizer="l2"), layers.BatchNormalization(), layers.LeakyReLU())
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    path = saved(network)
    assert keras_version(path, path.read_bytes()) == 3
    np.testing.assert_allclose(load(path)(images()), np.asarray(network(images())), atol=1e-6)


def test_operations_on_tensors_are_layers_of_their_own(saved):
    image = layers.Input((4, 4, 1))
    x = keras.ops.relu6(layers.Conv2D(4, 3)(image) * 2.0) + 1.0
    network = keras.Model(image, layers.Dense(3, activation="softmax")(keras.ops.reshape(x, (-1, 16))))
    np.testing.assert_allclose(load(saved(network))(images()), np.asarray(network(images())), atol=1e-6)


@pytest.mark.parametrize("shape", [list, dict])
def test_one_input_in_a_list_or_a_dict_is_one_input(saved, shape):
    image = layers.Input((4, 4, 1), name="photo")
    scores = layers.Dense(3, activation="softmax", name="scores")(layers.Flatten()(image))
    ends = ([image], [scores]) if shape is list else ({"photo": image}, {"scores": scores})
    loaded = load(saved(keras.Model(*ends)))
    assert (loaded.spec.input_shape, len(loaded.spec.classes)) == ((4, 4, 1), 3)
    assert loaded(images()).shape == (5, 3)


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(3, activation="softmax")],
        [layers.Dense(3), layers.Activation("softmax")],
        [layers.Dense(3), layers.Softmax()],
    ],
)
def test_the_softmax_comes_off_wherever_it_stands(saved, last):
    original = load(saved(small(last=last)))
    source = make_source("x", original, "logits")
    raw = source.network(images(), training=False).numpy()
    assert (np.abs(raw.sum(axis=1) - 1) > 1e-3).all(), "these would be probabilities"
    np.testing.assert_allclose(softmax(raw), original(images()), atol=1e-6)


DIGEST = """
import sys
from pathlib import Path
from digitedge.runtime.keras import load
print(load(Path(sys.argv[1])).source_digest)
"""


def test_the_digest_is_that_of_the_weights_in_any_process(saved):
    network = small(layers.Dropout(0.5))
    path = saved(network)
    before = load(path).source_digest
    done = subprocess.run([sys.executable, "-c", DIGEST, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == before
    network.layers[-1].bias.assign([0.0, 0.0, 1e-3])
    assert load(saved(network)).source_digest != before


@keras.saving.register_keras_serializable("mine")
class Registered(layers.Layer):
    def call(self, inputs):
        return inputs * 2


class Unregistered(layers.Layer):
    def call(self, inputs):
        return inputs * 2


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (lambda: layers.Lambda(lambda x: x * 2), "Lambda"),
        (Registered, "mine>Registered"),
        (Unregistered, "Unregistered"),
    ],
)
def test_a_layer_with_code_of_its_own_is_refused(saved, layer, named):
    with pytest.raises(
        ContentError, match=rf"x\.keras holds code of its own: {named}\. digitedge loads only Keras's own"
    ):
        load(saved(small(layer())))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("keras.src.utils.file_utils", "get_file"),
        ("keras.utils", "get_file"),
        ("keras.src.ops.core", "Map"),
        ("keras.src.ops.linalg", "JVP"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "TorchModuleWrapper"),
        ("keras.layers", "StringLookup"),
        ("keras.models", "clone_model"),
    ],
)
def test_what_runs_code_or_opens_files_is_refused(saved, module, name):
    def name_it(config):
        config["config"]["layers"][-1] |= {"module": module, "class_name": name}
        return config

    path = rewritten(saved(small()), name_it)
    with pytest.raises(ContentError, match=r"x\.keras holds code of its own: "):
        load(path)


@pytest.mark.parametrize("version", [None, "1.2", "4.0.0", "", 3])
def test_a_file_of_an_unknown_keras_is_named(saved, version):
    path = rewritten(saved(small()), lambda metadata: metadata | {"keras_version": version}, "metadata.json")
    if version == 3:
        assert keras_version(path, path.read_bytes()) == 3
        return
    with pytest.raises(
        ContentError, match=r"x\.keras was written by Keras .*\. digitedge reads files of tf-keras 2 and"
    ):
        load(path)


def test_a_file_that_claims_the_other_keras_is_one_line(saved):
    path = rewritten(saved(small()), lambda metadata: metadata | {"keras_version": "2.15.0"}, "metadata.json")
    with pytest.raises(ContentError, match=r"x\.keras cannot be loaded by tf-keras: "):
        load(path)


def test_a_bomb_is_refused_before_it_is_unpacked(saved, tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(saved(small())) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in set(old.namelist()) - {"config.json"}:
            new.writestr(name, old.read(name))
        with new.open("config.json", "w") as member:
            for _ in range(65):
                member.write(b" " * 2**20)
    assert path.stat().st_size < 2**20
    with pytest.raises(ContentError, match=r"bomb\.keras would unpack config\.json to 68,157,440 bytes"):
        load(path)
