"""Is a .keras file free of code? Answered from its configuration, before Keras is let near it.

tf-keras imports whatever module a configuration names, safe mode or not: a .keras file from elsewhere is a program.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from digitedge.errors import ContentError, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where tf-keras itself says that its objects live.
_KERAS_MODULES = re.compile(
    r"builtins|tf_keras\.src\.engine\.(functional|sequential)"
    r"|keras(\.(layers|activations|initializers|regularizers|constraints|losses|metrics|optimizers|mixed_precision))?"
    r"(\.(experimental|legacy|schedules))*"
)
# Of Keras's own classes, those that run what the configuration says: Python code, or any function of TensorFlow by its
# name, io.write_file among them, and that while the file is being loaded.
_CODE = {"Lambda", "__lambda__", "function", "TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod",
         "InstanceProperty", "TensorFlowOpLayer"}  # fmt: skip


def refuse_code(path: Path, data: bytes) -> None:
    """Raises ContentError unless every object in the configuration is one of Keras's own, and none runs code.

    Args:
        path: for messages.
        data: the content of a .keras file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = json.loads(archive.read("config.json"))
        objects = list(_objects(config))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError) as error:
        message = f"{path} is not a .keras archive: {first_line(error)}."
        raise ContentError(message, "Save it with model.save('model.keras').") from error
    for module, name, registered in objects:
        if not _KERAS_MODULES.fullmatch(module) or name in _CODE or ">" in registered:
            message = f"{path} holds code of its own: {registered or name}."
            raise ContentError(message, "digitedge loads only Keras's own layers: rebuild the model from those.")


def _objects(config: object) -> Iterator[tuple[str, str, str]]:
    """(module, class, registered name) of everything that the configuration names, however deep."""
    if isinstance(config, dict):
        if "class_name" in config:
            module, registered = config.get("module"), config.get("registered_name")
            yield str(module or "keras"), str(config["class_name"]), str(registered or "")
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value)
