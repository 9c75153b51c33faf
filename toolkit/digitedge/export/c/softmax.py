"""Softmax and the largest of all: what ends a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitedge.export.c.loops import indent
from digitedge.export.c.program import Step

if TYPE_CHECKING:
    from digitedge.export.c.tensor import Place


@dataclass(frozen=True)
class Softmax:
    """Of a whole vector."""


@dataclass(frozen=True)
class ArgMax:
    """The place of the largest element, the first of equals, as int32_t."""


def softmax(name: str, _: Softmax, x: Place, y: Place) -> Step:
    """The step that computes `y` from `x`, one vector without anything around it."""
    n = x.shape.count
    body = f"""\
float most = x[0], sum = 0.0f;

for (int i = 1; i < {n}; i++) {{
    most = x[i] > most ? x[i] : most;
}}
for (int i = 0; i < {n}; i++) {{
    y[i] = exponential(x[i] - most);
    sum += y[i];
}}
for (int i = 0; i < {n}; i++) {{
    y[i] /= sum;
}}"""
    return Step(name, f"Softmax of {n}", indent(body), (x.buffer,), y.buffer, in_place=True)


def arg_max(name: str, _: ArgMax, x: Place, y: Place) -> Step:
    """The step that writes the place of the largest element of `x`, one vector; -1 if one of them is not a number."""
    n = x.shape.count
    body = f"""\
int32_t best = 0;

for (int32_t i = 0; i < {n}; i++) {{
    if (x[i] != x[i]) {{
        best = -1;
        break;
    }}
    best = x[i] > x[best] ? i : best;
}}
y[0] = best;"""
    return Step(name, f"The largest of {n}", indent(body), (x.buffer,), y.buffer)
