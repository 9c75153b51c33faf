"""The vector type of the float kernels, for the widths that CPUs have.

The kernels are written once, in terms of `vec`: LANES floats that are added and multiplied at once. It is a vector of
GCC and Clang where the CPU that one compiles for has such registers, and else a single float: then the same text is
what a microcontroller's floating-point unit likes, several sums in registers at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Width:
    """A vector unit.

    Attributes:
        lanes: floats in a register.
        registers: that a compiler can use for sums, factors and all.
    """

    lanes: int
    registers: int


# AVX-512; AVX; SSE and NEON; none. Where the registers differ inside a width, the fewer count.
WIDTHS = (Width(16, 32), Width(8, 16), Width(4, 16), Width(1, 16))

# Zeros after a constant that is loaded in whole vectors: none where LANES is 1.
SLACK = "(LANES - 1)"

PREAMBLE = """\
#if defined(__GNUC__) && !defined(DIGITEDGE_PLAIN_C)
#  if defined(__AVX512F__)
#    include <immintrin.h>
#    define LANES 16
#  elif defined(__AVX__)
#    include <immintrin.h>
#    define LANES 8
#  elif defined(__SSE2__) || defined(__ARM_NEON)
#    define LANES 4
#  endif
#endif
#ifndef LANES
#  define LANES 1
#endif

#if LANES > 1
/* LANES floats. In memory they lie at any address of a float. */
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t mask __attribute__((vector_size(4 * LANES)));
typedef float vec_in_memory __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#  define ALIGNED __attribute__((aligned(64)))
#  define INLINE static inline __attribute__((always_inline, unused))

/* Keeps a compiler from carrying loaded values from one turn of a loop to the next, for which it has no registers. */
#  define FORGET __asm__ volatile("" ::: "memory")
INLINE vec load(const float *p) { return *(const vec_in_memory *)p; }
INLINE void store(float *p, vec v) { *(vec_in_memory *)p = v; }
INLINE void store_some(float *p, vec v, int n) { __builtin_memcpy(p, &v, (size_t)n * sizeof(float)); }
INLINE vec all(float value) { return (vec){ 0 } + value; }

/* The second where one is not a number, as the instruction has it. */
#  if LANES == 16
#    define MAX(a, b) ((vec)_mm512_max_ps(a, b))
#    define MIN(a, b) ((vec)_mm512_min_ps(a, b))
#  elif LANES == 8
#    define MAX(a, b) ((vec)_mm256_max_ps(a, b))
#    define MIN(a, b) ((vec)_mm256_min_ps(a, b))
#  else
#    define MAX(a, b) choose((a) > (b), a, b)
#    define MIN(a, b) choose((a) < (b), a, b)
#  endif
INLINE vec choose(mask which, vec a, vec b) { return (vec)((which & (mask)a) | (~which & (mask)b)); }
INLINE vec unless_nan(vec v, vec sum) { return choose(sum == sum, v, sum); }
#else
typedef float vec;
#  define ALIGNED
#  if defined(__GNUC__)
#    define INLINE static inline __attribute__((unused))
#  else
#    define INLINE static inline
#  endif

#  define FORGET (void)0
INLINE vec load(const float *p) { return *p; }
INLINE void store(float *p, vec v) { *p = v; }
INLINE void store_some(float *p, vec v, int n) { (void)n; *p = v; }
INLINE vec all(float value) { return value; }
INLINE vec unless_nan(vec v, vec sum) { return sum == sum ? v : sum; }
#  define MAX(a, b) ((a) > (b) ? (a) : (b))
#  define MIN(a, b) ((a) < (b) ? (a) : (b))
#endif

INLINE vec larger(vec a, vec b) { return MAX(a, b); }
/* What is not a number stays so in these. */
INLINE vec at_least(vec v, float low) { return MAX(all(low), v); }
INLINE vec at_most(vec v, float high) { return MIN(all(high), v); }
INLINE float clamped(float v) { return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v; }
"""


def for_each_width(make: Callable[[Width], str]) -> str:
    """C text that depends on the vector unit: one branch of the preprocessor for each, equal neighbours together."""
    texts = [make(width).rstrip() for width in WIDTHS]
    if len(set(texts)) == 1:
        return texts[0]
    branches: list[tuple[str, int]] = []
    for text, width in zip(texts, WIDTHS, strict=True):
        if branches and branches[-1][0] == text:
            branches.pop()
        branches.append((text, width.lanes))
    lines = []
    for number, (text, lanes) in enumerate(branches):
        last = number == len(branches) - 1
        lines.append("#else" if last else f"#{'el' if number else ''}if LANES >= {lanes}")
        lines.append(text)
    return "\n".join([*lines, "#endif"])
