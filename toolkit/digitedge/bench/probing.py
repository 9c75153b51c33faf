"""Whether a provider that ONNX Runtime offers can be started at all, found out before anything is measured."""

from __future__ import annotations

import functools
import tempfile
from typing import TYPE_CHECKING

from digitedge.bench.job import Job
from digitedge.bench.process import Lost, run_job
from digitedge.bench.target import floor_of
from digitedge.errors import NotPresentError
from digitedge.runtime.provider import require

if TYPE_CHECKING:
    from digitedge.bench.job import Outcome

# Drivers and their libraries are large, and may be read from a slow disk.
_START_SECONDS = 120.0


@functools.cache
def prove(name: str) -> None:
    """Gives a provider the model that does nothing, in a process of its own, once.

    A name proves nothing: the CUDA build of ONNX Runtime offers CUDA on a machine without a GPU. A driver may crash
    its process, and would take the memory of a GPU from those that measure.

    Raises:
        UnknownNameError: none has that name.
        NotPresentError: it is not there, or cannot be started.
    """
    provider = require(name)
    floor = floor_of("onnx")
    assert floor is not None, "the wheel ships the model that does nothing"
    with tempfile.TemporaryDirectory(prefix="digitedge-probe-") as folder:
        job = Job(str(floor.path), name, 1, 1, 0.0, 1, 1.0, images=None, golden=None, folder=folder)
        reason = _why_not(run_job(job, limit_seconds=_START_SECONDS))
    if reason is not None:
        hint = f"It needs {provider.needs}. Leave it out on this machine."
        raise NotPresentError(f"the provider {name} cannot be used: {reason}.", hint)


def _why_not(answer: Outcome | Lost) -> str | None:
    """A provider that leaves the model to the CPU has been started; one that counts no nodes has not."""
    if isinstance(answer, Lost):
        return answer.reason
    return answer.refused if answer.nodes_elsewhere is None else None
