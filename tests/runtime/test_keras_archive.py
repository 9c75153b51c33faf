"""What a .keras file may hold: nothing that runs code, and nothing that crashes whoever reads it."""

import contextlib
import json
import zipfile

import pytest
import tf_keras as keras
from tf_keras import layers

from digitedge.errors import ContentError
from digitedge.runtime.keras import load
from digitedge.runtime.keras_archive import refuse_code


def small(*middle):
    ends = [layers.Flatten(), layers.Dense(3, activation="softmax")]
    return keras.Sequential([layers.Input((4, 4, 1)), *middle, *ends])


def rewritten(path, change):
    """The archive with another config.json: `change` takes the old one and gives the new one."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["config.json"] = change(json.loads(members["config.json"]))
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data if isinstance(data, bytes) else json.dumps(data))
    return path


@keras.saving.register_keras_serializable("mine")
class Registered(layers.Layer):
    def call(self, inputs):
        return inputs * 2


class Unregistered(layers.Layer):
    def call(self, inputs):
        return inputs * 2


@pytest.mark.parametrize(
    ("layer", "named"),
    [(layers.Lambda(lambda x: x * 2), "Lambda"), (Registered(), "mine>Registered"), (Unregistered(), "Unregistered")],
)
def test_a_layer_with_code_of_its_own_is_refused(saved, layer, named):
    path = saved(small(layer))
    with pytest.raises(
        ContentError, match=rf"x\.keras holds code of its own: {named}\. digitedge loads only Keras's own layers"
    ):
        load(path)


def test_an_activation_of_ones_own_is_refused(saved):
    with pytest.warns(UserWarning, match="includes a `lambda`"):
        path = saved(small(layers.Activation(lambda x: x * 2)))
    with pytest.raises(
        ContentError, match=r"x\.keras cannot be loaded by tf-keras: Error when deserializing class 'Activ"
    ):
        load(path)


def test_a_function_of_tensorflow_by_its_name_is_refused(saved, tmp_path):
    """tf-keras would call it while it reads the file: here, it would write one."""
    images = layers.Input((4, 4, 1))
    network = keras.Model(images, layers.Dense(3, activation="softmax")(layers.Flatten()(images) + 1.0))

    def write_a_file(config):
        (layer,) = (layer for layer in config["config"]["layers"] if layer["class_name"] == "TFOpLambda")
        layer["config"]["function"] = "io.write_file"
        layer["inbound_nodes"] = [["_CONSTANT_VALUE", -1, str(tmp_path / "written"), {"contents": "by the model"}]]
        return config

    path = rewritten(saved(network), write_a_file)
    with pytest.raises(ContentError, match=r"x\.keras holds code of its own: TFOpLambda"):
        load(path)
    assert not (tmp_path / "written").exists()
    with contextlib.suppress(Exception):  # whatever Keras makes of the rest: the file is what counts
        keras.models.load_model(path, compile=False)
    assert (tmp_path / "written").read_text() == "by the model", (
        "the attack no longer works: is the refusal still needed?"
    )


@pytest.mark.parametrize(
    "module", ["os", "antigravity", "keras.src.utils", "tf_keras.src.layers.core.lambda_layer", "kerasx", 7]
)
def test_a_foreign_module_is_refused_and_not_imported(saved, module):
    def name_it(config):
        config["config"]["layers"][-1]["module"] = module
        return config

    path = rewritten(saved(small()), name_it)
    with pytest.raises(ContentError, match=r"x\.keras holds code of its own: Dense|x\.keras holds code of its own: "):
        load(path)


@pytest.mark.parametrize("place", ["kernel_regularizer", "activation"])
@pytest.mark.parametrize("name", ["__lambda__", "function", "Lambda"])
def test_code_is_found_however_deep(saved, place, name):
    def hide(config):
        config["config"]["layers"][-1]["config"][place] = {"a": [{"class_name": name, "config": {}}]}
        return config

    path = rewritten(saved(small()), hide)
    with pytest.raises(ContentError, match=rf"holds code of its own: {name}"):
        load(path)


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps({"a": [[[[]]]]}).encode(),
        b"[]",
        b'{"class_name": "Functional"}',
    ],
)
def test_a_damaged_configuration_is_named(saved, config):
    path = rewritten(saved(small()), lambda old: config)
    with pytest.raises(
        ContentError, match=r"x\.keras (is not a \.keras archive|cannot be loaded by tf-keras|takes \(\))"
    ):
        load(path)


def test_an_archive_without_a_configuration_or_weights_is_named(saved, tmp_path):
    path = saved(small())
    for missing in ("config.json", "model.weights.h5"):
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "y.keras", "w") as new:
            for name in set(old.namelist()) - {missing}:
                new.writestr(name, old.read(name))
        with pytest.raises(ContentError, match=r"y\.keras "):
            load(tmp_path / "y.keras")


def test_a_truncated_file_is_named_wherever_it_ends(saved, tmp_path):
    data, path = saved(small()).read_bytes(), tmp_path / "cut.keras"
    for size in range(1, len(data), len(data) // 50):
        path.write_bytes(data[:size])
        with pytest.raises(ContentError, match=r"cut\.keras is not a \.keras archive: "):
            load(path)


def test_an_h5_file_under_another_name_is_not_one(tmp_path):
    (tmp_path / "x.keras").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ContentError, match=r"x\.keras is not a \.keras archive: .*\. Save it with model\.save"):
        load(tmp_path / "x.keras")


def test_what_is_loaded_is_what_was_looked_through(saved, monkeypatch):
    """Somebody replaces the file after the check: the checked bytes are loaded all the same."""
    path = saved(small())
    weights = load(path).network.get_weights()

    def look_and_replace(checked, data):
        refuse_code(checked, data)
        path.write_bytes(b"something else")

    monkeypatch.setattr("digitedge.runtime.keras.refuse_code", look_and_replace)
    for loaded, before in zip(load(path).network.get_weights(), weights, strict=True):
        assert (loaded == before).all()
