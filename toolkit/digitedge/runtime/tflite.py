""".tflite files, run by LiteRT.

What their tensors hold follows from the description: `float32` in [0, 1] or the range that it says; `uint8` raw pixels;
`int8` integers that stand for such floats by the tensor's own scale and zero point, and then the output is `int8` too.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data.preprocess import to_input
from digitedge.errors import ContentError, first_line, package_missing
from digitedge.files import read_bytes
from digitedge.runtime.metadata import Embedded, from_json
from digitedge.runtime.model import check_images, one_hot
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
METADATA = "metadata.json"


@dataclass(frozen=True)
class TfliteModel:
    """A loaded .tflite file. Its batch is 1: more images are run one after another."""

    path: Path
    interpreter: Any
    spec: Spec
    precision: str
    source_digest: str | None
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
        return one_hot(outputs, self.spec) if self.spec.output_kind == "label" else _floats(outputs, gives)

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], None]:
        """One call of the interpreter for each image, with the input set and the output fetched, as a program does."""
        interpreter, inputs = self.interpreter, self._inputs(images)
        index_in, index_out = (tensor["index"] for tensor in self._tensors())

        def call() -> None:
            for image in inputs:
                interpreter.set_tensor(index_in, image)
                interpreter.invoke()
                interpreter.get_tensor(index_out)

        return call

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


def load(path: Path, *, provider: str = "cpu", threads: int | None = None) -> TfliteModel:  # noqa: ARG001 (every engine's)
    """Loads a .tflite file.

    Raises:
        ContentError: not such a file, damaged, or one that digitedge has not described.
        NotPresentError: LiteRT is not installed.
    """
    require_engine()
    from ai_edge_litert.interpreter import Interpreter

    data = read_bytes(path)
    try:
        with hushed():
            interpreter = Interpreter(model_content=data, num_threads=threads or 1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        message = f"{path} cannot be loaded by LiteRT: {first_line(error)}."
        raise ContentError(message, "Is it a TensorFlow Lite model?") from error
    embedded = _embedded(path, data)
    _check_tensors(path, interpreter, embedded.spec)
    return TfliteModel(path, interpreter, embedded.spec, embedded.precision, embedded.source_digest)


def require_engine() -> None:
    """Raises NotPresentError if LiteRT is not installed."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401 (only asked whether it is there)
    except ImportError as error:
        raise package_missing("ai-edge-litert", "tflite", "running a .tflite file") from error


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
