""".keras files, run by tf-keras: the reference of everything else. The one file here that needs TensorFlow."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.artifact import source_digest
from digitedge.errors import ContentError, UsageError, first_line, package_missing
from digitedge.files import read_bytes, read_json
from digitedge.registry import installed
from digitedge.runtime.keras_archive import refuse_code
from digitedge.runtime.model import check_images
from digitedge.spec import Spec, image_spec
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SUFFIX = ".keras"
# How far the scores of one image may be from a sum of 1: float32 rounding is 1e-7 for each class, half precision 1e-3.
_SUM_TOLERANCE = 1e-2


@dataclass(frozen=True)
class KerasModel:
    """A loaded Keras model that gives probabilities."""

    network: Any
    function: Any
    spec: Spec
    source_digest: str
    precision: str = "fp32"
    placement: None = None

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of images float32 (n, height, width, channels) in [0, 1]."""
        check_images(images, self.spec)
        scores: NDArray[np.float32] = self.function(images).numpy()
        return scores

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], None]:
        """One call of the traced network, its input already a tensor."""
        import tensorflow as tf

        check_images(images, self.spec)
        tensor, function = tf.constant(images), self.function

        def call() -> None:
            function(tensor).numpy()

        return call


def load(path: Path, *, provider: str = "cpu", threads: int | None = None) -> KerasModel:  # noqa: ARG001 (every engine's)
    """Loads a .keras file that holds nothing but Keras's own layers.

    Raises:
        ContentError: not such a file, damaged, one that holds code, or one that does not classify images.
        NotPresentError: TensorFlow or tf-keras is not installed.
        UsageError: TensorFlow runs already, with another number of threads.
    """
    data = read_bytes(path)
    refuse_code(path, data)
    tf, tf_keras = import_tensorflow("reading a .keras file")
    if threads is not None:
        _limit(tf, threads)
    try:
        # From the very bytes that were looked through: the file may have changed since.
        with hushed(), tempfile.TemporaryDirectory() as folder:
            checked = Path(folder) / "model.keras"
            checked.write_bytes(data)
            network = tf_keras.models.load_model(checked, compile=False)
    except Exception as error:  # Keras raises whatever the layer at hand raises
        message = f"{path} cannot be loaded by tf-keras: {first_line(error)}."
        raise ContentError(message, "Save it with tf-keras 2 as .keras.") from error
    return wrap(network, classes_of(path, network), name=str(path))


def wrap(network: Any, classes: tuple[str, ...], *, name: str) -> KerasModel:
    """A network in memory as a Model.

    Args:
        network: keras.Model, float32 (n, height, width, channels) in [0, 1] to probabilities (n, classes).
        classes: the name of each output.
        name: for messages.

    Raises:
        ContentError: it takes or gives another shape, or something else than probabilities.
    """
    import tensorflow as tf

    input_shape = check_network(network, len(classes), name=name)
    signature = [tf.TensorSpec((None, *input_shape), tf.float32)]
    function = tf.function(lambda images: network(images, training=False), input_signature=signature)
    return KerasModel(network, function, image_spec(input_shape, classes, "NHWC"), digest_of(network))


def check_network(network: Any, classes: int, *, name: str) -> tuple[int, int, int]:
    """The (height, width, channels) of the images that a network classifies.

    Raises:
        ContentError: it takes something else than images, or gives something else than one probability for each class.
    """
    takes, gives = _shape(network, "input_shape"), _shape(network, "output_shape")
    if len(takes) != 4 or None in takes[1:] or takes[3] not in (1, 3) or gives != (None, classes):  # noqa: PLR2004
        message = f"{name} takes {takes} and gives {gives}."
        raise ContentError(message, f"It must take (n, height, width, 1 or 3) and give (n, {classes}).")
    height, width, channels = takes[1:]
    black_and_white = np.stack([np.zeros(takes[1:], np.float32), np.ones(takes[1:], np.float32)])
    scores = network(black_and_white, training=False).numpy()
    # "Is off" does not hold for a NaN: weights that are not finite are for parity to find, which says how many images.
    if (scores < 0).any() or (np.abs(scores.sum(axis=1) - 1) > _SUM_TOLERANCE).any():
        message = f"{name} gives scores that are not probabilities: {scores[0].min():.3g} to {scores[0].max():.3g}."
        raise ContentError(message, "Let it end in a softmax.")
    return height, width, channels


def _limit(tf: Any, threads: int) -> None:
    """Threads belong to the process, not to a model: TensorFlow takes a number only before its first computation."""
    if tf.config.threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        message = "TensorFlow runs already in this process, and its threads can no longer be limited."
        raise UsageError(message, "Load the model in a process of its own.") from error


def digest_of(network: Any) -> str:
    """The identity of a network: its layers and weights, without the version of Keras and the date."""
    weights = ((weight.name, weight.numpy()) for weight in network.weights)
    return source_digest(json.dumps(network.get_config(), sort_keys=True, default=str), weights)


def classes_of(path: Path, network: Any) -> tuple[str, ...]:
    """The class names that lie beside the model in train.json, else 0, 1, 2 and so on.

    Raises:
        ContentError: train.json is damaged.
    """
    beside = path.parent / "train.json"
    if path.name == "model.keras" and beside.exists():
        names = read_json(beside).get("classes")
        if not isinstance(names, list):
            raise ContentError(f"{beside} has no list of classes.", "Train the model again.")
        return tuple(str(name) for name in names)
    gives = _shape(network, "output_shape")
    number = gives[1] if len(gives) == 2 and isinstance(gives[1], int) else 0  # noqa: PLR2004 (anything else is refused)
    return tuple(str(index) for index in range(number))


def _shape(network: Any, name: str) -> tuple[Any, ...]:
    try:
        return tuple(getattr(network, name))
    except (AttributeError, RuntimeError, TypeError):  # Keras's own, of a network that was never built
        return ()


def require_engine() -> None:
    """Raises NotPresentError if TensorFlow or tf-keras is not installed. Imports neither."""
    for package in ("tensorflow", "tf_keras"):
        if not installed(package):
            raise package_missing(package.replace("_", "-"), "train", "reading a .keras file")


def import_tensorflow(purpose: str) -> tuple[Any, Any]:
    """TensorFlow and tf-keras, imported without their chatter.

    Raises:
        NotPresentError: one is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with hushed():
            import tensorflow as tf
            import tf_keras
    except ImportError as error:
        raise package_missing(error.name or "tensorflow", "train", purpose) from error
    tf.get_logger().setLevel("ERROR")
    return tf, tf_keras
