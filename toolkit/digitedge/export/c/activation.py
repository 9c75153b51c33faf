"""Functions of one number, applied to each element of a result.

Each gives two C expressions: of a `float`, for loops over single elements, and of a `vec`, for the sums that a
convolution or a dense layer still holds in registers. Some have only the first. In all of them, what is not a number
stays so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from digitedge.export.c.literals import number

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Activation(Protocol):
    """One such function."""

    def on_float(self, value: str) -> str:
        """A C expression of `value`, the name of a float."""

    def on_vec(self, value: str) -> str | None:
        """A C expression of `value`, a C expression of type vec; None where there is none."""


def literal(value: float) -> str:
    """A float32 in C."""
    return number(np.float32(value))


@dataclass(frozen=True)
class Bounds:
    """Relu, Relu6 and Clip: values below `low` or above `high` become it; None does not bound."""

    low: float | None
    high: float | None

    def on_float(self, value: str) -> str:
        """As the protocol says."""
        text = value
        if self.high is not None:
            text = f"{value} > {literal(self.high)} ? {literal(self.high)} : {text}"
        if self.low is not None:
            text = f"{value} < {literal(self.low)} ? {literal(self.low)} : {text}"
        return text

    def on_vec(self, value: str) -> str:
        """As the protocol says."""
        if self.low is not None:
            value = f"at_least({value}, {literal(self.low)})"
        if self.high is not None:
            value = f"at_most({value}, {literal(self.high)})"
        return value

    def __str__(self) -> str:
        if self.low == 0.0:
            return "Relu" if self.high is None else f"Relu to {self.high:g}"
        return f"Clip from {self.low} to {self.high}"


@dataclass(frozen=True)
class LeakyRelu:
    """`slope` times what is negative."""

    slope: float

    def on_float(self, value: str) -> str:
        """As the protocol says."""
        return f"{value} < 0.0f ? {literal(self.slope)} * {value} : {value}"

    def on_vec(self, value: str) -> None:
        """None: the value is needed twice."""

    def __str__(self) -> str:
        return f"LeakyRelu of {self.slope:g}"


@dataclass(frozen=True)
class HardSigmoid:
    """alpha x + beta, bounded by 0 and 1."""

    alpha: float
    beta: float

    def on_float(self, value: str) -> str:
        """As the protocol says."""
        return f"clamped({literal(self.alpha)} * {value} + {literal(self.beta)})"

    def on_vec(self, value: str) -> str:
        """As the protocol says."""
        return f"at_most(at_least({literal(self.alpha)} * ({value}) + {literal(self.beta)}, 0.0f), 1.0f)"

    def __str__(self) -> str:
        return "HardSigmoid"


@dataclass(frozen=True)
class HardSwish:
    """x times the HardSigmoid of x with alpha 1/6 and beta 1/2."""

    def on_float(self, value: str) -> str:
        """As the protocol says."""
        return f"{value} * clamped({value} * {literal(1 / 6)} + 0.5f)"

    def on_vec(self, value: str) -> None:
        """None: the value is needed twice."""

    def __str__(self) -> str:
        return "HardSwish"


@dataclass(frozen=True)
class Call:
    """A function of `exponential.PREAMBLE`: `sigmoid`, `hyperbolic_tangent`, or `elu` with its alpha."""

    function: str
    argument: float | None = None

    def on_float(self, value: str) -> str:
        """As the protocol says."""
        return f"{self.function}({value}{'' if self.argument is None else f', {literal(self.argument)}'})"

    def on_vec(self, value: str) -> None:
        """None."""

    def __str__(self) -> str:
        return self.function.replace("_", " ")


@dataclass(frozen=True, eq=False)
class WithConstant:
    """The value and a constant, the same or one a channel or one an element.

    Attributes:
        operator: `+`, `-`, `*` or `/`.
        values: float32 (1,), (channels,) or (elements,).
        constant_first: whether the constant is the left operand.
    """

    operator: str
    values: NDArray[np.float32]
    constant_first: bool = False

    def on_float(self, value: str, constant: str | None = None) -> str:
        """As the protocol says; `constant` is how its element is called, where it is more than one number."""
        constant = number(self.values[0]) if constant is None else constant
        left, right = (constant, value) if self.constant_first else (value, constant)
        return f"{left} {self.operator} {right}"

    def on_vec(self, value: str) -> None:
        """None: it is folded into the weights before, or needs a constant of its own."""

    def __str__(self) -> str:
        what = "a constant" if len(self.values) == 1 else "constants"
        return f"{what} {self.operator} it" if self.constant_first else f"{self.operator} {what}"
