"""Is a .keras file free of code? Answered from its configuration, before Keras is let near it.

tf-keras imports whatever module a configuration names, safe mode or not: a .keras file from elsewhere is a program.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where tf-keras and Keras 3 themselves say that their objects live. Of Keras 3's operations those that compute on
# tensors alone: others take functions.
_KERAS_MODULES = re.compile(
    r"builtins|(tf_keras\.src\.engine|keras\.src\.models)\.(functional|sequential)"
    r"|keras(\.(layers|activations|initializers|regularizers|constraints|losses|metrics|optimizers|mixed_precision"
    r"|dtype_policies))?(\.(experimental|legacy|schedules))*"
    r"|keras\.src\.ops\.(nn|numpy|math|image)"
)
# Of Keras's own classes, those that run what the configuration says, or read a file or a folder that it names: Python
# code, another framework, a SavedModel, a vocabulary.
_CODE = {"Lambda", "__lambda__", "function", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty",
         "TensorFlowOpLayer", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "StringLookup",
         "IntegerLookup", "TextVectorization", "__typespec__"}  # fmt: skip
# tf-keras calls a function of TensorFlow by its name while it loads the file: io.write_file too. These compute.
_FUNCTIONS = {f"__operators__.{name}" for name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv")} | {
    "math.add", "math.subtract", "math.multiply", "math.divide", "math.truediv", "math.maximum", "math.minimum",
    "math.reduce_mean", "math.reduce_max", "math.sigmoid", "math.tanh", "clip_by_value", "concat", "reshape", "nn.relu",
    "nn.relu6", "nn.leaky_relu", "nn.elu", "nn.silu", "nn.sigmoid", "nn.tanh", "nn.softmax", "cast"}  # fmt: skip
OLD_SUFFIXES = (".h5", ".hdf5")
# A configuration is text of some 100 kB; weights hardly shrink. Anything beyond is made to fill a memory.
_CONFIG_BYTES = 64 * 2**20
_MOST_SHRUNK, _SHRUNK_BYTES = 100, 256 * 2**20


@dataclass(frozen=True, slots=True)
class _Named:
    """An object that a configuration names."""

    module: str
    name: str
    registered: str
    function: str


def refuse_code(path: Path, data: bytes) -> None:
    """Raises ContentError unless every object in the configuration is one of Keras's own, and none runs code.

    Args:
        path: for messages.
        data: the content of a .keras file.
    """
    for found in _objects(_member(path, data, "config.json")):
        if not _is_harmless(found):
            name = found.registered or f"{found.name} {found.function}".strip()
            message = f"{path} holds code of its own: {name}."
            raise ContentError(message, "digitedge loads only Keras's own layers: rebuild the model from those.")


def keras_version(path: Path, data: bytes) -> int:
    """2 for a file that tf-keras wrote, 3 for one of Keras 3.

    Raises:
        ContentError: another, or the file does not say.
    """
    metadata = _member(path, data, "metadata.json")
    version = str(metadata.get("keras_version") if isinstance(metadata, dict) else None)
    if version.split(".", maxsplit=1)[0] not in {"2", "3"}:
        message = f"{path} was written by Keras {version}."
        raise ContentError(message, "digitedge reads files of tf-keras 2 and Keras 3.")
    return int(version[0])


def old_form(path: Path) -> ContentError:
    """The error for an .h5 file, which holds code as bytes that nobody can look through."""
    message = f"{path} is not a .keras archive: it is an HDF5 file, Keras's old form."
    return ContentError(message, "Save it with model.save('model.keras'), after load_model in the Keras of its time.")


def _member(path: Path, data: bytes, name: str) -> Any:
    """A JSON document of the archive."""
    if data.startswith(b"\x89HDF"):
        message = f"{path} is not a .keras archive: it is an HDF5 file, Keras's old form."
        raise ContentError(
            message, "Save it with model.save('model.keras') after load_model in the Keras that wrote it."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bomb(path, archive)
            document = json.loads(archive.read(name))
            list(_objects(document))  # however deep: here a RecursionError is one of those below
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError, NotImplementedError) as error:
        message = f"{path} is not a .keras archive: {first_line(error)}."
        raise ContentError(message, "Save it with model.save('model.keras').") from error
    return document


def _refuse_bomb(path: Path, archive: zipfile.ZipFile) -> None:
    """Raises ContentError for members that are far larger than they lie in the archive. zipfile unpacks no more."""
    for member in archive.infolist():
        shrunk = member.file_size > _SHRUNK_BYTES and member.file_size > _MOST_SHRUNK * member.compress_size
        if shrunk or (member.filename.endswith(".json") and member.file_size > _CONFIG_BYTES):
            message = f"{path} would unpack {member.filename} to {member.file_size:,} bytes."
            raise ContentError(message, "Save it with model.save('model.keras').")


def _is_harmless(found: _Named) -> bool:
    if found.name == "TFOpLambda" and found.function not in _FUNCTIONS:
        return False
    known = _KERAS_MODULES.fullmatch(found.module) or (found.module, found.name) == ("keras.src.ops.core", "Cast")
    return bool(known) and found.name not in _CODE and ">" not in found.registered


def _objects(config: object) -> Iterator[_Named]:
    """Everything that the configuration names, however deep."""
    if isinstance(config, dict):
        if "class_name" in config:
            name, inner = str(config["class_name"]), config.get("config")
            function = inner.get("function") if name == "TFOpLambda" and isinstance(inner, dict) else None
            module, registered = config.get("module"), config.get("registered_name")
            yield _Named(str(module or "keras"), name, str(registered or ""), str(function or ""))
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value)
