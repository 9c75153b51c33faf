"""`digitedge verify --self-test`: each file is spoilt in every known way, and each wrong file must be rejected.

A check that has never failed proves nothing. So the right file must pass every check first, and each wrong one must
then fail the very check that is meant to catch its mistake.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.commands.checking import Standard, checks_of
from digitedge.errors import ContentError, package_missing
from digitedge.files import sha256
from digitedge.registry import installed
from digitedge.runtime.loading import format_of
from digitedge.verify.judgement import part_of
from digitedge.verify.target import Lost, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitedge.artifact import Artifact
    from digitedge.commands.folders import Listed
    from digitedge.commands.judging import Reference
    from digitedge.mutation.mutation import Mutation, Right, Wrong
    from digitedge.report.counting import Count
    from digitedge.verify.scoring import Scoring

IMAGES = 2_000
FORMATS = ("onnx", "tflite", "c99")
PRECISIONS = ("fp32", "int8")
# Of a run with fp32 and int8 .onnx files: fewer than these, and the mutations no longer fit what is exported.
FEWEST = 20


@dataclass(frozen=True)
class Row:
    """One wrong file, and what became of it.

    Attributes:
        mutation: name of what was done to it.
        says: what is wrong with it.
        path: of the right file that it was made of.
        format: of both.
        precision: of both.
        expects: the check that is meant to catch it.
        failed: the checks that it failed, in their order.
        reason: the sentence of the first of them; None where it passed, or was not made.
        applicable: whether the right file has a place for the mistake, and goes through the check that is expected.
    """

    mutation: str
    says: str
    path: str
    format: str
    precision: str
    expects: str
    failed: tuple[str, ...] = ()
    reason: str | None = None
    applicable: bool = True

    @property
    def caught(self) -> bool:
        """Whether it failed the check that is meant to catch it."""
        return self.applicable and self.expects in self.failed


@dataclass(frozen=True, eq=False)
class _Proved:
    """A right file that passes every check: `asked` are their names, `foreign` as `gates` takes it."""

    right: Right
    artifact: Artifact | None
    asked: tuple[str, ...]
    foreign: bool


def self_tested(
    files: Sequence[Listed],
    against: Reference,
    scoring: Scoring,
    watch: Count,
    *,
    overrides: Mapping[str, float] | None = None,
    mutations: Sequence[Mutation] | None = None,
) -> dict[str, Any]:
    """Spoils every fp32 and int8 .onnx, .tflite and .c file in every way, and judges what comes of it.

    Args:
        files: as they were exported; those of other kinds are left out.
        against: the original. At most 2,000 of its images are used, evenly spread.
        scoring: runs the files in its own process.
        watch: is told of the wrong files judged, of all, and of the one that is next.
        overrides: limits by check, as `limits_of` takes them.
        mutations: None for all.

    Returns:
        `self_test` of the `verify` document: see `body`.

    Raises:
        ContentError: there is no such file, or a right one fails a check: nothing can be proved with it.
        NotPresentError: an engine, or the onnx package, is not installed.
    """
    if mutations is None:
        mutations = _mutations()
    golden = part_of(against.golden, _spread(len(against.golden.images)))
    by = Standard(golden, scoring, against.decisions_only, overrides or {})
    found = [_proved(listed, by) for listed in files if format_of(listed.path) in FORMATS]
    proved = [one for one in found if one is not None]
    if not proved:
        message = "there is no fp32 or int8 file in .onnx, .tflite or .c to make wrong ones of."
        raise ContentError(message, "Name a run folder that holds one.")
    todo = [(one, mutation) for one in proved for mutation in mutations if mutation.is_for(one.right)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="digitedge-") as folder:
        for done, (one, mutation) in enumerate(todo):
            watch(done, len(todo), f"{one.right.path.name} · {mutation.name}")
            rows.append(_tried(mutation, one, by, Path(folder) / str(done)))
        watch(len(todo), len(todo), "")
    return body(rows)


def body(rows: Sequence[Row]) -> dict[str, Any]:
    """`self_test` of the `verify` document.

    Returns:
        `results`, a dict for each row; `applicable` and `caught`, how many; `passed`: all that apply are caught, at
        least one, and of a run with fp32 and int8 .onnx files at least 20.
    """
    applicable = sum(row.applicable for row in rows)
    caught = sum(row.caught for row in rows)
    both = {row.precision for row in rows if row.format == "onnx"} >= set(PRECISIONS)
    return {
        "results": [{**asdict(row), "failed": list(row.failed), "caught": row.caught} for row in rows],
        "applicable": applicable,
        "caught": caught,
        "passed": caught == applicable >= (FEWEST if both else 1),
    }


def _mutations() -> tuple[Mutation, ...]:
    if not installed("onnx"):
        raise package_missing("onnx", "train", "--self-test")
    from digitedge.mutation.every import mutations

    return mutations()


def _spread(images: int) -> Any:
    return None if images <= IMAGES else np.arange(IMAGES) * images // IMAGES


def _proved(listed: Listed, by: Standard) -> _Proved | None:
    """None for a file of another precision.

    Raises:
        ContentError: it fails a check.
    """
    from digitedge.mutation.mutation import read_right

    path, artifact = listed.path, listed.artifact
    described = by.scoring.describe(Target(path))
    if isinstance(described, Lost):
        raise _unfit(path, described.reason)
    if described.precision not in PRECISIONS:
        return None
    # `verify` has looked at the source already, where it may not be another one.
    foreign = described.source_digest != by.golden.source_digest
    checks = checks_of(path, artifact, by, foreign=foreign)
    for check in checks:
        if not check.passed:
            raise _unfit(path, check.reason)
    right = read_right(path, described.precision, described.spec)
    return _Proved(right, artifact, tuple(check.name for check in checks), foreign)


def _unfit(path: Path, reason: str) -> ContentError:
    message = f"{path.name} is not right itself, so that wrong copies of it prove nothing: {reason}."
    return ContentError(message, "See which check it fails with: digitedge verify")


def _tried(mutation: Mutation, of: _Proved, by: Standard, folder: Path) -> Row:
    right = of.right
    row = Row(mutation.name, mutation.says, str(right.path), right.format, right.precision, mutation.expects)
    wrong = mutation.apply(right) if mutation.expects in of.asked else None
    if wrong is None:
        return replace(row, applicable=False)
    path, artifact = _written(wrong, right, folder), None
    if of.artifact is not None:
        artifact = replace(of.artifact, path=path)
        artifact = artifact if mutation.expects == "unchanged" else _exported_so(artifact, right, wrong)
    checks = checks_of(path, artifact, by, foreign=of.foreign, cpus=mutation.expects == "cpus")
    failed = [check for check in checks if not check.passed]
    names, sentences = tuple(check.name for check in failed), [check.reason for check in failed]
    # The folder is gone when the sentence is read.
    return replace(row, failed=names, reason=sentences[0].replace(f"{folder}{os.sep}", "") if failed else None)


def _written(wrong: Wrong, right: Right, folder: Path) -> Path:
    """The wrong file under the right one's name, in a folder of its own."""
    folder.mkdir()
    for name, data in {**right.companions, **wrong.companions, right.path.name: wrong.data}.items():
        (folder / name).write_bytes(data)
    return folder / right.path.name


def _exported_so(artifact: Artifact, right: Right, wrong: Wrong) -> Artifact:
    """What the manifest would say of a wrong file that had been exported so.

    With the digests of the right one, `unchanged` would catch every mistake, and no other check would be tried.
    """
    companions = {name: sha256(data) for name, data in {**right.companions, **wrong.companions}.items()}
    return replace(artifact, sha256=sha256(wrong.data), companions=companions)
