"""`--shift`: every file and its original on images that are worse than those of the test set. It informs, no more."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.artifact import GOLDEN
from digitedge.commands.judging import keras_original
from digitedge.commands.verifying import described
from digitedge.data.corruption.corrupting import SEVERITIES, corrupted, corruptions
from digitedge.errors import ContentError
from digitedge.measure.limits import limits_of
from digitedge.measure.parity import compare
from digitedge.measure.shift import CLEAN, Shifted, guessing, judged, onset
from digitedge.report.steps.shift import sentence
from digitedge.runtime.loading import format_of, score
from digitedge.verify.target import Lost, Scored, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.commands.judging import Reference
    from digitedge.commands.verifying import Entry
    from digitedge.images import Images
    from digitedge.measure.limits import Limits
    from digitedge.measure.shift import ShiftRow
    from digitedge.report.counting import Count
    from digitedge.verify.scoring import Scoring
    from digitedge.verify.target import Described

    Scores = NDArray[np.float32]

# 1,000 of each of 71 sets: a loss of 1.2 points is found (12 images that only the original gets right), in seconds.
IMAGES = 1_000
# What a file is given at a time: some sets at once, because each time it must first prove itself on single images.
_STACK_BYTES = 16 * 2**20


def shifted(
    entries: Sequence[Entry],
    against: Reference,
    scoring: Scoring,
    watch: Count,
    overrides: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """The `shift` part of the `verify` document: each file in the first engine of its format. See `shifts`.

    Args:
        entries: the files, loaded.
        against: the original.
        scoring: runs the files.
        watch: told how far it is.
        overrides: limits by the name of their check (`--limit`): `accuracy` is what a file may lose, in points.

    Raises:
        ContentError: there is only a record of what the original gave, which cannot be asked about other images.
    """
    # Of the rows of a file the first is that of its own engine.
    first = {entry.target.path: entry for entry in reversed(entries)}

    def limits(ran: Described) -> Limits:
        return limits_of(ran.precision, first[ran.target.path].listed.max_drop, overrides)

    return shifts(
        [entry.target for entry in entries if entry is first[entry.target.path]],
        _original(against, described(entries), scoring),
        against.golden.images,
        against.golden.labels,
        scoring,
        watch=watch,
        limits=limits,
        decisions_only=against.decisions_only,
    )


def shifts(
    files: Sequence[Target],
    original_scores: Callable[[Images], Scores],
    images: Images,
    labels: NDArray[np.int64] | None,
    scoring: Scoring,
    *,
    watch: Count,
    limits: Callable[[Described], Limits],
    most: int = IMAGES,
    decisions_only: bool = False,
) -> list[dict[str, Any]]:
    """Compares each file with the original on clean images, then on every corruption at every severity.

    Args:
        files: what is compared.
        original_scores: what the original gives for images: float32 (n, classes).
        images: of the test set, in memory or not.
        labels: int64 (n,), or None where nobody has labelled them: then only changed labels are counted.
        scoring: runs the files.
        watch: told how far it is.
        limits: what a file may lose: its `max_drop` counts.
        most: images of each set, evenly spread over `images`; fewer where there are not so many.
        decisions_only: the original gives labels, as scores of 0 and 1.

    Returns:
        One entry a file: `path`, `provider`, `engine`, `precision`, `labelled`, `n` (images of each set), `rows` (each
        a `measure.shift.ShiftRow`, the clean images first), `onset` (by corruption, a severity or null), `lost` (why a
        file brought its process down, or null: such a file has no rows), `sentence` (what it all says).

    Raises:
        ContentError: there are no images.
    """
    chosen, truth = _sample(images, labels, most)
    found: dict[Target, list[Shifted]] = {target: [] for target in files}
    ran: dict[Target, Described] = {}
    lost: dict[Target, Lost] = {}
    stacks = _stacks(chosen.nbytes)
    for done, tests in enumerate(stacks):
        watch(done, len(stacks), tests[0][0])
        stack = np.concatenate([_worse(chosen, *test) for test in tests])
        references = np.split(original_scores(stack), len(tests))
        for target in (target for target in files if target not in lost):
            # How many images are run is decided here, by `most`.
            scored = scoring.score(replace(target, most_images=None), stack)
            if isinstance(scored, Lost):
                lost[target] = scored
                continue
            ran[target] = scored.described
            alone = decisions_only or scored.described.spec.output_kind == "label"
            candidates = np.split(scored.scores, len(tests))
            for test, reference, candidate in zip(tests, references, candidates, strict=True):
                parity = compare(reference, candidate, truth, decisions_only=alone)
                found[target].append(Shifted(*test, parity))
    watch(len(stacks), len(stacks), "")
    guessed = None if truth is None else guessing(truth)
    return [
        _lost(target, lost[target], labelled=truth is not None)
        if target in lost
        else _entry(
            ran[target], judged(found[target], guessed, limits(ran[target]).max_drop), labelled=truth is not None
        )
        for target in files
    ]


def _original(against: Reference, candidates: Sequence[Described], scoring: Scoring) -> Callable[[Images], Scores]:
    """What the reference gives for any images."""
    path = against.path
    if path.name != GOLDEN and format_of(path) != "keras":
        return lambda images: _aside(path, images, scoring)
    model = keras_original(path, candidates)
    return lambda images: score(model, images)


def _aside(path: Path, images: Images, scoring: Scoring) -> Scores:
    scored = scoring.score(Target(path), images)
    if isinstance(scored, Scored):
        return scored.scores
    raise ContentError(f"the reference {path} cannot be run: {scored.reason}.", "Name another with --reference.")


def _sample(
    images: Images, labels: NDArray[np.int64] | None, most: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """As many images as asked for, evenly spread: data sets lie sorted, by class or by writer."""
    if len(images) == 0:
        raise ContentError("there are no images to corrupt.", "Name a data set that holds some.")
    number = min(most, len(images))
    places = np.arange(number) * len(images) // number
    return images[places], None if labels is None else labels[places]


def _stacks(size_bytes: int) -> list[list[tuple[str, int]]]:
    """The clean images and every corruption at every severity, as many of these sets together as take little room."""
    tests = [(CLEAN, 0), *((name, severity) for name in corruptions() for severity in SEVERITIES)]
    together = max(1, _STACK_BYTES // size_bytes)
    return [tests[start : start + together] for start in range(0, len(tests), together)]


def _worse(images: NDArray[np.uint8], name: str, severity: int) -> NDArray[np.uint8]:
    return images if name == CLEAN else corrupted(images, name, severity)


def _entry(ran: Described, rows: Sequence[ShiftRow], *, labelled: bool) -> dict[str, Any]:
    entry = {
        "path": str(ran.target.path),
        "provider": ran.target.provider,
        "engine": ran.engine,
        "precision": ran.precision,
        "labelled": labelled,
        "n": rows[0].n,
        "rows": [asdict(row) for row in rows],
        "onset": onset(rows),
        "lost": None,
    }
    return {**entry, "sentence": sentence(entry)}


def _lost(target: Target, lost: Lost, *, labelled: bool) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("precision", "n"))
    entry = {
        **nothing,
        "path": str(target.path),
        "provider": target.provider,
        "engine": target.engine,
        "labelled": labelled,
        "rows": [],
        "onset": {},
        "lost": lost.reason,
    }
    return {**entry, "sentence": sentence(entry)}
