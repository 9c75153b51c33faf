"""What files gave on one machine, as a file that is carried to another: no network, and no TensorFlow on either."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import ContentError, first_line
from digitedge.files import read_bytes, refuse_existing, write_bytes
from digitedge.images import blocks
from digitedge.measure.limits import LIMITS
from digitedge.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.images import Images

SCHEMA_VERSION = 1
AGAIN = "Make it again with --save-outputs."
_DIGEST = re.compile("[0-9a-f]{64}")
_MACHINE = {"cpu", "architecture", "cores", "cpu_limit", "flags"}  # what `measure.machine.summary` needs


@dataclass(frozen=True, eq=False)
class RecordedOutputs:
    """What one file gave in one engine on one machine.

    Attributes:
        name: of the file.
        sha256: of its bytes.
        format: `onnx`, `tflite`, `c99` or `keras`.
        precision: a key of `measure.limits.LIMITS`.
        provider: that ran it, `cpu` for every format but ONNX.
        engine: that ran it, with its version, for people.
        source_digest: of the original that it was made from; None where the file does not say.
        spec: what it expects and gives.
        max_drop: percentage points of accuracy that it may lose, as its export was told; None for the usual bounds.
        scores: float32 (n, classes), probabilities where it gives logits. A score that is not finite stays one.
        places: int64 (n,), of the images in their data set, ascending; None where it is all of them.
        images_sha256: `images_sha256` of those images.
        batch_abs: as in `target.Scored`.
        batch_flips: likewise.
        machine: as `measure.machine.describe` gives it.
        digitedge: version that recorded it.

    Raises:
        ContentError: these do not fit each other.
    """

    name: str
    sha256: str
    format: str
    precision: str
    provider: str
    engine: str
    source_digest: str | None
    spec: Spec
    max_drop: float | None
    scores: NDArray[np.float32]
    places: NDArray[np.int64] | None
    images_sha256: str
    batch_abs: float | None
    batch_flips: int
    machine: dict[str, Any]
    digitedge: str

    def __post_init__(self) -> None:
        for sound, problem in self._claims():
            if not sound:
                raise ContentError(f"the outputs of {self.name} are not consistent: {problem}.", AGAIN)

    @property
    def cpu(self) -> str:
        """The name of the CPU, or its architecture where it has none."""
        return str(self.machine["cpu"] or self.machine["architecture"])

    def _claims(self) -> list[tuple[bool, str]]:
        n, places = len(self.scores), self.places
        words = (self.name, self.format, self.provider, self.engine, self.digitedge)
        digests = (self.sha256, self.images_sha256)
        return [
            (all(isinstance(word, str) and word != "" for word in words), "a name is missing"),
            (not {"/", "\\"} & set(str(self.name)), "the file is in a folder"),  # a picture is written beside it
            (all(_DIGEST.fullmatch(digest) is not None for digest in digests), "a digest is none"),
            (self.precision in LIMITS, f"precision is {self.precision}"),
            (isinstance(self.source_digest, str | None), f"source_digest is {self.source_digest}"),
            (isinstance(self.max_drop, int | float | None), f"max_drop is {self.max_drop}"),
            (isinstance(self.batch_abs, float | None), f"batch_abs is {self.batch_abs}"),
            (isinstance(self.batch_flips, int), f"batch_flips is {self.batch_flips}"),
            (self.scores.dtype == np.float32, f"scores are {self.scores.dtype}"),
            (self.scores.shape == (n, len(self.spec.classes)), f"scores are of the shape {self.scores.shape}"),
            (n > 0, "there are no images"),
            (places is None or _are_places(places, n), "places are not those of its images"),
            (self.machine.keys() >= _MACHINE, "the machine is not described"),
        ]


def images_sha256(images: Images, at: NDArray[np.int64] | None = None) -> str:
    """The identity of images uint8 (n, height, width, channels): of their bytes in their order, read block by block.

    Args:
        images: in memory or not.
        at: int64 (k,), which of them; None for all.
    """
    if at is not None:
        images = images[at] if isinstance(images, np.ndarray) else images.take(at)
    digest = hashlib.sha256(repr(tuple(images.shape)).encode())
    for block in blocks(images):
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()


def write_outputs(path: Path, outputs: Sequence[RecordedOutputs], *, overwrite: bool = False) -> Path:
    """Writes a compressed .npz without pickled objects.

    Raises:
        OutputExistsError: it is there, and may not be replaced.
        ContentError: there is nothing to write.
        UsageError: it cannot be written.
    """
    refuse_existing(path, overwrite=overwrite)
    if not outputs:
        raise ContentError("no file gave any outputs that could be saved.", "See why each of them failed.")
    header = {"schema_version": SCHEMA_VERSION, "outputs": [_entry(one) for one in outputs]}
    arrays: dict[str, Any] = {"header": np.array(json.dumps(header))}
    for index, one in enumerate(outputs):
        arrays[f"scores_{index}"] = one.scores
        if one.places is not None:
            arrays[f"places_{index}"] = one.places
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return write_bytes(path, stream.getvalue())


def read_outputs(path: Path) -> tuple[RecordedOutputs, ...]:
    """Reads what `write_outputs` wrote, at least one.

    Raises:
        ContentError: missing, damaged, of another version, or not such a file.
    """
    data = read_bytes(path)
    try:
        _check_sums(data)
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return _outputs(arrays)
    except Exception as error:  # zipfile, zlib, json and NumPy raise a zoo of classes for a damaged archive
        reason = error.message.rstrip(".") if isinstance(error, ContentError) else first_line(error)
        raise ContentError(f"{path} holds no outputs that can be compared: {reason}.", AGAIN) from error


def _entry(one: RecordedOutputs) -> dict[str, Any]:
    arrays = ("scores", "places")
    facts = {name: getattr(one, name) for name in one.__dataclass_fields__ if name not in arrays}
    return {**facts, "spec": one.spec.to_json(), "has_places": one.places is not None}


def _check_sums(data: bytes) -> None:
    """Reads every entry to its end, where its checksum is compared: np.load may stop before."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} is damaged")


def _outputs(arrays: Any) -> tuple[RecordedOutputs, ...]:
    header = json.loads(str(arrays["header"]))
    if header["schema_version"] != SCHEMA_VERSION:
        message = f"it has schema_version {header['schema_version']} and this digitedge reads {SCHEMA_VERSION}"
        raise ContentError(message, AGAIN)
    if not header["outputs"]:
        raise ContentError("it is empty", AGAIN)
    return tuple(_recorded(entry, index, arrays) for index, entry in enumerate(header["outputs"]))


def _recorded(entry: dict[str, Any], index: int, arrays: Any) -> RecordedOutputs:
    places = arrays[f"places_{index}"] if entry.pop("has_places") else None
    spec = Spec.from_json(entry.pop("spec"))
    return RecordedOutputs(**entry, spec=spec, scores=arrays[f"scores_{index}"], places=places)


def _are_places(places: NDArray[np.int64], n: int) -> bool:
    """Whether they are n different ones, ascending from 0 or more."""
    return bool(places.dtype == np.int64 and places.shape == (n,) and places[0] >= 0 and (np.diff(places) > 0).all())
