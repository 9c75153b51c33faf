"""What is asked of a file before a single image is run: is it unchanged, does it load, and is it of this original?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.artifact import check_unchanged
from digitedge.errors import ContentError
from digitedge.measure.limits import Check
from digitedge.spec import counted

if TYPE_CHECKING:
    from digitedge.artifact import Artifact, Golden
    from digitedge.errors import DigitedgeError
    from digitedge.verify.target import Described, Lost


def unchanged(artifact: Artifact) -> Check:
    """`unchanged`: the file and its companions are the bytes that the manifest beside them records."""
    try:
        check_unchanged(artifact)
    except ContentError as error:
        return _check("unchanged", passed=False, reason=error.message)
    return _check("unchanged", passed=True, reason=f"{artifact.path.name} is as it was exported")


def refused(error: DigitedgeError) -> Check:
    """`loads`, failed: the engine refuses the file, or what it says of itself is not consistent."""
    return _check("loads", passed=False, reason=error.message)


def lost(file: Lost) -> Check:
    """`loads`, failed: the engine dies of the file, or never comes back from it."""
    return _check("loads", passed=False, reason=file.reason)


def gates(
    artifact: Artifact | None, described: Described, golden: Golden, *, foreign: bool = False
) -> tuple[Check, ...]:
    """Every gate that a file which has been loaded goes through, in order, whether it passes or not.

    Args:
        artifact: what the manifest beside it says of it; None where it is in none.
        described: what it says of itself.
        golden: the reference.
        foreign: whether the reference is another model than the one it was made from, so that no source is asked for.
    """
    known = () if artifact is None else (unchanged(artifact),)
    source = () if foreign else (_source(described, golden),)
    loads = _check("loads", passed=True, reason=f"{described.engine} loads it")
    return (*known, loads, *source, *_classes(described, golden), _fits(described, golden))


def _source(described: Described, golden: Golden) -> Check:
    passed = described.source_digest == golden.source_digest
    words = "the same model as the reference" if passed else "another model than the reference"
    return _check("source", passed=passed, reason=f"it was made from {words}")


def _fits(described: Described, golden: Golden) -> Check:
    takes, classes = described.spec.input_shape, len(described.spec.classes)
    shape = tuple(golden.images.shape[1:])
    words = f"it takes {_by(takes)} images and knows {classes} classes"
    passed = takes == shape and classes == len(golden.classes)
    other = "" if passed else f"; the reference {_by(shape)} and {len(golden.classes)}"
    return _check("fits", passed=passed, reason=words + other)


def _classes(described: Described, golden: Golden) -> tuple[Check, ...]:
    """`classes`, where both name their classes: names that only count say that nobody has named them.

    Numbers in another order than the reference's numbers are names all the same, and wrong ones.
    """
    names, expected = described.spec.classes, golden.classes
    wrong = [index for index, (name, other) in enumerate(zip(names, expected, strict=False)) if name != other]
    if len(names) == len(expected) and not wrong:
        return (_check("classes", passed=True, reason="its classes have the names of the reference's"),)
    nameless = expected == counted(len(expected)) and sorted(names) != sorted(expected)
    if len(names) != len(expected) or names == counted(len(names)) or nameless:
        return ()
    first = wrong[0]
    words = f"class {first} is {names[first]} here and {expected[first]} in the reference"
    return (_check("classes", passed=False, reason=words),)


def _check(name: str, *, passed: bool, reason: str) -> Check:
    return Check(name, None, None, passed, reason)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
