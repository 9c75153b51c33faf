"""A network with every kind of branch, its files, and its layers: what the tests of `--layers` look at."""

import numpy as np
import tf_keras

from digitedge.commands.layering import compared
from digitedge.config import ExportConfig
from digitedge.dataset import Dataset
from digitedge.export import onnx as to_onnx
from digitedge.export import tflite as to_tflite
from digitedge.export.quantize.calibration import divide
from digitedge.export.source import make_source
from digitedge.runtime.keras import load
from digitedge.runtime.loading import format_of
from digitedge.runtime.loading import load as load_file
from digitedge.verify.target import Described, Target

CLASSES = tuple("abcde")
SHAPE = (16, 16, 3)
PRECISIONS = ("fp32", "fp16", "int8-weights", "int8")
MAKERS = {"onnx": to_onnx, "tflite": to_tflite}
CONFIG = ExportConfig(("onnx", "tflite"), fp16=True, int8=True, int8_weights=True)


def images(number, seed):
    """uint8: smooth patterns of five kinds, so that no layer sees noise alone."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (number, 4, 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(coarse + rng.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)


def network(keras):
    """Convolutions with and without batch normalization and strides, a shortcut, both poolings, two dense layers."""
    layers = keras.layers
    keras.utils.set_random_seed(5)
    image = layers.Input(SHAPE)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(image)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(momentum=0.0, name="stem_bn")(x))
    x = layers.SeparableConv2D(8, 3, padding="same", use_bias=False, name="apart")(x)
    x = layers.ReLU(name="apart_relu")(layers.BatchNormalization(momentum=0.0, name="apart_bn")(x))
    x = layers.Conv2D(8, 4, strides=2, padding="same", activation="relu", name="down")(x)
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="deep")(x)
    x = layers.Concatenate(name="both")([x, layers.Add(name="sum")([x, y])])
    x = layers.Dropout(0.2, name="drop")(layers.MaxPooling2D(2, name="pool")(x))
    x = layers.Dense(24, activation="relu", name="hidden")(layers.Flatten(name="flat")(x))
    model = keras.Model(image, layers.Dense(5, activation="softmax", name="answer")(x), name="net")
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if "bias" in str(layer.weights):
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape).astype(np.float32))
    model(images(60, 1) / np.float32(255), training=True)
    return model


def export(place, precisions, forms=("onnx", "tflite")):
    source = make_source("net", load(place / "net.keras"), "probabilities")
    learnt = Dataset(images(80, 2), np.arange(80) % 5, CLASSES, "patterns")
    for precision in precisions:
        for form in forms:
            made = MAKERS[form].convert(source, precision, CONFIG, divide(learnt, 40, 40))
            (place / f"net.{precision}.{form}").write_bytes(made.data)


def saved(place):
    """The network as net.keras in a folder, and exported in every precision."""
    network(tf_keras).save(place / "net.keras")
    export(place, PRECISIONS)
    return place


def described(path):
    """A file as `verify` has it when it looks at its layers."""
    model = load_file(path)
    return Described(Target(path), format_of(path), model.precision, model.source_digest, model.spec, model.engine)


def look(original, path, number=50):
    """The entry of a file."""
    (entry,) = compared(original, [described(path)], images(number, 3), lambda *_: None)
    return entry
