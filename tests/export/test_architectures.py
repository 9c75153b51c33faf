"""Twelve architectures that were not written for digitedge, in every format and precision.

Each is small, of one of the kinds of file that people bring, and decides clearly: its last layer is fitted to five
patterns by least squares.
"""

from dataclasses import dataclass

import keras as keras3
import numpy as np
import pytest
import tf_keras

from digitedge.artifact import Golden
from digitedge.config import ExportConfig
from digitedge.dataset import Dataset
from digitedge.export.exporting import export
from digitedge.export.quantize.calibration import divide
from digitedge.export.source import make_source
from digitedge.input_range import scaling
from digitedge.registry import entries
from digitedge.runtime.keras import load
from digitedge.runtime.keras_front import described
from digitedge.runtime.loading import score

# Keras 3.15 saves as NumPy before 2.0 was asked: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLASSES = tuple("abcde")
FORMATS = tuple(entries("digitedge.export", "convert"))
PRECISIONS = {name: entries("digitedge.runtime", "SUFFIX")[name].PRECISIONS for name in FORMATS}


def residual(layers, x):
    """He et al. 2015: two convolutions with batch normalisation beside a shortcut."""
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.0)(x))
    for width, stride in ((8, 1), (16, 2)):
        y = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.0)(y))
        y = layers.BatchNormalization(momentum=0.0)(layers.Conv2D(width, 3, padding="same", use_bias=False)(y))
        short = x if stride == 1 else layers.Conv2D(width, 1, strides=stride)(x)
        x = layers.ReLU()(layers.Add()([y, short]))
    return layers.GlobalAveragePooling2D()(x)


def mobilenet_v3(layers, x):
    """Howard et al. 2019: inverted residuals with hard-swish, and a gate for each channel."""
    x = layers.Activation("hard_silu")(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    y = layers.Activation("hard_silu")(layers.Conv2D(16, 1)(x))
    y = layers.Activation("hard_silu")(layers.DepthwiseConv2D(5, padding="same")(y))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(16, 1, activation="hard_sigmoid")(layers.Conv2D(8, 1, activation="relu")(gate))
    y = layers.Conv2D(8, 1)(layers.Multiply()([y, gate]))
    x = layers.Conv2D(24, 1, activation="relu6")(layers.Add()([x, y]))
    return layers.GlobalAveragePooling2D()(x)


def lenet(layers, x):
    """LeCun et al. 1998: pooling by the mean, and a sigmoid."""
    x = layers.AveragePooling2D(2)(layers.Conv2D(6, 5, padding="same", activation="relu")(x))
    x = layers.AveragePooling2D(2)(layers.Conv2D(16, 5, activation="relu")(x))
    return layers.Dense(32, activation="sigmoid")(layers.Flatten()(x))


def vgg(layers, x):
    """Simonyan and Zisserman 2014: pairs of convolutions, pooling by the maximum, a wide dense layer. No branches."""
    for width in (6, 12):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return layers.Dense(48, activation="relu")(layers.Dropout(0.5)(layers.Flatten()(x)))


def preactivation(layers, x):
    """He et al. 2016: batch normalisation before the activation and before the convolution, and once after one."""
    x = layers.BatchNormalization(momentum=0.0)(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.0)(x))
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)])
    return layers.Flatten()(layers.MaxPooling2D(4)(layers.ReLU()(layers.BatchNormalization(momentum=0.0)(x))))


def mobilenet(layers, x):
    """Howard et al. 2017: depthwise and pointwise convolutions, ReLU6, strides, a separable convolution at the end."""
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.0)(layers.Conv2D(8, 3, strides=2, padding="same")(x)))
    for width, stride in ((12, 1), (16, 2)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.0)(x))
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.0)(layers.Conv2D(width, 1, use_bias=False)(x)))
    return layers.GlobalAveragePooling2D()(layers.SeparableConv2D(24, 3, padding="same", activation="relu")(x))


def squeezenet(layers, x):
    """Iandola et al. 2016: fire modules, which squeeze and then expand by two kernels at once."""
    x = layers.MaxPooling2D(3, strides=2)(layers.Conv2D(8, 3, strides=1, activation="relu")(x))
    for squeeze, expand in ((4, 8), (6, 12)):
        x = layers.Conv2D(squeeze, 1, activation="relu")(x)
        wide = layers.Conv2D(expand, 3, padding="same", activation="relu")(x)
        x = layers.Concatenate()([layers.Conv2D(expand, 1, activation="relu")(x), wide])
    return layers.GlobalAveragePooling2D()(x)


def densenet(layers, x):
    """Huang et al. 2016: every layer sees all the ones before it; a transition halves the channels."""
    x = layers.Conv2D(8, 3, padding="same")(x)
    for _ in range(3):
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.0)(x))
        x = layers.Concatenate()([x, layers.Conv2D(4, 3, padding="same", use_bias=False)(y)])
    x = layers.AveragePooling2D(2)(layers.Conv2D(10, 1)(layers.ReLU()(layers.BatchNormalization(momentum=0.0)(x))))
    return layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation="relu")(x))


def inception(layers, x):
    """Szegedy et al. 2014: four ways beside each other, one a pooling; the maximum of each channel."""
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    pooled = layers.Conv2D(4, 1, activation="relu")(layers.MaxPooling2D(3, strides=1, padding="same")(x))
    ways = [layers.Conv2D(4, size, padding="same", activation="relu")(x) for size in (1, 3, 5)]
    return layers.GlobalMaxPooling2D()(layers.Concatenate()([*ways, pooled]))


def dilated(layers, x):
    """Yu and Koltun 2015: kernels with holes, after a strided one, behind leaky ReLUs."""
    x = layers.LeakyReLU()(layers.Conv2D(8, 5, strides=2, padding="same")(x))
    x = layers.LeakyReLU()(layers.Conv2D(12, 3, dilation_rate=2, padding="same")(x))
    x = layers.LeakyReLU()(layers.Conv2D(16, 3, dilation_rate=2)(x))
    return layers.Flatten()(x)


def resnext(layers, x):
    """Xie et al. 2016: convolutions in groups."""
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    y = layers.Conv2D(16, 3, groups=4, padding="same", activation="relu")(layers.Conv2D(16, 1, activation="relu")(x))
    x = layers.ReLU()(layers.Add()([x, layers.Conv2D(8, 1)(y)]))
    return layers.Flatten()(layers.MaxPooling2D()(x))


def padded(layers, x):
    """As keras.applications pads: zeros by a layer of their own, more of them on one side. It scales its own pixels."""
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.0)(x))
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    x = layers.Conv2D(16, 3, activation="relu")(layers.ZeroPadding2D((1, 2))(x))
    return layers.GlobalAveragePooling2D()(x)


@dataclass(frozen=True)
class Case:
    """An architecture, the images that it takes, and the kind of file that it comes in."""

    features: object
    shape: tuple[int, int, int]
    kind: str = "tf-keras"
    input_range: str | None = None


CASES = [
    Case(residual, (16, 16, 3)),
    Case(mobilenet_v3, (16, 16, 3), "Keras 3", "0..255"),
    Case(lenet, (28, 28, 1), "SavedModel", "0..1"),
    Case(vgg, (16, 16, 3), "Sequential"),
    Case(preactivation, (16, 16, 1)),
    Case(mobilenet, (32, 32, 3), "Keras 3"),
    Case(squeezenet, (20, 20, 3)),
    Case(densenet, (16, 16, 1), "Keras 3"),
    Case(inception, (19, 19, 1)),
    Case(dilated, (20, 20, 1)),
    Case(resnext, (16, 16, 3), "SavedModel", "-1..1"),
    Case(padded, (24, 16, 3)),
]


def patterns(shape, number, seed):
    """A Dataset of `number` images a class: five coarse patterns, each moved in brightness, with noise."""
    height, width, channels = shape
    coarse = np.random.default_rng(0).uniform(30, 225, (len(CLASSES), 4, 4, channels))
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    clean = coarse[:, rows][:, :, columns]
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(len(CLASSES)), number)
    moved = clean[labels] + rng.normal(0, 5, (len(labels), 1, 1, 1)) + rng.normal(0, 8, (len(labels), *shape))
    return Dataset(np.clip(np.rint(moved), 0, 255).astype(np.uint8), labels, CLASSES, "patterns")


def network_of(case, images, labels):
    """The architecture on the inputs `images`: its batch statistics are theirs, its last layer fits their `labels`."""
    keras = keras3 if case.kind == "Keras 3" else tf_keras
    keras.utils.set_random_seed(0)
    image = keras.layers.Input(case.shape)
    features = keras.Model(image, case.features(keras.layers, image))
    features(images, training=True)
    values = np.asarray(features(images, training=False))
    mean, std = values.mean(axis=0), values.std(axis=0) + 1e-3
    centred = (values - mean) / std
    targets = 8.0 * (np.eye(len(CLASSES))[labels] - 1 / len(CLASSES))
    ridge = centred.T @ centred + 0.05 * len(images) * np.eye(centred.shape[1])
    kernel = np.linalg.solve(ridge, centred.T @ targets) / std[:, None]
    last = keras.layers.Dense(len(CLASSES), activation="softmax")
    network = keras.Model(image, last(features.output))
    last.set_weights([kernel.astype(np.float32), (-mean @ kernel).astype(np.float32)])
    return keras.Sequential(network.layers) if case.kind == "Sequential" else network


def written(case, network, folder):
    """The network as the file or the folder that its kind is."""
    if case.kind == "SavedModel":
        network.export(str(folder / "bought"))
        return folder / "bought"
    network.save(folder / "bought.keras")
    return folder / "bought.keras"


def test_there_are_twelve_of_every_kind_of_file():
    assert len({case.features for case in CASES}) == len(CASES) == 12
    assert {case.kind for case in CASES} == {"tf-keras", "Sequential", "Keras 3", "SavedModel"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.features.__name__)
def test_an_architecture_from_elsewhere_passes_in_every_format_and_precision(case, tmp_path):
    learnt, judged = patterns(case.shape, 40, 1), patterns(case.shape, 40, 2)
    low, high = {"0..255": (0, 255), "-1..1": (-1, 1)}.get(case.input_range, (0, 255 if case.features is padded else 1))
    inputs = (learnt.images / 255 * (high - low) + low).astype(np.float32)
    path = written(case, network_of(case, inputs, learnt.labels), tmp_path)
    model, _ = described(load(path), scaling(case.input_range, None, None), name=path.name)
    assert model.spec.range == (low, high)
    scores = score(model, judged.images)
    decides_clearly(scores, judged.labels)
    golden = Golden(judged.images, judged.labels, scores, CLASSES, model.source_digest, "patterns")
    done = []
    for form in FORMATS:
        asked = {precision.replace("-", "_"): True for precision in PRECISIONS[form] if precision != "fp32"}
        config = ExportConfig((form,), **asked)
        source = make_source("bought", model, "probabilities")
        done += export(source, config, tmp_path / form, golden, divide(learnt, 60, 140))
    assert {one.artifact.path.name: one.reason for one in done if one.reason} == {}
    assert len(done) == sum(len(precisions) for precisions in PRECISIONS.values())
    assert max(one.parity.max_abs for one in done if one.artifact.precision == "fp32") <= 1e-5


def decides_clearly(scores, labels):
    """A network that is undecided proves nothing: rounding alone would flip it."""
    first, second = np.sort(scores, axis=1)[:, :-3:-1].T
    assert (scores.argmax(axis=1) == labels).mean() > 0.99
    assert np.quantile(first - second, 0.02) > 0.2
