""".keras files, run by tf-keras: the reference of everything else. The one file here that needs TensorFlow."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.artifact import source_digest
from digitedge.errors import ContentError, package_missing
from digitedge.files import read_bytes, read_json
from digitedge.registry import installed
from digitedge.runtime.model import check_images
from digitedge.spec import Spec, image_spec
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIX = ".keras"


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


def load(path: Path, *, provider: str = "cpu", threads: int = 1) -> KerasModel:  # noqa: ARG001 (every engine's signature)
    """Loads a .keras file that holds nothing but Keras's own layers.

    Raises:
        ContentError: not such a file, damaged, one that holds code, or one that does not classify images.
        NotPresentError: TensorFlow or tf-keras is not installed.
    """
    data = read_bytes(path)
    refuse_code(path, data)
    tf, tf_keras = import_tensorflow("reading a .keras file")
    if tf.config.threading.get_intra_op_parallelism_threads() == 0 and threads > 1:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    try:
        with hushed():
            network = tf_keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever the layer at hand raises
        reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
        raise ContentError(f"{path} cannot be loaded by tf-keras: {reason}.", "Save it with tf-keras 2 as .keras.") from error
    return wrap(network, classes_of(path, network), name=str(path))


def wrap(network: Any, classes: tuple[str, ...], *, name: str) -> KerasModel:
    """A network in memory as a Model.

    Args:
        network: keras.Model, float32 (n, height, width, channels) in [0, 1] to probabilities (n, classes).
        classes: the name of each output.
        name: for messages.

    Raises:
        ContentError: it takes or gives another shape.
    """
    import tensorflow as tf

    takes, gives = tuple(network.input_shape), tuple(network.output_shape)
    if len(takes) != 4 or None in takes[1:] or takes[3] not in (1, 3) or gives != (None, len(classes)):  # noqa: PLR2004
        message = f"{name} takes {takes} and gives {gives}."
        raise ContentError(message, f"It must take (n, height, width, 1 or 3) and give (n, {len(classes)}).")
    signature = [tf.TensorSpec((None, *takes[1:]), tf.float32)]
    function = tf.function(lambda images: network(images, training=False), input_signature=signature)
    return KerasModel(network, function, image_spec(takes[1:], classes, "NHWC"), digest_of(network))


def digest_of(network: Any) -> str:
    """The identity of a network: its layers and weights, without the version of Keras and the date."""
    weights = ((weight.name, weight.numpy()) for weight in network.weights)
    return source_digest(json.dumps(network.get_config(), sort_keys=True, default=str), weights)


def classes_of(path: Path, network: Any) -> tuple[str, ...]:
    """The class names that lie beside the model in train.json, else 0, 1, 2 and so on."""
    beside = path.parent / "train.json"
    if path.name == "model.keras" and beside.exists():
        return tuple(str(name) for name in read_json(beside)["classes"])
    return tuple(str(index) for index in range(int(network.output_shape[-1])))


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


def refuse_code(path: Path, data: bytes) -> None:
    """Raises ContentError unless every object in the archive's configuration is one of Keras's own, and none is a Lambda.

    tf-keras imports whatever module a configuration names, safe mode or not: a .keras file from elsewhere is a program.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ContentError(f"{path} is not a .keras archive: {error}.", "Save it with model.save('model.keras').") from error
    for module, name, registered in _objects(config):
        ours = module is None or module.split(".")[0] in {"keras", "tf_keras", "builtins"}
        if not ours or name in {"Lambda", "function"} or (registered and ">" in registered):
            message = f"{path} holds code of its own: {registered or name}."
            raise ContentError(message, "digitedge loads only Keras's own layers: rebuild the model from those.")


def _objects(config: object) -> Iterator[tuple[str | None, str, str | None]]:
    if isinstance(config, dict):
        if "class_name" in config:
            yield config.get("module"), str(config["class_name"]), config.get("registered_name")
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value)
