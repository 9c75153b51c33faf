"""What stands inside every artefact: the description of its input and output, and where it comes from.

In an .onnx file it is the metadata property `digitedge`. In a .tflite file it is `metadata.json` in a zip archive
appended to the flatbuffer, which is how TensorFlow Lite Metadata attaches files: interpreters ignore it, and
`unzip model.tflite` shows it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from digitedge.errors import ContentError
from digitedge.spec import Spec

KEY = "digitedge"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The description inside a file.

    Attributes:
        spec: what the file expects and gives.
        source_digest: of the original's architecture and weights.
        precision: `fp32` or `int8`.
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


def from_json(document: dict[str, Any]) -> Embedded:
    """The inverse of `to_json`.

    Raises:
        ContentError: a key is missing.
    """
    try:
        return Embedded(
            spec=Spec.from_json(document["spec"]),
            source_digest=str(document["source_digest"]),
            precision=str(document["precision"]),
            version=str(document["version"]),
        )
    except (KeyError, TypeError) as error:
        raise ContentError(f"the description inside the file lacks {error}.", "Export the model again.") from error
