"""A file that digitedge made, the manifest of a run folder, and the golden reference."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import ContentError, first_line
from digitedge.files import read_bytes, read_json, sha256, write_bytes, write_json
from digitedge.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.images import Images

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
GOLDEN = "golden.npz"
# Of the images in it, decoded, where they are too many to lie in memory: a device has to load them.
GOLDEN_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Artifact:
    """One exported file.

    Attributes:
        path: where it lies.
        format: `onnx`, `tflite` or `c99`.
        precision: `fp32`, `fp16`, `int8-weights` or `int8`.
        sha256: of its bytes.
        size_bytes: on disk.
        spec: what it expects and gives.
        source_digest: of the architecture and the weights that it was made from.
        settings: what the bytes depend on besides the source.
        operators: how often each operator stands in the file.
        min_runtime: the oldest release that reads it, such as `onnxruntime 1.12`.
        made_with: versions of the libraries that made it.
        companions: name and sha256 of the files that belong beside it, such as the header of a C source.
        facts: what was done and found on the way, as JSON types.
    """

    path: Path
    format: str
    precision: str
    sha256: str
    size_bytes: int
    spec: Spec
    source_digest: str
    settings: dict[str, Any] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    min_runtime: str = ""
    made_with: dict[str, str] = field(default_factory=dict)
    companions: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def stored_bytes(self) -> int:
        """What it takes in a device: the file, or the flash that the weights of a C source take."""
        flash_bytes: int = self.facts["sizes"]["flash_bytes"] if "sizes" in self.facts else self.size_bytes
        return flash_bytes


@dataclass(frozen=True)
class Golden:
    """A recorded reference: what the original gave for these images. Enough to verify on a device without TensorFlow.

    Attributes:
        images: uint8 (n, height, width, channels), in memory or not.
        labels: int64 (n,), or None.
        scores: float32 (n, classes), probabilities of the original.
        classes: the name of each class.
        source_digest: of the original.
        test_set: the name of the data set that the images are from.
        places: int64 (n,), of the images in that data set, ascending; None where it is all of them.

    Raises:
        ContentError: the arrays do not fit each other.
    """

    images: Images
    labels: NDArray[np.int64] | None
    scores: NDArray[np.float32]
    classes: tuple[str, ...]
    source_digest: str
    test_set: str
    places: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n, classes = len(self.images), len(self.classes)
        fits = self.images.ndim == 4 and self.images.dtype == np.uint8 and self.scores.shape == (n, classes)  # noqa: PLR2004
        if not fits or any(array is not None and array.shape != (n,) for array in (self.labels, self.places)):
            shapes = [None if array is None else array.shape for array in (self.images, self.scores, self.labels)]
            message = f"a reference of {classes} classes has images, scores and labels of the shapes {shapes}."
            raise ContentError(message, "They must be of the same images: export the run again.")

    def places_of(self, indices: Iterable[int]) -> list[int]:
        """Where images of this reference lie in the data set that they are from."""
        return list(indices) if self.places is None else self.places[list(indices)].tolist()

    def index_of(self, place: int) -> int | None:
        """Where an image of that data set lies in this reference; None where it is not recorded."""
        if self.places is None:
            return place if place < len(self.images) else None
        index = int(np.searchsorted(self.places, place))
        return index if index < len(self.places) and self.places[index] == place else None


def source_digest(architecture: str, weights: Iterable[tuple[str, NDArray[Any]]]) -> str:
    """The identity of a model: its architecture and its weights, not the archive around them, which holds a date."""
    digest = hashlib.sha256(architecture.encode())
    for name, array in weights:
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_manifest(folder: Path) -> tuple[Artifact, ...]:
    """The artefacts of a run folder; none where nothing has been exported.

    Raises:
        ContentError: the manifest is damaged, or was written by another version.
    """
    path = folder / MANIFEST
    if not path.exists():
        return ()
    document = read_json(path)
    if document.get("schema_version") != SCHEMA_VERSION:
        message = f"{path} has schema_version {document.get('schema_version')}; this digitedge reads {SCHEMA_VERSION}."
        raise ContentError(message, "Remove it, and export again.")
    try:
        return tuple(_artifact(folder / name, entry) for name, entry in document["files"].items())
    except (KeyError, TypeError, ValueError, AttributeError, ContentError) as error:
        reason = error.message if isinstance(error, ContentError) else repr(error)
        raise ContentError(f"{path} cannot be understood: {reason}.", "Remove it, and export again.") from error


def merge_manifest(folder: Path, artifacts: Iterable[Artifact]) -> Path:
    """Adds or replaces the entries of `artifacts`; the others stay."""
    merged = {artifact.path.name: artifact for artifact in (*read_manifest(folder), *artifacts)}
    files = {name: _entry(merged[name]) for name in sorted(merged)}
    return write_json(folder / MANIFEST, {"schema_version": SCHEMA_VERSION, "files": files})


def check_unchanged(artifact: Artifact) -> None:
    """Raises ContentError if the file, or one that belongs to it, is not the one that was exported."""
    for name, digest in {artifact.path.name: artifact.sha256, **artifact.companions}.items():
        path = artifact.path.parent / name
        if sha256(read_bytes(path)) != digest:
            message = f"{path} has changed since it was exported (sha256 differs)."
            raise ContentError(
                message, "Export it again with --overwrite, or judge it as a foreign file with --reference."
            )


def write_golden(path: Path, golden: Golden) -> Path:
    """Writes a compressed .npz without pickled objects.

    Of images that are not in memory, as many are written as take 256 MiB, evenly spread over the data set: the pictures
    of a folder lie class by class.
    """
    stream, golden = io.BytesIO(), _in_memory(golden)
    arrays: dict[str, Any] = {
        "images": golden.images,
        "scores": golden.scores.astype(np.float32),
        "classes": np.array(golden.classes),
        "source_digest": np.array(golden.source_digest),
        "test_set": np.array(golden.test_set),
    }
    if golden.labels is not None:
        arrays["labels"] = golden.labels.astype(np.int64)
    if golden.places is not None:
        arrays["places"] = golden.places
    np.savez_compressed(stream, **arrays)
    return write_bytes(path, stream.getvalue())


def read_golden(path: Path) -> Golden:
    """Reads what `write_golden` wrote.

    Raises:
        ContentError: missing, damaged, or not such a file.
    """
    data = read_bytes(path)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return Golden(
                images=arrays["images"],
                labels=arrays["labels"] if "labels" in arrays.files else None,
                scores=arrays["scores"],
                classes=tuple(str(name) for name in arrays["classes"]),
                source_digest=str(arrays["source_digest"]),
                test_set=str(arrays["test_set"]),
                places=arrays["places"] if "places" in arrays.files else None,
            )
    except Exception as error:  # zipfile, zlib and NumPy raise a zoo of classes for a damaged archive
        message = f"{path} is not a golden reference: {first_line(error)}."
        raise ContentError(message, "Export the run again.") from error


def _in_memory(golden: Golden) -> Golden:
    n, *sizes = golden.images.shape
    number = n if isinstance(golden.images, np.ndarray) else min(n, max(1, GOLDEN_BYTES // math.prod(sizes)))
    if number == n:
        return replace(golden, images=golden.images[:])
    places = np.arange(number) * n // number
    labels = None if golden.labels is None else golden.labels[places]
    return replace(golden, images=golden.images[places], labels=labels, scores=golden.scores[places], places=places)


def _entry(artifact: Artifact) -> dict[str, Any]:
    return {
        "format": artifact.format,
        "precision": artifact.precision,
        "sha256": artifact.sha256,
        "size_bytes": artifact.size_bytes,
        "source_digest": artifact.source_digest,
        "settings": artifact.settings,
        "operators": artifact.operators,
        "min_runtime": artifact.min_runtime,
        "made_with": artifact.made_with,
        "companions": artifact.companions,
        "facts": artifact.facts,
        "spec": artifact.spec.to_json(),
    }


def _artifact(path: Path, entry: dict[str, Any]) -> Artifact:
    return Artifact(path=path, **{**entry, "spec": Spec.from_json(entry["spec"])})
