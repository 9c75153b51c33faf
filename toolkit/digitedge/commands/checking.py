"""Every check that one file goes through, from its digest to its labels on other CPUs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitedge.commands.evidence import elsewhere, structure
from digitedge.errors import ContentError
from digitedge.measure.limits import limits_of
from digitedge.verify.gates import gates, lost, refused, unchanged
from digitedge.verify.judgement import examine
from digitedge.verify.target import Lost, Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from digitedge.artifact import Artifact, Golden
    from digitedge.measure.limits import Check
    from digitedge.verify.scoring import Scoring
    from digitedge.verify.target import Described


@dataclass(frozen=True, eq=False)
class Standard:
    """What files are judged by.

    Attributes:
        golden: what the original gives.
        scoring: runs the files.
        decisions_only: the original gives labels alone.
        overrides: limits by check, as `limits_of` takes them.
    """

    golden: Golden
    scoring: Scoring
    decisions_only: bool = False
    overrides: Mapping[str, float] = field(default_factory=dict)


def checks_of(
    path: Path, artifact: Artifact | None, by: Standard, *, foreign: bool = False, cpus: bool = True
) -> tuple[Check, ...]:
    """The checks in their order, those that passed too; up to a gate that is shut, behind which nothing can be asked.

    Args:
        path: of the file.
        artifact: what a manifest says of it; None where there is none.
        by: what it is judged by.
        foreign: as `gates` takes it.
        cpus: whether an int8 file is judged on other CPUs too, which takes seconds for a larger network.
    """
    if artifact is not None and not (check := unchanged(artifact)).passed:
        return (check,)
    try:
        described = by.scoring.describe(Target(path))
        if isinstance(described, Lost):
            return (lost(described),)
        shut = gates(artifact, described, by.golden, foreign=foreign)
        if not all(check.passed for check in shut):
            return shut
        return (*shut, *structure(described), *_figures(described, artifact, by, cpus=cpus))
    except ContentError as error:
        return (refused(error),)


def _figures(described: Described, artifact: Artifact | None, by: Standard, *, cpus: bool) -> tuple[Check, ...]:
    """The checks of what it gives."""
    scored = by.scoring.score(described.target, by.golden.images)
    if isinstance(scored, Lost):
        return (lost(scored),)
    max_drop = None if artifact is None else artifact.settings.get("max_drop")
    limits = limits_of(described.precision, max_drop, by.overrides)
    others = elsewhere(scored, by.golden, by.scoring) if cpus else ()
    return examine(scored, by.golden, limits, decisions_only=by.decisions_only, cpus=others)[1]
