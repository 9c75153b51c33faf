"""The checks that a file is put to: each a question with its figure, its bound and the sentence that holds both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.measure.bounds import Limits
    from digitedge.measure.parity import ParityReport

# Below this probability a loss of accuracy is not chance (McNemar's exact test).
CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class CpuLabels:
    """What a file decides on another kind of CPU.

    Attributes:
        cpu: which CPUs, for people: `x86 without VNNI`.
        by: how that is known: `ONNX Runtime with session.x64quantprecision`.
        n: images, at least 1.
        flips: of them get another label there than the reference gives.
        differs: of them get another label there than the file gives on this machine.
    """

    cpu: str
    by: str
    n: int
    flips: int
    differs: int


@dataclass(frozen=True)
class Evidence:
    """All that is known of one file in one engine.

    Attributes:
        parity: how it compares to the reference.
        sum_abs: `scores.sum_abs` of its scores: how far they are from probabilities; None for a file that does not
            claim to give probabilities.
        batch_abs: largest difference of any score between images run alone and in a batch; None where not measured.
        batch_flips: images that get another label alone than in a batch.
        cpus: on other kinds of CPU.
        sampled: whether the images are some of those that the file is judged on elsewhere.
    """

    parity: ParityReport
    sum_abs: float | None = None
    batch_abs: float | None = None
    batch_flips: int = 0
    cpus: tuple[CpuLabels, ...] = ()
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was put to a file, and its answer.

    Attributes:
        name: a key of `CHECKS`, or of a check that another part of digitedge makes.
        figure: that was measured, in the unit of the limit; NaN where a score is not finite.
        limit: that it must not exceed; None where this figure is told, but another decided.
        passed: whether the file is right in this.
        reason: the sentence with the figures, whether it passed or not.
    """

    name: str
    figure: float | None
    limit: float | None
    passed: bool
    reason: str


def _finite(evidence: Evidence, limits: Limits) -> Check:  # noqa: ARG001 (nothing loosens it)
    broken, n = evidence.parity.not_finite, evidence.parity.n
    words = f"{broken:,} of {n:,} images give a score that is not a finite number"
    return Check("finite", broken, 0, broken == 0, words if broken else "every score is a finite number")


def _probabilities(evidence: Evidence, limits: Limits) -> Check | None:
    figure, limit = evidence.sum_abs, limits.sum_allowed(evidence.parity)
    if figure is None or limit is None:
        return None
    words = f"the scores of an image are {_above(figure, limit)} from being probabilities that sum to 1"
    return Check("probabilities", figure, limit, figure <= limit, f"{words}; {_bound(limit)} is allowed")


def _batch(evidence: Evidence, limits: Limits) -> Check | None:
    figure, limit, flips = evidence.batch_abs, limits.max_batch_abs, evidence.batch_flips
    if flips:
        images = "1 image gets" if flips == 1 else f"{flips:,} images get"
        words = f"{images} another label alone than in a batch; none may"
        return Check("batch", figure, limit, passed=False, reason=words)
    if figure is None or limit is None:
        return None
    words = f"an image alone gives a score that is {_above(figure, limit)} from that in a batch"
    return Check("batch", figure, limit, figure <= limit, f"{words}; {_bound(limit)} is allowed")


def _labels(evidence: Evidence, limits: Limits) -> Check:
    flips, n = len(evidence.parity.flips), evidence.parity.n
    allowed = limits.flips_allowed(evidence.parity, sampled=evidence.sampled)
    need = f"at most {allowed:,} may" if allowed else "none may"
    words = f"{flips:,} of {n:,} images get another label than the reference gives; {need}"
    return Check("labels", flips, allowed, flips <= allowed, words)


def _accuracy(evidence: Evidence, limits: Limits) -> Check | None:
    parity, limit = evidence.parity, limits.max_drop
    if parity.accuracy_drop is None or limit is None:
        return None
    # A hair of slack: 0.991 - 0.990 is 0.00100000000000001 in binary. A NaN is neither within a bound nor chance.
    within = parity.accuracy_drop <= limit + 1e-9
    chance = limits.chance_excuses and parity.mcnemar_p is not None and parity.mcnemar_p >= CHANCE
    drop = parity.accuracy_drop * 100
    words = f"accuracy {_moves(-drop)} by {_above(abs(drop), limit * 100, digits=3, style='g')} points"
    if chance and not within:
        words += f", which can be chance (p = {parity.mcnemar_p:.2g})"
    return Check("accuracy", drop, limit * 100, within or chance, f"{words}; {_points(limit * 100)} are allowed")


def _scores(evidence: Evidence, limits: Limits) -> Check | None:
    figure, limit = evidence.parity.max_abs, limits.max_abs
    if figure is None or limit is None:
        return None
    words = f"a score differs by {_above(figure, limit)}; {_bound(limit)} is allowed"
    return Check("scores", figure, limit, figure <= limit, words)


def _confidence(evidence: Evidence, limits: Limits) -> Check | None:
    drift, limit = evidence.parity.confidence_drift, limits.max_drift
    if drift is None or limit is None:
        return None
    figure = abs(drift)
    words = f"the mean confidence {_moves(drift)} by {_above(figure, limit)}; {_bound(limit)} is allowed"
    return Check("confidence", figure, limit, figure <= limit, words)


def _cpus(evidence: Evidence, limits: Limits) -> Check | None:
    if not evidence.cpus:
        return None
    judged = [_cpu(cpu, limits.flips_allowed(evidence.parity, cpu.n), limits.max_cpu_labels) for cpu in evidence.cpus]
    if len(judged) > 1 and all(check.passed and check.figure == 0 for check in judged):
        return replace(judged[0], reason=f"this file decides alike on {len(judged)} kinds of CPU: no label differs")
    return next((check for check in judged if not check.passed), max(judged, key=lambda check: check.figure or 0))


def _cpu(cpu: CpuLabels, flips_allowed: int, limit: float | None) -> Check:
    if cpu.flips > flips_allowed and (limit is None or cpu.differs <= limit):
        need = f"at most {flips_allowed:,} may" if flips_allowed else "none may"
        words = f"on {cpu.cpu} {cpu.flips:,} of {cpu.n:,} images get another label than the reference gives; {need}"
        return Check("cpus", cpu.flips, flips_allowed, passed=False, reason=f"{words} ({cpu.by})")
    need = "" if limit is None else f"; at most {limit:,.0f} may" if limit else "; none may"
    verb = "decides differently" if cpu.differs else "decides alike"
    words = f"this file {verb} on {cpu.cpu}: {cpu.differs:,} of {cpu.n:,} labels differ{need} ({cpu.by})"
    return Check("cpus", cpu.differs, limit, limit is None or cpu.differs <= limit, words)


def _moves(change: float) -> str:
    return "rises" if change > 0 else "falls" if change < 0 else "moves"


def _above(figure: float, limit: float, *, digits: int = 1, style: str = "e") -> str:
    """A figure with few digits, or as many as show that it is beyond the limit."""
    while figure > limit >= float(f"{figure:.{digits}{style}}") and digits < 17:  # noqa: PLR2004 (what a float64 holds)
        digits += 1
    return f"{figure:.{digits}{style}}"


def _bound(limit: float) -> str:
    short = f"{limit:.0e}"
    return short if float(short) == limit else f"{limit:g}"


def _points(limit: float) -> str:
    usual = f"{limit:.2f}"
    return usual if abs(float(usual) - limit) < 1e-9 else f"{limit:g}"  # noqa: PLR2004 (0.001 * 100 is not 0.1 in binary)


CHECKS: dict[str, Callable[[Evidence, Limits], Check | None]] = {
    "finite": _finite,
    "probabilities": _probabilities,
    "batch": _batch,
    "labels": _labels,
    "accuracy": _accuracy,
    "scores": _scores,
    "confidence": _confidence,
    "cpus": _cpus,
}
