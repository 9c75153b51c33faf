"""Whether a provider that ONNX Runtime offers can be started at all, and what it takes, before anything is measured."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from digitedge.bench.job import Job
from digitedge.bench.process import Lost, run_job
from digitedge.bench.target import floors_of
from digitedge.errors import NotPresentError
from digitedge.runtime.provider import offered, require

if TYPE_CHECKING:
    from digitedge.bench.job import Outcome
    from digitedge.bench.target import Target

# Drivers and their libraries are large, and may be read from a slow disk.
_START_SECONDS = 120.0


@functools.cache
def prove(name: str) -> Target | None:
    """Gives a provider the model that does nothing, in a process of its own, once; the next one if it leaves that.

    A name proves nothing: the CUDA build of ONNX Runtime offers CUDA on a machine without a GPU. A driver may crash
    its process, and would take the memory of a GPU from those that measure.

    Returns:
        The first of `bench.target.floors_of("onnx")` that it runs whole, on it; None if it leaves each to the CPU, at
        least in part: what a call of it costs cannot be told then.

    Raises:
        UnknownNameError: none has that name.
        NotPresentError: it is not there, or cannot be started.
    """
    provider = require(name)
    for floor in floors_of("onnx"):
        answer = _try(floor, name)
        reason = _why_not(answer)
        if reason is not None:
            hint = f"It needs {provider.needs}. Leave it out on this machine."
            raise NotPresentError(f"the provider {name} cannot be used: {reason}.", hint)
        if not isinstance(answer, Lost) and answer.samples_us is not None:
            return replace(floor, provider=name)
    return None


def startable() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which providers are really here.

    Returns:
        The names of those that can be started, the CPU first; and of each other that this ONNX Runtime offers, why it
        cannot be used.
    """
    found, reasons = [], []
    for name in offered():
        try:
            if name != "cpu":
                prove(name)
            found.append(name)
        except NotPresentError as error:
            reasons.append(error.message)
    return tuple(found), tuple(reasons)


def _try(floor: Target, name: str) -> Outcome | Lost:
    with tempfile.TemporaryDirectory(prefix="digitedge-probe-") as folder:
        job = Job(str(floor.path), name, 1, 1, 0.0, 1, 1.0, images=None, golden=None, folder=folder)
        return run_job(job, limit_seconds=_START_SECONDS)


def _why_not(answer: Outcome | Lost) -> str | None:
    """A provider that leaves the model to the CPU has been started; one that counts no nodes has not."""
    if isinstance(answer, Lost):
        return answer.reason
    return answer.refused if answer.nodes_elsewhere is None else None
