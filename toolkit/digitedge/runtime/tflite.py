""".tflite files, run by LiteRT, or by TensorFlow Lite Micro, which runs in microcontrollers.

What their tensors hold follows from the description: `float32` in [0, 1] or the range that it says; `uint8` raw pixels;
`int8` integers that stand for such floats by the tensor's own scale and zero point, and then the output is `int8` too.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data.preprocess import to_input
from digitedge.errors import ContentError, first_line, package_missing
from digitedge.files import read_bytes
from digitedge.registry import installed
from digitedge.runtime import tflite_micro
from digitedge.runtime.metadata import Embedded, from_json
from digitedge.runtime.model import check_images, one_hot, one_of
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.spec import Spec

SUFFIX = ".tflite"
# What the format can hold; `digitedge export` makes nothing else of it.
PRECISIONS = ("fp32", "fp16", "int8-weights", "int8")
INPUTS = ("float32", "uint8", "int8")
OUTPUTS = ("probabilities", "logits", "label")
ENGINES = ("litert", "tflite-micro")
METADATA = "metadata.json"


@dataclass(frozen=True)
class TfliteModel:
    """A loaded .tflite file. Its batch is 1: more images are run one after another."""

    path: Path
    interpreter: Any
    spec: Spec
    precision: str
    source_digest: str | None
    engine: str
    placement: None = None

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of images float32 (n, height, width, channels) in [0, 1]."""
        inputs, (takes, gives) = self._inputs(images), self._tensors()
        outputs = np.empty((len(images), *gives["shape"][1:]), gives["dtype"])
        try:
            for row, image in enumerate(inputs):
                self.interpreter.set_tensor(takes["index"], image)
                self.interpreter.invoke()
                outputs[row] = self.interpreter.get_tensor(gives["index"])[0]
        except (ValueError, RuntimeError) as error:
            raise ContentError(f"{self.path} cannot be run: {first_line(error)}.", "Export it again.") from error
        return self.scores_of(outputs)

    def scores_of(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """The scores float32 (n, classes) of what the interpreter gave."""
        return one_hot(outputs, self.spec) if self.spec.output_kind == "label" else _floats(outputs, self._tensors()[1])

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], NDArray[Any]]:
        """One call of the interpreter for each image, with the input set and the output fetched, as a program does."""
        one, many = self._classify()
        inputs = self._inputs(images)
        return partial(one, inputs[0]) if len(inputs) == 1 else partial(many, inputs)

    def runner(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """One call of the interpreter for each image; of int8, with the making of the integers."""
        _, many = self._classify()
        takes = self._tensors()[0]

        def call(inputs: NDArray[Any]) -> NDArray[Any]:
            values = _integers(inputs, takes) if takes["dtype"] is np.int8 else inputs
            return many([value[None] for value in values])

        return call

    def _classify(self) -> tuple[Callable[[NDArray[Any]], NDArray[Any]], Callable[[list[NDArray[Any]]], NDArray[Any]]]:
        """What runs one batch of 1, and what runs several: a single image pays for no loop and no copy."""
        interpreter = self.interpreter
        index_in, index_out = (tensor["index"] for tensor in self._tensors())

        def one(image: NDArray[Any]) -> NDArray[Any]:
            interpreter.set_tensor(index_in, image)
            interpreter.invoke()
            scores: NDArray[Any] = interpreter.get_tensor(index_out)
            return scores

        def many(images: list[NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate([one(image) for image in images])

        return one, many

    def _inputs(self, images: NDArray[np.float32]) -> list[NDArray[Any]]:
        """A batch of 1 for each image, in the form of the input tensor."""
        check_images(images, self.spec)
        values = to_input(images, self.spec)
        if self.spec.input_dtype == "int8":
            values = _integers(values, self._tensors()[0])
        return [value[None] for value in values]

    def _tensors(self) -> tuple[Any, Any]:
        """The details of the input and of the output."""
        return self.interpreter.get_input_details()[0], self.interpreter.get_output_details()[0]


def load(
    path: Path,
    *,
    provider: str = "cpu",  # noqa: ARG001 (every engine's)
    threads: int | None = None,
    engine: str | None = None,
) -> TfliteModel:
    """Loads a .tflite file.

    Args:
        path: of the file.
        provider: `cpu`.
        threads: for one call of LiteRT; TensorFlow Lite Micro has one only.
        engine: one of `ENGINES`; None for the first.

    Raises:
        ContentError: not such a file, damaged, or one that digitedge has not described; or TensorFlow Lite Micro
            cannot hold it.
        NotPresentError: the engine is not installed.
        UnknownNameError: no engine of `ENGINES`.
    """
    micro = one_of(ENGINES, engine) == "tflite-micro"
    data = read_bytes(path)
    interpreter, label = tflite_micro.opened(path, data) if micro else _litert(path, data, threads or 1)
    embedded = _embedded(path, data)
    _check_tensors(path, interpreter, embedded.spec)
    return TfliteModel(path, interpreter, embedded.spec, embedded.precision, embedded.source_digest, label)


def engines() -> tuple[str, ...]:
    """The engines that are installed here, LiteRT first."""
    packages = {"litert": "ai_edge_litert", "tflite-micro": tflite_micro.PACKAGE}
    return tuple(name for name in ENGINES if installed(packages[name]))


def require_engine() -> None:
    """Raises NotPresentError if LiteRT is not installed."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401 (only asked whether it is there)
    except ImportError as error:
        raise package_missing("ai-edge-litert", "tflite", "running a .tflite file") from error


def _litert(path: Path, data: bytes, threads: int) -> tuple[Any, str]:
    """An interpreter of LiteRT over the bytes of a file, and its name with its version."""
    require_engine()
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter

    try:
        with hushed():
            interpreter = Interpreter(model_content=data, num_threads=threads)
            interpreter.allocate_tensors()
            _ = interpreter.get_input_details(), interpreter.get_output_details()  # whose names may be no text
    except (ValueError, RuntimeError) as error:
        message = f"{path} cannot be loaded by LiteRT: {first_line(error)}."
        raise ContentError(message, "Is it a TensorFlow Lite model?") from error
    return interpreter, f"LiteRT {ai_edge_litert.__version__}"


def _embedded(path: Path, data: bytes) -> Embedded:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            text = archive.read(METADATA)
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError) as error:
        message = f"{path} does not say what its input means: it was not exported by digitedge."
        raise ContentError(message, "Export the Keras original with: digitedge export MODEL.keras") from error
    return from_json(path, text)


def _check_tensors(path: Path, interpreter: Any, spec: Spec) -> None:
    """Types and shapes; and of integers that stand for floats, that the file says how."""
    details = (*interpreter.get_input_details(), *interpreter.get_output_details())
    found = [(tuple(int(size) for size in tensor["shape"]), np.dtype(tensor["dtype"]).name) for tensor in details]
    scores = ((1, len(spec.classes)), "int8" if spec.input_dtype == "int8" else "float32")
    gives = ((1,), "int64") if spec.output_kind == "label" else scores
    scaled = all(tensor["quantization"][0] > 0 for tensor in details if tensor["dtype"] is np.int8)
    if found != [((1, *spec.input_shape), spec.input_dtype), gives] or not scaled:
        raise ContentError(f"{path} has other inputs or outputs than its description says.", "Export it again.")


def _integers(values: NDArray[np.float32], tensor: Any) -> NDArray[np.int8]:
    """The int8 that stand for floats: value / scale + zero point, rounded to the nearest, within the type's range."""
    scale, zero_point = tensor["quantization"]
    rounded = np.rint(values / np.float32(scale)) + zero_point
    integers: NDArray[np.int8] = np.clip(rounded, -128, 127).astype(np.int8)
    return integers


def _floats(outputs: NDArray[Any], tensor: Any) -> NDArray[np.float32]:
    """The float32 that the integers of an output stand for; floats as they are."""
    if outputs.dtype == np.float32:
        return outputs
    scale, zero_point = tensor["quantization"]
    return (outputs.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
