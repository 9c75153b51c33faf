"""Outputs that are carried between machines: recorded where a file ran, judged where there is something to compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge import __version__
from digitedge.commands.folders import model_files
from digitedge.commands.verifying import judged
from digitedge.errors import ContentError
from digitedge.files import read_bytes, sha256
from digitedge.measure import machine
from digitedge.measure.cpus import labels
from digitedge.verify.gates import gates
from digitedge.verify.outputs import RecordedOutputs, images_sha256, read_outputs, write_outputs
from digitedge.verify.target import Described, Scored, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.commands.judging import Reference
    from digitedge.commands.verifying import Row


@dataclass(frozen=True)
class Record:
    """A file that --save-outputs has written on some machine, and what it holds."""

    path: Path
    outputs: tuple[RecordedOutputs, ...]


def save(path: Path, given: Sequence[Scored], against: Reference, *, overwrite: bool = False) -> Path:
    """Writes what files gave here, with the identity of the images, for another machine.

    Raises:
        OutputExistsError: `path` is there, and may not be replaced.
        ContentError: no file gave anything, or one has changed since it was exported.
    """
    digest, here = _digests(against.golden), machine.describe()
    outputs = [_recorded(scored, against.golden, digest(_tuple(scored.places)), here) for scored in given]
    return write_outputs(path, outputs, overwrite=overwrite)


def read_all(paths: Sequence[Path]) -> tuple[Record, ...]:
    """Reads what other machines have saved.

    Raises:
        ContentError: one of the files is damaged, or another one.
    """
    return tuple(Record(path, read_outputs(path)) for path in paths)


def carried(
    records: Sequence[Record], given: Sequence[Scored], against: Reference, overrides: Mapping[str, float]
) -> list[Row]:
    """The row of each recorded file, judged as if it had run here.

    Besides what every row holds: `outputs` (the file that it was recorded in), `machine` (where it ran); and where the
    same file ran here too, `labels_other_than_here`, and `max_abs_from_here`, the largest difference of a score; null
    where it did not, or gives labels alone, or a score is not finite.

    Args:
        records: of other machines.
        given: what the files gave here.
        against: the reference.
        overrides: of limits, by the name of the check.

    Raises:
        ContentError: a record is of other images, another original, or other classes.
    """
    if not records:
        return []
    digest = _digests(against.golden)
    ran = [(sha256(read_bytes(scored.described.target.path)), scored) for scored in given]
    sources = {against.golden.source_digest, *(scored.described.source_digest for scored in given)}
    rows = []
    for path, one in ((record.path, one) for record in records for one in record.outputs):
        if one.source_digest not in sources:
            message = f"{one.name} in {path} was made from another model than {against.path.name}."
            raise ContentError(message, "Save the outputs of the files of this model.")
        at = _indices(path, one, against.golden)
        if digest(at) != one.images_sha256:
            raise _other_images(path, against.golden)
        same = _same_file(one, ran)
        scored = _as_scored(path, one, at, same)
        _check_classes(path, scored, against.golden)
        row = judged(scored, against, one.max_drop, overrides)
        rows.append({**row, "outputs": str(path.resolve()), "machine": one.machine, **_from_here(scored, same)})
    return rows


def _recorded(scored: Scored, golden: Golden, digest: str, here: dict[str, Any]) -> RecordedOutputs:
    found = scored.described
    path, places = found.target.path, scored.places
    return RecordedOutputs(
        name=path.name,
        sha256=sha256(read_bytes(path)),
        format=found.format,
        precision=found.precision,
        provider=found.target.provider,
        engine=found.engine,
        source_digest=found.source_digest,
        spec=found.spec,
        max_drop=model_files([path])[0].max_drop,
        scores=scored.scores,
        places=golden.places if places is None else np.array(golden.places_of(places.tolist()), np.int64),
        images_sha256=digest,
        batch_abs=scored.batch_abs,
        batch_flips=scored.batch_flips,
        machine=here,
        digitedge=__version__,
    )


def _indices(path: Path, one: RecordedOutputs, golden: Golden) -> tuple[int, ...] | None:
    """Where the recorded images lie in a reference; None for all of it."""
    if one.places is None:
        if golden.places is None and len(one.scores) == len(golden.images):
            return None
        raise _other_images(path, golden)
    found = [golden.index_of(place) for place in one.places.tolist()]
    known = tuple(index for index in found if index is not None)
    if len(known) != len(found):
        raise _other_images(path, golden)
    return None if len(known) == len(golden.images) else known


def _digests(golden: Golden) -> Callable[[tuple[int, ...] | None], str]:
    """The digest of some of the images, or of all; computed once for all files that were run on the same."""
    return cache(lambda at: images_sha256(golden.images, None if at is None else np.array(at, np.int64)))


def _tuple(places: NDArray[np.int64] | None) -> tuple[int, ...] | None:
    return None if places is None else tuple(places.tolist())


def _other_images(path: Path, golden: Golden) -> ContentError:
    message = f"{path} was recorded on other images than those of {golden.test_set} here."
    return ContentError(message, "Record it beside the golden.npz of this run, or name the same --data.")


def _as_scored(path: Path, one: RecordedOutputs, at: tuple[int, ...] | None, same: Scored | None) -> Scored:
    """What the file would have given here. Its path is that of the same file here, else one inside the record."""
    file = path.resolve() / one.name if same is None else same.described.target.path
    target = Target(file, provider=one.provider)
    engine = f"{one.engine} on {one.cpu}"
    described = Described(target, one.format, one.precision, one.source_digest, one.spec, engine)
    places = None if at is None else np.array(at, np.int64)
    return Scored(described, one.scores, places, one.batch_abs, one.batch_flips)


def _check_classes(path: Path, scored: Scored, golden: Golden) -> None:
    for check in gates(None, scored.described, golden, foreign=True):  # the source has been compared
        if not check.passed:
            message = f"{scored.described.target.path.name} in {path}: {check.reason}."
            raise ContentError(message, "Compare it with the reference that it was exported from.")


def _same_file(one: RecordedOutputs, ran: Sequence[tuple[str, Scored]]) -> Scored | None:
    """What the same bytes gave here; where they ran in several engines, in the same one, of whatever version."""

    def likeness(scored: Scored) -> tuple[bool, bool]:
        found = scored.described
        return found.target.provider == one.provider, _without_version(found.engine) == _without_version(one.engine)

    return max((scored for digest, scored in ran if digest == one.sha256), key=likeness, default=None)


def _without_version(engine: str) -> str:
    return engine.rpartition(" ")[0]


def _from_here(scored: Scored, same: Scored | None) -> Row:
    """How far what a machine gave is from what the same file gave here, on the images that ran on both."""
    if same is None:
        return {"labels_other_than_here": None, "max_abs_from_here": None}
    there, here = (np.arange(len(one.scores)) if one.places is None else one.places for one in (scored, same))
    _, first, second = np.intersect1d(there, here, assume_unique=True, return_indices=True)
    theirs, ours = scored.scores[first], same.scores[second]
    differs = int((labels(theirs) != labels(ours)).sum()) if len(first) else None
    told = len(first) and scored.described.spec.output_kind != "label"
    largest = float(np.abs(theirs.astype(np.float64) - ours).max()) if told else np.nan
    return {"labels_other_than_here": differs, "max_abs_from_here": largest if np.isfinite(largest) else None}
