"""What several files share: a few real digits, a network that knows them, and a run folder with its artefacts.

TensorFlow is imported inside the fixtures that need it: the device's tests start without it.
"""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings

from digitedge.artifact import Golden
from digitedge.config import ExportConfig, TrainConfig
from digitedge.data.loading import load
from digitedge.dataset import Splits
from digitedge.files import write_json
from digitedge.report.bodies import train_body
from digitedge.report.documents import envelope
from digitedge.report.progress import Silent

# A busy machine is no failure, and whoever runs the tests finds the same cases.
settings.register_profile("digitedge", deadline=None, derandomize=True)
settings.load_profile("digitedge")

pytest_plugins = ["command_line"]

ARCHITECTURE = Path(__file__).parent / "tiny.py"


@pytest.fixture(scope="session")
def tiny_digits():
    """Splits: 600 training and 200 test digits of MNIST, 60 and 20 of each class, the ones most like their class.

    A network of 2,000 parameters decides these with a wide margin, so that no rounding flips a label.
    """
    digits = load("mnist")
    return Splits(_typical(digits.train, 60), _typical(digits.test, 20))


@pytest.fixture(scope="session")
def tiny_data(tiny_digits, tmp_path_factory):
    """Path of an .npz file with `tiny_digits`: what the user types after --data."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    train, test = tiny_digits.train, tiny_digits.test
    np.savez_compressed(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


@pytest.fixture(scope="session")
def tiny_config(tiny_data):
    """TrainConfig of a few seconds: the architecture in tests/tiny.py on `tiny_data`."""
    return TrainConfig(
        model=str(ARCHITECTURE), data=str(tiny_data), epochs=12, batch_size=32, learning_rate=1e-2, average_decay=0.9
    )


@pytest.fixture(scope="session")
def tiny_training(tiny_config):
    """training.run.Run: a real training, whose network decides for every class and is sure of it."""
    from digitedge.runtime.loading import score
    from digitedge.training.run import train

    digits = load(tiny_config.data)
    run = train(tiny_config, replace(digits, test=replace(digits.test, name=tiny_config.data)), Silent())
    scores = score(run.model, run.test.images)
    first, second = np.sort(scores, axis=1)[:, :-3:-1].T
    assert set(scores.argmax(axis=1)) == set(range(10)), "a network that never decides for a class proves nothing"
    assert (first - second).min() > 0.3, "near ties would flip by rounding alone"
    return run


@pytest.fixture(scope="session")
def tiny_model(tiny_training):
    """runtime.keras.KerasModel of `tiny_training`. Its network is shared: clone it before you change a weight."""
    return tiny_training.model


@pytest.fixture(scope="session")
def tiny_network(tiny_model):
    """The keras.Model alone."""
    return tiny_model.network


@pytest.fixture(scope="session")
def tiny_golden(tiny_training):
    """Golden: what `tiny_model` gives for the 200 test digits."""
    from digitedge.runtime.loading import score

    model, test = tiny_training.model, tiny_training.test
    scores = score(model, test.images)
    return Golden(test.images, test.labels, scores, test.classes, model.source_digest, test.name)


@pytest.fixture(scope="session")
def calibration(tiny_training):
    """Calibration of 200 training images, half for the integer ranges and half to choose by."""
    from digitedge.export.quantize.calibration import divide

    return divide(tiny_training.train, 100, 100)


@pytest.fixture(scope="session")
def tiny_run(tiny_training, tiny_config, tiny_golden, calibration, tmp_path_factory):
    """Path of a run folder as `digitedge train` and `digitedge export --int8` leave it. Read only: see `own_run`."""
    from digitedge.export.exporting import export
    from digitedge.export.source import make_source
    from digitedge.training.run import save

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    save(tiny_training.model.network, folder / "model.keras")
    write_json(
        folder / "train.json", envelope("train", train_body(tiny_training, folder, tiny_config, tiny_training.test))
    )
    source = make_source("tiny", tiny_training.model, "probabilities")
    exported = export(source, ExportConfig(int8=True), folder, tiny_golden, calibration)
    assert [one.reason for one in exported] == [None] * 4
    return folder


@pytest.fixture(scope="session")
def every_file(tiny_run, tiny_model, calibration, tmp_path_factory):
    """Path of a folder with model.keras and `tiny.<precision><suffix>` in every format and precision. Read only."""
    from digitedge.export.source import make_source
    from digitedge.registry import entries

    folder = tmp_path_factory.mktemp("files")
    shutil.copy(tiny_run / "model.keras", folder)
    source, config = make_source("tiny", tiny_model, "probabilities"), ExportConfig()
    for name, module in entries("digitedge.export", "convert").items():
        for precision in entries("digitedge.runtime", "SUFFIX")[name].PRECISIONS:
            made = module.convert(source, precision, config, calibration if precision == "int8" else None)
            path = folder / f"tiny.{precision}{module.SUFFIX}"
            for suffix, data in {module.SUFFIX: made.data, **made.companions}.items():
                path.with_suffix(suffix).write_bytes(data)
    return folder


@pytest.fixture
def label_file(tiny_model, tmp_path):
    """Path of an .onnx file that takes raw pixels and gives labels."""
    from digitedge.export.onnx import convert
    from digitedge.export.source import make_source

    path = tmp_path / "label.fp32.onnx"
    path.write_bytes(convert(make_source("tiny", tiny_model, "label"), "fp32", ExportConfig(input="uint8"), None).data)
    return path


@pytest.fixture
def own_run(tiny_run, tmp_path):
    """Path of a copy of `tiny_run`, for a test that changes it."""
    return Path(shutil.copytree(tiny_run, tmp_path / "runs" / "tiny"))


@pytest.fixture
def elsewhere():
    """elsewhere(array) -> images.LazyImages: the same images as if they had to be read, and a record of what was."""
    return _Elsewhere


class _Elsewhere:
    def __init__(self, images, reads=None):
        self.images, self.reads = images, [] if reads is None else reads
        self.shape, self.dtype, self.ndim = images.shape, images.dtype, images.ndim

    def __len__(self):
        return len(self.images)

    def __getitem__(self, key):
        self.reads.append(1 if np.ndim(key) == 0 and not isinstance(key, slice) else len(self.images[key]))
        return self.images[key]

    def __array__(self, dtype=None, copy=None):
        raise TypeError("read them in blocks")

    def take(self, indices):
        return _Elsewhere(self.images[indices], self.reads)


@pytest.fixture
def quantized(tmp_path):
    """quantized(model, images, **options of quantize_static) -> onnx.ModelProto: QDQ, u8 and 7-bit s8 per channel.

    By ONNX Runtime's own quantizer; the images are as the model's input expects.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    def quantize(model, images, **options):
        onnx.save(model, tmp_path / "plain.onnx")
        reader = SimpleNamespace(get_next=partial(next, ({"image": image[None]} for image in images), None))
        chosen = {"per_channel": True, "reduce_range": True, "activation_type": QuantType.QUInt8} | options
        quantize_static(
            tmp_path / "plain.onnx", tmp_path / "quantized.onnx", reader,
            quant_format=QuantFormat.QDQ, weight_type=chosen.pop("weight_type", QuantType.QInt8), **chosen,
        )  # fmt: skip
        return onnx.load(tmp_path / "quantized.onnx")

    return quantize


def _typical(dataset, number):
    """The `number` images of each class that lie nearest to the mean of their class: one of each, the next of each."""
    chosen = []
    for label in range(len(dataset.classes)):
        own = np.flatnonzero(dataset.labels == label)
        pixels = dataset.images[own].reshape(len(own), -1).astype(np.float32)
        distance = np.square(pixels - pixels.mean(axis=0)).sum(axis=1)
        chosen.append(own[np.argsort(distance, kind="stable")[:number]])
    return dataset.take(np.stack(chosen, axis=1).ravel())
