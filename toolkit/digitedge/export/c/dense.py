"""Dense layers: a matrix times a vector.

The weights lie as [input][output], and are read once, from end to end: a large matrix does not fit the nearest cache,
and its speed is that of memory. All sums stay in registers where they fit; few of them are doubled, so that one
multiply-accumulate need not wait for the one before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitedge.export.c.loops import indent, lines, loop, plus, times
from digitedge.export.c.program import Constant, Step
from digitedge.export.c.vectors import SLACK, Width, for_each_width

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitedge.export.c.activation import Bounds
    from digitedge.export.c.tensor import Place

# Sums in flight: two multiply-accumulates a cycle, each four cycles long.
_CHAINS = 8


@dataclass(frozen=True, eq=False)
class Dense:
    """The operation.

    Attributes:
        weights: float32 (inputs, outputs), the inputs in the order in which they lie in memory.
        bias: float32 (outputs,).
        activation: of each sum, or None.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: Bounds | None = None


def dense(name: str, operation: Dense, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`, both without anything around them."""
    inputs, outputs = operation.weights.shape
    activation = "" if operation.activation is None else f", {operation.activation}"
    return Step(
        name=name,
        comment=f"Dense, {inputs} to {outputs}{activation}",
        body=indent(for_each_width(lambda unit: _body(name, operation, unit))),
        reads=(x.buffer,),
        writes=y.buffer,
        constants=(
            Constant(f"{name}_weights", operation.weights, SLACK),
            Constant(f"{name}_bias", operation.bias, SLACK),
        ),
        macs=inputs * outputs,
    )


def _body(name: str, operation: Dense, unit: Width) -> str:
    inputs, outputs = operation.weights.shape
    vectors = _vectors(outputs, unit)
    copies = min(max(1, _CHAINS // vectors), inputs)
    sums = [f"s0_{v} = load({plus(f'{name}_bias', 'channel', v * unit.lanes)})" for v in range(vectors)]
    sums += [f"s{copy}_{v} = all(0.0f)" for copy in range(1, copies) for v in range(vectors)]
    whole = inputs // copies * copies
    body = [
        f"const float *const w = {name}_weights + channel;",
        f"vec {', '.join(sums)};",
        _rows(outputs, vectors, copies, whole, unit),
        *(_row(outputs, vectors, 0, str(i), unit) for i in range(whole, inputs)),
        *_finish(operation, vectors, copies, unit),
    ]
    return loop("channel", outputs, lines(body), vectors * unit.lanes)


def _vectors(outputs: int, unit: Width) -> int:
    """Of sums that are computed together: as many as the registers hold, in parts of the same size."""
    needed = math.ceil(outputs / unit.lanes)
    parts = math.ceil(needed / min(needed, unit.registers // 2 + unit.registers // 4))
    return math.ceil(needed / parts)


def _rows(outputs: int, vectors: int, copies: int, inputs: int, unit: Width) -> str:
    body = lines(_row(outputs, vectors, copy, plus("i", copy), unit) for copy in range(copies))
    return loop("i", inputs, body, copies)


def _row(outputs: int, vectors: int, copy: int, place: str, unit: Width) -> str:
    at = f"({place})" if " " in place else place
    return lines(
        f"s{copy}_{v} += x[{place}] * load({plus('w', times(outputs, at), v * unit.lanes)});" for v in range(vectors)
    )


def _finish(operation: Dense, vectors: int, copies: int, unit: Width) -> list[str]:
    outputs = operation.weights.shape[1]
    done = []
    for v in range(vectors):
        total = " + ".join(f"s{copy}_{v}" for copy in range(copies))
        value = total if operation.activation is None else operation.activation.on_vec(total)
        kept = min(unit.lanes, outputs - v * unit.lanes)
        target = plus("y", "channel", v * unit.lanes)
        done.append(f"store({target}, {value});" if kept == unit.lanes else f"store_some({target}, {value}, {kept});")
    return done
