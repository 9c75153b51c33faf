"""What one machine knows by itself about the labels that a file gives on other CPUs. The rest needs the graph.

An x86 CPU without VNNI multiplies bytes in pairs and adds each pair up in 16 bits, where large weights saturate. ONNX
Runtime's `session.x64quantprecision` avoids that at the cost of speed: a machine that gives other scores with it is one
that saturates, and the scores with it are those of CPUs that do not.
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.measure import machine
from digitedge.measure.decisions import decide
from digitedge.measure.limits import CpuLabels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def labels(scores: NDArray[Any]) -> NDArray[np.int64]:
    """What scores (n, classes) decide; -1 where one is not finite. Labels (n,) are themselves."""
    return scores.astype(np.int64) if scores.ndim == 1 else decide(scores, None).label


def known_here(
    format: str,  # noqa: A002 (the name that every document has for it)
    engine: str,
    here: NDArray[np.float32],
    reference: NDArray[np.float32],
    precise: NDArray[np.float32] | None = None,
) -> tuple[CpuLabels, ...]:
    """What is known of an int8 file without its graph, on a device too.

    Args:
        format: `onnx`, `c99`, or another, of which nothing is known: LiteRT's kernels are its own.
        engine: that gave `here`, with its version.
        here: scores (n, classes) that the file gives on this machine.
        reference: scores (n, classes) of the original.
        precise: scores (n, classes) of the same engine with `session.x64quantprecision=1`.

    Returns:
        This machine, and with `precise` what it gives then; for C one row, since its sums are 32 bits wide wherever it
        is compiled.
    """
    if format == "c99":
        return (row("any CPU", "exact 32-bit sums, as the C source says", here, reference, here),)
    if format != "onnx":
        return ()
    this = row(machine.summary(machine.describe()), engine, here, reference, here)
    if precise is None:
        return (this,)
    by = f"{engine} with session.x64quantprecision=1"
    return this, row("this machine, summing in 32 bits", by, precise, reference, here)


def row(cpu: str, by: str, scores: NDArray[Any], reference: NDArray[Any], like: NDArray[Any]) -> CpuLabels:
    """One kind of CPU.

    Args:
        cpu: which, for people.
        by: how it is known.
        scores: (n, classes) or labels (n,) there.
        reference: of the original, likewise.
        like: what the same computation gives for a CPU like this one: what it differs from.
    """
    decided = labels(scores)
    flips, differs = (int((decided != labels(other)).sum()) for other in (reference, like))
    return CpuLabels(cpu, by, len(decided), flips, differs)
