""".keras files of both Kerases and SavedModels: the reference of everything else. It alone needs TensorFlow."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.artifact import source_digest
from digitedge.data.preprocess import to_input
from digitedge.errors import ContentError, UsageError, first_line, package_missing
from digitedge.files import read_bytes, read_json
from digitedge.registry import installed
from digitedge.runtime.keras_archive import keras_version, refuse_code
from digitedge.runtime.keras_checks import image_shape, output_kind, shape_of
from digitedge.runtime.keras_front import front_of
from digitedge.runtime.model import check_images, one_of
from digitedge.runtime.saved_model import is_saved_model, load_network
from digitedge.spec import Spec, counted, image_spec
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".keras"
ENGINES = ("tensorflow",)
PACKAGES = ("tensorflow", "tf_keras")


@dataclass(frozen=True)
class KerasModel:
    """A loaded network that classifies images.

    Attributes:
        network: a model of tf-keras or Keras 3, or what a SavedModel computes: network(images, training=False).
        function: the same, traced: a tf.function of float32 (n, height, width, channels), scaled as `spec` says.
        spec: what the network takes and gives. Its pixels are in [0, 1] unless its first layer or the user says
            otherwise; it gives probabilities or logits.
        source_digest: of its architecture and its weights.
        engine: TensorFlow, with its version.
    """

    network: Any
    function: Any
    spec: Spec
    source_digest: str
    engine: str
    precision: str = "fp32"
    placement: None = None

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of images float32 (n, height, width, channels) in [0, 1]."""
        check_images(images, self.spec)
        scores: NDArray[np.float32] = self.function(to_input(images, self.spec)).numpy()
        return scores

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], NDArray[Any]]:
        """One call of the traced network, its input already a tensor."""
        import tensorflow as tf

        check_images(images, self.spec)
        tensor, function = tf.constant(to_input(images, self.spec)), self.function

        def call() -> NDArray[Any]:
            scores: NDArray[Any] = function(tensor).numpy()
            return scores

        return call

    def runner(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """One call of the traced network for images that become a tensor first."""
        function = self.function

        def call(inputs: NDArray[Any]) -> NDArray[Any]:
            scores: NDArray[Any] = function(inputs).numpy()
            return scores

        return call

    def scores_of(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """What the network gave: it gives scores."""
        return outputs


def load(
    path: Path,
    *,
    provider: str = "cpu",  # noqa: ARG001 (every engine's)
    threads: int | None = None,
    engine: str | None = None,
) -> KerasModel:
    """Loads a .keras file that holds nothing but Keras's own layers, or a SavedModel that does nothing but compute.

    Raises:
        ContentError: not such a file, damaged, one that holds code, or one that does not classify images.
        NotPresentError: TensorFlow or the Keras that wrote the file is not installed.
        UsageError: TensorFlow runs already, with another number of threads; or another engine was named.
    """
    one_of(ENGINES, engine)
    if is_saved_model(path):
        tf, _ = import_tensorflow("reading a SavedModel")
        _limit(tf, threads)
        network, digest = load_network(tf, path)
        return wrap(network, classes_of(path, network), name=str(path), digest=digest)
    data = read_bytes(path)
    refuse_code(path, data)
    tf, keras = import_tensorflow("reading a .keras file")
    if keras_version(path, data) > 2:  # noqa: PLR2004 (tf-keras is Keras 2)
        keras = _import_keras()
    _limit(tf, threads)
    network = _plain_ends(keras, _load_archive(keras, path, data))
    model = wrap(network, classes_of(path, network), name=str(path))
    # A network that was trained here has only ever seen pixels in [0, 1], whatever its first layer makes of them.
    front = None if _trained_here(path) else front_of(network)
    if front is None or front.range is None:
        return model
    return replace(model, spec=replace(model.spec, range=front.range))


def wrap(network: Any, classes: tuple[str, ...], *, name: str, digest: str | None = None) -> KerasModel:
    """A network in memory as a Model.

    Args:
        network: of either Keras, float32 (n, height, width, channels) to probabilities or logits (n, classes).
        classes: the name of each output.
        name: for messages.
        digest: of its architecture and weights, where the network itself cannot tell it.

    Raises:
        ContentError: it takes or gives another shape, or something else than probabilities or logits.
    """
    import tensorflow as tf

    input_shape = image_shape(network, len(classes), name=name)
    signature = [tf.TensorSpec((None, *input_shape), tf.float32)]
    function = tf.function(lambda images: network(images, training=False), input_signature=signature)
    spec = image_spec(input_shape, classes, "NHWC")
    kind = output_kind(network, spec, name=name)
    spec = replace(spec, output_name=kind, output_kind=kind)
    return KerasModel(network, function, spec, digest or digest_of(network), f"TensorFlow {tf.__version__}")


def engines() -> tuple[str, ...]:
    """The engines that are installed here: TensorFlow, or none. It is not imported."""
    return ENGINES if all(installed(package) for package in PACKAGES) else ()


def digest_of(network: Any) -> str:
    """The identity of a Keras network: its layers and weights, without the version of Keras and the date."""
    weights = ((weight.name, weight.numpy()) for weight in network.weights)
    return source_digest(json.dumps(network.get_config(), sort_keys=True, default=str), weights)


def classes_of(path: Path, network: Any) -> tuple[str, ...]:
    """The class names that lie beside the model in train.json, else 0, 1, 2 and so on.

    Raises:
        ContentError: train.json is damaged.
    """
    if _trained_here(path):
        beside = path.parent / "train.json"
        names = read_json(beside).get("classes")
        if not isinstance(names, list):
            raise ContentError(f"{beside} has no list of classes.", "Train the model again.")
        return tuple(str(name) for name in names)
    gives = shape_of(network, "output_shape")
    one_row = len(gives) == 2 and isinstance(gives[1], int)  # noqa: PLR2004 (anything else is refused)
    return counted(gives[1] if one_row else 0)


def require_engine() -> None:
    """Raises NotPresentError if TensorFlow or tf-keras is not installed. Imports neither."""
    for package in PACKAGES:
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


def _import_keras() -> Any:
    """Keras 3 on TensorFlow, which it takes from the environment when it is imported."""
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with hushed():
            import keras
    except ImportError as error:
        raise package_missing(error.name or "keras", "train", "reading a file of Keras 3") from error
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before
    if keras.backend.backend() != "tensorflow":
        message = f"Keras runs on {keras.backend.backend()} in this process, and only its TensorFlow can be exported."
        raise UsageError(message, "Load the model in a process of its own.")
    return keras


def _limit(tf: Any, threads: int | None) -> None:
    """Threads belong to the process, not to a model: TensorFlow takes a number only before its first computation."""
    if threads is None or tf.config.threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        message = "TensorFlow runs already in this process, and its threads can no longer be limited."
        raise UsageError(message, "Load the model in a process of its own.") from error


def _load_archive(keras: Any, path: Path, data: bytes) -> Any:
    """The network in the very bytes that were looked through: the file may have changed since."""
    which = "tf-keras" if keras.__name__ == "tf_keras" else "Keras 3"
    try:
        with hushed(), tempfile.TemporaryDirectory() as folder:
            checked = Path(folder) / "model.keras"
            checked.write_bytes(data)
            return keras.models.load_model(checked, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the layer at hand raises
        message = f"{path} cannot be loaded by {which}: {first_line(error)}."
        raise ContentError(message, "Save it with tf-keras 2 or Keras 3 as .keras.") from error


def _plain_ends(keras: Any, network: Any) -> Any:
    """The network with its one input and one output as such, where it was built with a list or a dict of one each."""
    try:
        ends = network.input, network.output
    except (AttributeError, RuntimeError, ValueError):  # one that was never built: it is refused for that
        return network
    if not any(isinstance(end, list | tuple | dict) for end in ends) or len(network.inputs + network.outputs) != 2:  # noqa: PLR2004
        return network
    return keras.Model(network.inputs[0], network.outputs[0], name=network.name)


def _trained_here(path: Path) -> bool:
    return path.name == "model.keras" and (path.parent / "train.json").exists()
