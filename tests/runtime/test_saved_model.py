"""SavedModels: what computes is loaded, and nothing else is, whatever the folder asks for."""

import contextlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from tf_keras import layers

from digitedge.errors import ContentError
from digitedge.export.source import make_source
from digitedge.runtime.keras import load
from digitedge.runtime.loading import format_of
from digitedge.runtime.saved_model import is_saved_model
from digitedge.runtime.saved_model_ops import HARMLESS

IMAGE = tf.TensorSpec((None, 4, 4, 1), tf.float32, name="image")


def small():
    keras.utils.set_random_seed(0)
    middle = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dropout(0.5), layers.Flatten()]
    return keras.Sequential([layers.Input((4, 4, 1)), *middle, layers.Dense(3, activation="softmax")])


def images():
    return np.random.default_rng(0).random((5, 4, 4, 1), np.float32)


def written(folder, forward, *signature):
    """A SavedModel that computes `forward`, and a variable without which none is written."""
    module = tf.Module()
    module.kept = tf.Variable(1.0)
    concrete = tf.function(forward).get_concrete_function(*(signature or (IMAGE,)))
    tf.saved_model.save(module, str(folder), signatures=concrete)
    return folder


def scores_of(image):
    return tf.nn.softmax(tf.reshape(image, (-1, 16))[:, :3] * 5.0)


def test_the_export_of_keras_gives_what_the_network_gave(tmp_path, capsys):
    network = small()
    network.export(str(tmp_path / "bought"))
    loaded = load(tmp_path / "bought")
    np.testing.assert_allclose(loaded(images()), network(images()).numpy(), atol=1e-6)
    assert (format_of(tmp_path / "bought"), loaded.spec.classes) == ("keras", ("0", "1", "2"))


def test_a_compiled_network_saved_whole_is_read_too(tmp_path):
    network = small()
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(images(), np.zeros(5), verbose=0)
    network.save(tmp_path / "bought", save_format="tf")
    np.testing.assert_allclose(load(tmp_path / "bought")(images()), network(images()).numpy(), atol=1e-6)


def test_the_digest_is_of_the_graph_and_the_variables(tmp_path):
    first = written(tmp_path / "first", scores_of)
    shutil.copytree(first, tmp_path / "copy")
    assert load(first).source_digest == load(tmp_path / "copy").source_digest
    assert (
        load(first).source_digest != load(written(tmp_path / "other", lambda image: scores_of(image + 1))).source_digest
    )


def test_a_softmax_inside_a_graph_cannot_be_taken_off(tmp_path):
    loaded = load(written(tmp_path / "bought", scores_of))
    with pytest.raises(
        ContentError, match=r"x is a SavedModel, whose softmax cannot be taken off\. Export its probabil"
    ):
        make_source("x", loaded, "logits")


def attack(image, target):
    tf.io.write_file(str(target), "by the model")
    return scores_of(image)


def test_a_graph_that_writes_a_file_is_refused_and_does_not(tmp_path):
    target = tmp_path / "written"
    bought = written(tmp_path / "bought", lambda image: attack(image, target))
    with pytest.raises(
        ContentError,
        match=r"bought does more than compute: it holds the operation WriteFile\. digitedge loads only arith",
    ):
        load(bought)
    assert not target.exists()
    tf.saved_model.load(str(bought)).signatures["serving_default"](tf.constant(images()))
    assert target.read_text() == "by the model", "the attack no longer works: is the refusal still needed?"


def test_it_is_found_in_a_function_of_a_function(tmp_path):
    @tf.function
    def inner(image):
        return attack(image, tmp_path / "written")

    def outer(image):
        return tf.cond(tf.reduce_sum(image) > 1e9, lambda: inner(image), lambda: scores_of(image))

    with pytest.raises(ContentError, match=r"holds the operation WriteFile"):
        load(written(tmp_path / "bought", outer))


@pytest.mark.parametrize(
    ("forward", "operation"),
    [
        (
            lambda image: scores_of(image) + 0 * tf.strings.to_number(tf.io.read_file("/etc/hostname")),
            "StringToNumber|ReadFile",
        ),
        (
            lambda image: tf.ensure_shape(tf.py_function(lambda x: x[:, 0, :3, 0], [image], tf.float32), (None, 3)),
            "EagerPyFunc",
        ),
        (lambda image: scores_of(image) + 0 * tf.cast(tf.timestamp(), tf.float32), "Timestamp"),
        (lambda image: [tf.print(image), scores_of(image)][1], "PrintV2|StringFormat"),
    ],
)
def test_every_other_operation_is_refused_by_name(tmp_path, forward, operation):
    with pytest.raises(ContentError, match=rf"does more than compute: it holds the operation ({operation})\."):
        load(written(tmp_path / "bought", forward))


def test_a_table_or_a_file_is_no_part_of_a_network(tmp_path):
    module = tf.Module()
    (tmp_path / "words.txt").write_text("one")
    module.asset = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    concrete = tf.function(scores_of).get_concrete_function(IMAGE)
    tf.saved_model.save(module, str(tmp_path / "bought"), signatures=concrete)
    with pytest.raises(ContentError, match=r"does more than compute: it holds a part of the kind asset"):
        load(tmp_path / "bought")


def test_nothing_that_reaches_outside_is_on_the_list():
    words = (
        "File",
        "Py",
        "Print",
        "Dataset",
        "Iterator",
        "Restore",
        "Save",
        "Table",
        "Rpc",
        "Debug",
        "Send",
        "Recv",
        "Xla",
    )
    assert [name for name in HARMLESS if any(word in name for word in words)] == []
    assert all(hasattr(tf.raw_ops, name) for name in HARMLESS), (
        "an operation that does not exist is a mistake in the list"
    )


@pytest.mark.parametrize("data", [b"", b"not a graph", b"\x0a\xff\xff\xff\xff\x0f"])
def test_a_damaged_graph_is_named(tmp_path, data):
    (tmp_path / "bought").mkdir()
    (tmp_path / "bought" / "saved_model.pb").write_bytes(data)
    with pytest.raises(ContentError, match=r"saved_model\.pb is (empty|not a SavedModel)"):
        load(tmp_path / "bought")


def test_a_truncated_folder_is_named(tmp_path):
    small_model = written(tmp_path / "bought", scores_of)
    graph = (small_model / "saved_model.pb").read_bytes()
    for size in range(1, len(graph), len(graph) // 20):
        (small_model / "saved_model.pb").write_bytes(graph[:size])
        with contextlib.suppress(ContentError):  # a cut that falls between two fields leaves a graph that is whole
            load(small_model)
    (small_model / "saved_model.pb").write_bytes(graph)
    shutil.rmtree(small_model / "variables")
    with pytest.raises(ContentError, match=r"bought cannot be loaded by TensorFlow: "):
        load(small_model)


def test_a_folder_without_a_graph_is_no_savedmodel(tmp_path):
    assert not is_saved_model(tmp_path)
    with pytest.raises(ContentError, match=r"cannot be read: Is a directory"):
        load(tmp_path)


def test_without_a_signature_it_is_refused(tmp_path):
    module = tf.Module()
    module.kept = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "bought"))
    with pytest.raises(
        ContentError, match=r"bought has no signature serving_default\. Save it with TensorFlow 2 and a sig"
    ):
        load(tmp_path / "bought")


TWO = tf.TensorSpec((None, 4, 4, 1), tf.float32, name="mask")
PIXELS = tf.TensorSpec((None, 4, 4, 1), tf.uint8, name="image")


@pytest.mark.parametrize(
    ("forward", "signature", "message"),
    [
        (
            lambda image, mask: scores_of(image * mask),
            (IMAGE, TWO),
            "takes 2 and gives 1 tensors of float32, float32, float32",
        ),
        (lambda image: {"a": scores_of(image), "b": image}, (IMAGE,), "takes 1 and gives 2 tensors of"),
        (
            lambda image: scores_of(tf.cast(image, tf.float32)),
            (PIXELS,),
            "takes 1 and gives 1 tensors of uint8, float32",
        ),
        (lambda image: scores_of(image)[:, :1], (IMAGE,), "gives one score for each image"),
        (
            lambda image: image,
            (IMAGE,),
            r"takes \(None, 4, 4, 1\) and gives \(None, 4, 4, 1\)\. It must take .* and give \(n, classes\)",
        ),
    ],
)
def test_one_image_in_and_one_row_of_scores_out(tmp_path, forward, signature, message):
    with pytest.raises(ContentError, match=message):
        load(written(tmp_path / "bought", forward, *signature))
