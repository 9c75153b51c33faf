"""Every file in every engine that can run it: what it gives, judged against the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitedge.commands.evidence import elsewhere, structure
from digitedge.errors import ContentError, DigitedgeError
from digitedge.files import read_bytes, sha256
from digitedge.measure.limits import limits_of
from digitedge.report.bodies import Judged, lost_row, parity_row
from digitedge.runtime.loading import engines_of
from digitedge.runtime.provider import offered
from digitedge.verify.gates import gates
from digitedge.verify.judgement import examine, part_of
from digitedge.verify.target import Described, Lost, Scored, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitedge.commands.folders import Listed
    from digitedge.commands.judging import Reference
    from digitedge.measure.limits import CpuLabels
    from digitedge.verify.scoring import Scoring

# Of the test set: the reference kernels of TensorFlow Lite Micro take about 1.3 ms for a digit on a PC.
MICRO_IMAGES = 1_000
_MICRO = "tflite-micro"

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A file in an engine: a row of the result.

    Attributes:
        listed: the file.
        target: the same in one engine.
        loaded: Lost where the engine died of it.
        left_out: why other engines do not run it, a sentence each; said with the file's own engine.
    """

    listed: Listed
    target: Target
    loaded: Described | Lost
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be judged, and by what.

    Attributes:
        entries: the rows to be.
        against: what the files are compared with.
        scoring: runs them.
        overrides: bounds that somebody asked for, by the name of their check.
    """

    entries: tuple[Entry, ...]
    against: Reference
    scoring: Scoring
    overrides: Mapping[str, float]


def load_all(files: Sequence[Listed], scoring: Scoring) -> list[Entry]:
    """Loads every file in every engine that is here, its own first.

    Raises:
        ContentError: a file is damaged, or its own engine cannot read it.
        NotPresentError: its own engine is not installed.
    """
    return [entry for listed in files for entry in _entries(listed, scoring)]


def described(entries: Sequence[Entry]) -> list[Described]:
    """The files that have been loaded."""
    return [entry.loaded for entry in entries if isinstance(entry.loaded, Described)]


def _entries(listed: Listed, scoring: Scoring) -> list[Entry]:
    first, *others = _targets(listed)
    own = Entry(listed, first, scoring.describe(first))
    further, left_out = [], []
    for target in others:
        try:
            loaded = scoring.describe(target)
        except DigitedgeError as error:
            left_out.append(error.message.rstrip("."))
            continue
        if isinstance(loaded, Lost):
            left_out.append(f"{target.engine} cannot run it on {target.provider}: {loaded.reason}")
        else:
            further.append(Entry(listed, target, loaded))
    return [replace(own, left_out=tuple(left_out)), *further]


def check_gates(entries: Sequence[Entry], against: Reference, *, foreign: bool) -> None:
    """Raises ContentError where a file cannot be one of this original: of another source, shape or classes."""
    for entry in entries:
        if not isinstance(entry.loaded, Described):
            continue
        for check in gates(entry.listed.artifact, entry.loaded, against.golden, foreign=foreign):
            if not check.passed:
                message = f"{entry.target.path} cannot be judged by {against.path.name}: {check.reason}."
                raise ContentError(message, "Export it again, or name its original with --reference.")


def run(entry: Entry, work: Work) -> tuple[Row, Scored | None]:
    """Runs a file on every image, and judges what it gives.

    Returns:
        The row, and the scores; None instead of them where the file crashed or did not return.
    """
    row, scored = _run(entry, work)
    return {**row, "sha256": _digest(entry)}, scored


def _digest(entry: Entry) -> str | None:
    """Of the file's bytes, so that a later command knows which ones were judged; None of a folder."""
    if entry.listed.artifact is not None:  # checked when it was listed
        return entry.listed.artifact.sha256
    return sha256(read_bytes(entry.target.path)) if entry.target.path.is_file() else None


def _run(entry: Entry, work: Work) -> tuple[Row, Scored | None]:
    loaded, golden = entry.loaded, work.against.golden
    if isinstance(loaded, Lost):
        return lost_row(loaded), None
    scored = work.scoring.score(entry.target, golden.images)
    if isinstance(scored, Lost):
        return lost_row(scored, loaded), None
    cpus = elsewhere(scored, golden, work.scoring)
    row = judged(scored, work.against, entry.listed.max_drop, work.overrides, cpus=cpus)
    return {**row, "note": "; ".join((*filter(None, [row["note"]]), *entry.left_out)) or None}, scored


def judged(
    scored: Scored,
    against: Reference,
    max_drop: float | None,
    overrides: Mapping[str, float],
    *,
    cpus: Sequence[CpuLabels] = (),
) -> Row:
    """The row of what a file gives, here or on another machine."""
    found, golden = scored.described, part_of(against.golden, scored.places)
    limits = limits_of(found.precision, max_drop, overrides)
    parity, checks = examine(scored, golden, limits, decisions_only=against.decisions_only, cpus=cpus)
    made = Judged(
        path=found.target.path,
        format=found.format,
        precision=found.precision,
        parity=parity,
        checks=(*structure(found), *checks),
        provider=found.target.provider,
        engine=found.engine,
        batch_abs=scored.batch_abs,
        cpus=tuple(cpus),
    )
    row = parity_row(made, golden)
    if scored.places is not None:
        row["note"] = f"{found.engine} ran {len(scored.places):,} of {len(against.golden.images):,} images"
    return row


def _targets(listed: Listed) -> list[Target]:
    """The file's own engine on the CPU; then every other one that is here, and every provider."""
    path = listed.path
    first, *others = engines_of(path) or (None,)  # without any, loading it says what to install
    targets = [Target(path, engine=first)]
    targets += [Target(path, engine=name, most_images=MICRO_IMAGES if name == _MICRO else None) for name in others]
    if path.suffix == ".onnx":
        targets += [Target(path, provider=name, engine=first) for name in offered() if name != "cpu"]
    return targets
