"""What stands inside every artefact: the description of its input and output, and where it comes from.

In an .onnx file it is the metadata property `digitedge`. In a .tflite file it is `metadata.json` in a zip archive
appended to the flatbuffer, which is how TensorFlow Lite Metadata attaches files: interpreters ignore it, and
`unzip model.tflite` shows it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError
from digitedge.measure.limits import LIMITS
from digitedge.spec import Spec

if TYPE_CHECKING:
    from pathlib import Path

KEY = "digitedge"
_PRECISIONS = {name: name for name in LIMITS}


@dataclass(frozen=True, slots=True)
class Embedded:
    """The description inside a file.

    Attributes:
        spec: what the file expects and gives.
        source_digest: of the original's architecture and weights.
        precision: a key of `measure.limits.LIMITS`.
        version: of digitedge that wrote it.
    """

    spec: Spec
    source_digest: str
    precision: str
    version: str


def to_json(embedded: Embedded) -> str:
    """One line of JSON with sorted keys: the same description gives the same bytes."""
    document = {
        "precision": embedded.precision,
        "source_digest": embedded.source_digest,
        "spec": embedded.spec.to_json(),
        "version": embedded.version,
    }
    return json.dumps(document, sort_keys=True)


def from_json(path: Path, text: str | bytes) -> Embedded:
    """The inverse of `to_json`.

    Args:
        path: of the file that holds it, for messages.
        text: what stands in the file.

    Raises:
        ContentError: it is not JSON, or lacks a key, or contradicts itself.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        return Embedded(
            spec=Spec.from_json(document["spec"]),
            source_digest=str(document["source_digest"]),
            precision=_PRECISIONS[document["precision"]],
            version=str(document["version"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError, ContentError) as error:
        reason = error.message if isinstance(error, ContentError) else repr(error)
        raise ContentError(f"{path} has a damaged description: {reason}.", "Export the model again.") from error
