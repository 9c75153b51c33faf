"""How the integer kernels round: to the bit as `analysis.integers` does, on every CPU and by every C99 compiler.

A product of floats is never added to: between a multiplication and an addition there is always a comparison. So a
compiler that may contract the two into one operation (-ffp-contract=fast) finds nothing to contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitedge.export.c.literals import CTYPES, number

if TYPE_CHECKING:
    from digitedge.analysis.integer_graph import Encoding

PREAMBLE = """\
/* The integer nearest to v, and of two that are as near the even one; `low` and `high` are the least and the most.
   Of a sum with 1.5 * 2^23 the last bits are that integer: a float has no room for less. Not a number gives `low`. */
static int32_t rounded(float v, float low, float high)
{
    union { float number; int32_t bits; } sum;

    v = v > low ? v : low;
    v = v < high ? v : high;
    sum.number = v + 12582912.0f;
    return sum.bits - 0x4B400000;
}
"""


def ctype(encoding: Encoding | None) -> str:
    """The C type of what is encoded; `float` of what is not."""
    return "float" if encoding is None else CTYPES[encoding.dtype.name]


def to_integer(value: str, encoding: Encoding, low: int, high: int) -> str:
    """A C expression: the integer from `low` to `high` that stands for `value` steps, a float."""
    zero = encoding.zero_point
    limits = f"{number(np.float32(low - zero))}, {number(np.float32(high - zero))}"
    nearest = f"rounded({value}, {limits})"
    return f"({ctype(encoding)})({centred(nearest, -zero)})"


def centred(value: str, zero_point: int) -> str:
    """A C expression: `value` less the zero point."""
    if zero_point == 0:
        return value
    return f"{value} - {zero_point}" if zero_point > 0 else f"{value} + {-zero_point}"
