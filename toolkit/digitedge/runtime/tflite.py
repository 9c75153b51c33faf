""".tflite files, run by LiteRT."""

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
from digitedge.runtime.model import check_images
from digitedge.streams import hushed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.spec import Spec

SUFFIX = ".tflite"
# What the format can hold; `digitedge export` makes nothing else of it.
PRECISIONS = ("fp32", "int8")
INPUTS = ("float32",)
OUTPUTS = ("probabilities", "logits")
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
        check_images(images, self.spec)
        index_in, index_out = self._indices()
        scores = np.empty((len(images), len(self.spec.classes)), np.float32)
        try:
            for row, image in enumerate(to_input(images, self.spec)):
                self.interpreter.set_tensor(index_in, image[None])
                self.interpreter.invoke()
                scores[row] = self.interpreter.get_tensor(index_out)[0]
        except (ValueError, RuntimeError) as error:
            raise ContentError(f"{self.path} cannot be run: {first_line(error)}.", "Export it again.") from error
        return scores

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], None]:
        """One call of the interpreter for each image, with the input set and the output fetched, as a program does."""
        check_images(images, self.spec)
        interpreter, (index_in, index_out) = self.interpreter, self._indices()
        inputs = [image[None] for image in to_input(images, self.spec)]

        def call() -> None:
            for image in inputs:
                interpreter.set_tensor(index_in, image)
                interpreter.invoke()
                interpreter.get_tensor(index_out)

        return call

    def _indices(self) -> tuple[int, int]:
        return self.interpreter.get_input_details()[0]["index"], self.interpreter.get_output_details()[0]["index"]


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
    _check_shapes(path, interpreter, embedded.spec)
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


def _check_shapes(path: Path, interpreter: Any, spec: Spec) -> None:
    inputs = [(tuple(int(size) for size in t["shape"]), t["dtype"]) for t in interpreter.get_input_details()]
    outputs = [(tuple(int(size) for size in t["shape"]), t["dtype"]) for t in interpreter.get_output_details()]
    if (inputs, outputs) != ([((1, *spec.input_shape), np.float32)], [((1, len(spec.classes)), np.float32)]):
        raise ContentError(f"{path} has other inputs or outputs than its description says.", "Export it again.")
