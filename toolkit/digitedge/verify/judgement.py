"""What a file gives, held against what the reference gives: the figures, and every check that they pass or fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from digitedge.measure.limits import Evidence, judge
from digitedge.measure.parity import compare
from digitedge.measure.scores import sum_abs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.measure.limits import Check, CpuLabels, Limits
    from digitedge.measure.parity import ParityReport
    from digitedge.verify.target import Scored


def part_of(golden: Golden, places: NDArray[np.int64] | None) -> Golden:
    """The reference on some of its images, ascending; on all of them for None."""
    if places is None:
        return golden
    return replace(
        golden,
        images=golden.images[places],
        labels=None if golden.labels is None else golden.labels[places],
        scores=golden.scores[places],
        places=np.array(golden.places_of(places.tolist())),
    )


def examine(
    scored: Scored, golden: Golden, limits: Limits, *, decisions_only: bool = False, cpus: Sequence[CpuLabels] = ()
) -> tuple[ParityReport, tuple[Check, ...]]:
    """Compares and judges.

    Args:
        scored: what the file gives.
        golden: what the reference gives for the same images (see `part_of`).
        limits: of the file's precision.
        decisions_only: the reference gives labels alone.
        cpus: what the file decides on CPUs other than this one.

    Raises:
        ContentError: they are not of the same images or classes, or there is nothing to compare.
    """
    spec = scored.described.spec
    parity = compare(
        golden.scores, scored.scores, golden.labels, decisions_only=decisions_only or spec.output_kind == "label"
    )
    evidence = Evidence(
        parity,
        sum_abs=sum_abs(scored.scores) if spec.output_kind == "probabilities" else None,
        batch_abs=scored.batch_abs,
        batch_flips=scored.batch_flips,
        cpus=tuple(cpus),
        sampled=scored.places is not None,
    )
    return parity, judge(evidence, limits)
