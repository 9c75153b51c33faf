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


# Before the vectors' preamble.
PLAIN = """\
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 9 && !defined(DIGITEDGE_PLAIN_C)
#  define DIGITEDGE_PLAIN_C /* what converts a vector's elements came with GCC 9 */
#elif defined(__SSE2__) && !defined(__SSE4_1__) && !defined(DIGITEDGE_PLAIN_C)
#  define DIGITEDGE_PLAIN_C /* SSE2 alone multiplies no vectors of 32 bits */
#endif
"""

VECTORS = """\
#if LANES > 1
/* LANES sums of 32 bits, and bytes in memory that become such. */
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec_in_memory __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int8_t int8_vec __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint8_t uint8_vec __attribute__((vector_size(LANES), aligned(1), may_alias));

INLINE ivec load_int32(const int32_t *p) { return *(const ivec_in_memory *)p; }
INLINE ivec load_int8(const int8_t *p) { return __builtin_convertvector(*(const int8_vec *)p, ivec); }
INLINE ivec load_uint8(const uint8_t *p) { return __builtin_convertvector(*(const uint8_vec *)p, ivec); }
INLINE void store_int8(int8_t *p, ivec v, int n)
{
    const int8_vec bytes = __builtin_convertvector(v, int8_vec);
    __builtin_memcpy(p, &bytes, (size_t)n);
}
INLINE void store_uint8(uint8_t *p, ivec v, int n)
{
    const uint8_vec bytes = __builtin_convertvector(v, uint8_vec);
    __builtin_memcpy(p, &bytes, (size_t)n);
}
INLINE ivec larger_integers(ivec a, ivec b) { return ((a > b) & a) | (~(a > b) & b); }
INLINE vec as_floats(ivec v) { return __builtin_convertvector(v, vec); }
INLINE ivec nearest(vec v) { return (ivec)(v + 12582912.0f) - 0x4B400000; }
#else
typedef int32_t ivec;

INLINE ivec load_int32(const int32_t *p) { return *p; }
INLINE ivec load_int8(const int8_t *p) { return *p; }
INLINE ivec load_uint8(const uint8_t *p) { return *p; }
INLINE void store_int8(int8_t *p, ivec v, int n) { (void)n; *p = (int8_t)v; }
INLINE void store_uint8(uint8_t *p, ivec v, int n) { (void)n; *p = (uint8_t)v; }
INLINE ivec larger_integers(ivec a, ivec b) { return a > b ? a : b; }
INLINE vec as_floats(ivec v) { return (float)v; }
INLINE ivec nearest(vec v)
{
    union { float number; int32_t bits; } sum;

    sum.number = v + 12582912.0f;
    return sum.bits - 0x4B400000;
}
#endif

/* Sums in steps of the result, as `rounded` has them. */
INLINE ivec scaled(ivec sums, const float *multipliers, float low, float high)
{
    const vec v = as_floats(sums) * load(multipliers);

    return nearest(at_most(at_least(v, low), high));
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
