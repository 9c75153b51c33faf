"""From a path to a loaded model, and from a model to the scores of a whole data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.data.preprocess import to_unit
from digitedge.errors import ContentError, UsageError
from digitedge.images import blocks
from digitedge.measure.parity import softmax
from digitedge.registry import entries
from digitedge.runtime.keras_archive import OLD_SUFFIXES, old_form
from digitedge.runtime.saved_model import is_saved_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.images import Images
    from digitedge.runtime.model import Model

# Neither protobuf (https://protobuf.dev/programming-guides/encoding/#size-limit) nor FlatBuffers
# (https://flatbuffers.dev/flatbuffers/internals/) holds more in one file.
MOST_BYTES = 2**31 - 1


def format_of(path: Path) -> str:
    """The format of a file, by its suffix; the folder of a SavedModel is read as Keras's files are.

    Raises:
        ContentError: no engine reads that suffix; lists those that are read.
    """
    if is_saved_model(path):
        return "keras"
    suffixes = {module.SUFFIX: name for name, module in entries("digitedge.runtime", "SUFFIX").items()}
    if path.suffix not in suffixes:
        if path.suffix in OLD_SUFFIXES:
            raise old_form(path)
        known = ", ".join(sorted(suffixes))
        raise ContentError(f"{path} is not a model that digitedge reads.", f"It must end in one of {known}.")
    return suffixes[path.suffix]


def engines_of(path: Path) -> tuple[str, ...]:
    """The names of the engines that are installed here for the format of a file, the default first.

    Raises:
        ContentError: no engine reads that suffix.
    """
    names: tuple[str, ...] = entries("digitedge.runtime", "SUFFIX")[format_of(path)].engines()
    return names


def load(path: Path, *, provider: str = "cpu", threads: int | None = None, engine: str | None = None) -> Model:
    """Loads a model file with an engine of its format.

    Args:
        path: a .onnx, .tflite, .c or .keras file.
        provider: an execution provider, for .onnx files; every other engine has only `cpu`.
        threads: that the engine may use for one call; None for its own choice: one for a file for devices, all for
            TensorFlow.
        engine: one of `engines_of(path)`, or `x64quantprecision` for an .onnx file: ONNX Runtime with exact 8-bit
            products. None for the first.

    Raises:
        ContentError: the file is missing, empty, too large, damaged, or of another kind; or this engine cannot hold it.
        NotPresentError: the engine or the provider is not on this machine.
        UnknownNameError: no engine of that format has that name.
        UsageError: a provider for a format that has none.
    """
    name = format_of(path)
    if name != "onnx" and provider != "cpu":
        raise UsageError(f"{path.name} cannot run on {provider}.", "Providers are for .onnx files.")
    if name != "keras" and path.is_file() and (size := path.stat().st_size) > MOST_BYTES:
        message = f"{path} is {size / 1e9:.1f} GB; a file of that kind holds {MOST_BYTES / 1e9:.1f} GB at most."
        raise ContentError(message, "Is it a model?")
    module = entries("digitedge.runtime", "SUFFIX")[name]
    model: Model = module.load(path, provider=provider, threads=threads, engine=engine)
    return model


def flash_bytes(path: Path) -> int | None:
    """What a file takes in a device, where that is not the file itself: of a .c file, its weights in flash."""
    module = entries("digitedge.runtime", "SUFFIX")[format_of(path)]
    return module.flash_bytes(path) if hasattr(module, "flash_bytes") else None


def require_engine(name: str) -> None:
    """Raises NotPresentError if the engine of a format is not installed."""
    entries("digitedge.runtime", "SUFFIX")[name].require_engine()


def score(model: Model, images: Images, *, batch_size: int = 256) -> NDArray[np.float32]:
    """Probabilities float32 (n, classes) of images uint8 (n, height, width, channels), batch by batch.

    Args:
        model: that gives them.
        images: in memory or not.
        batch_size: images that the model gets at a time; fewer where they are larger than `images.BLOCK_BYTES`.
    """
    batches = [model(to_unit(batch)) for batch in blocks(images, batch_size)]
    scores = np.concatenate(batches) if batches else np.empty((0, len(model.spec.classes)), np.float32)
    return softmax(scores) if model.spec.output_kind == "logits" else scores
