"""The vector types of the integer kernels: sums of 32 bits beside the floats of `vectors`, and products of bytes.

As the float kernels, these are written once, for LANES sums at a time; where LANES is 1 an `ivec` is an int32_t.
"""

from __future__ import annotations

# Before the vectors' preamble.
PLAIN = """\
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 9 && !defined(DIGITEDGE_PLAIN_C)
#  define DIGITEDGE_PLAIN_C /* what converts a vector's elements came with GCC 9 */
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

QUADS = """\
#if LANES > 1
/* Four bytes of each of LANES channels (`weights`), and four of an image that all channels share (`pixels`), as the CPU
   multiplies them: as they are, where one instruction adds the four products; else those at even and at odd places
   apart, each as 16 bits; else one by one. All are exact, whatever the bytes. Of `small_weights` two neighbours times
   255 fit 16 bits, so that bytes need not be taken apart where the CPU adds two products. */
#  if LANES == 16 && defined(__AVX512VNNI__)
#    define ADD_PRODUCTS(sum, x, w) ((ivec)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#  elif LANES == 8 && defined(__AVXVNNI__)
#    define ADD_PRODUCTS(sum, x, w) ((ivec)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(x), (__m256i)(w)))
#  elif LANES == 16 && defined(__AVX512BW__)
#    define ADD_PAIRS(a, b) ((ivec)_mm512_madd_epi16((__m512i)(a), (__m512i)(b)))
#    define ADD_BYTES(x, w) ((ivec)_mm512_maddubs_epi16((__m512i)(x), (__m512i)(w)))
#  elif LANES == 8 && defined(__AVX2__)
#    define ADD_PAIRS(a, b) ((ivec)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#    define ADD_BYTES(x, w) ((ivec)_mm256_maddubs_epi16((__m256i)(x), (__m256i)(w)))
#  elif LANES == 4 && defined(__SSE2__)
#    include <emmintrin.h>
#    define ADD_PAIRS(a, b) ((ivec)_mm_madd_epi16((__m128i)(a), (__m128i)(b)))
#    if defined(__SSSE3__)
#      include <tmmintrin.h>
#      define ADD_BYTES(x, w) ((ivec)_mm_maddubs_epi16((__m128i)(x), (__m128i)(w)))
#    endif
#  endif

typedef int32_t bytes_in_memory __attribute__((vector_size(4 * LANES), aligned(1), may_alias));
INLINE int32_t four_bytes(const uint8_t *p, size_t n)
{
    int32_t four = 0;

    __builtin_memcpy(&four, p, n);
    return four;
}
INLINE ivec load_quads(const int8_t *p) { return *(const bytes_in_memory *)p; }
INLINE ivec repeat_quad(const uint8_t *p, size_t n) { return (ivec){ 0 } + four_bytes(p, n); }

#  if defined(ADD_PRODUCTS)
typedef ivec weights;
typedef ivec pixels;

INLINE weights load_weights(const int8_t *p) { return load_quads(p); }
INLINE pixels load_pixels(const uint8_t *p, size_t n) { return repeat_quad(p, n); }
INLINE ivec multiplied(ivec sum, pixels x, weights w) { return ADD_PRODUCTS(sum, x, w); }
#  elif defined(ADD_PAIRS)
typedef int16_t shorts __attribute__((vector_size(4 * LANES)));
typedef uint16_t unsigned_shorts __attribute__((vector_size(4 * LANES)));
typedef struct { ivec even, odd; } weights;
typedef weights pixels;

INLINE weights load_weights(const int8_t *p)
{
    const ivec v = load_quads(p);
    const weights w = { (ivec)((shorts)((unsigned_shorts)v << 8) >> 8), (ivec)((shorts)v >> 8) };

    return w;
}
INLINE pixels load_pixels(const uint8_t *p, size_t n)
{
    const ivec v = repeat_quad(p, n);
    const pixels x = { v & 0x00FF00FF, (ivec)((unsigned_shorts)v >> 8) };

    return x;
}
INLINE ivec multiplied(ivec sum, pixels x, weights w)
{
    return sum + ADD_PAIRS(x.even, w.even) + ADD_PAIRS(x.odd, w.odd);
}
#  else
typedef struct { ivec v[4]; } weights;
typedef struct { int32_t v[4]; } pixels;

INLINE weights load_weights(const int8_t *p)
{
    const ivec v = load_quads(p);
    const weights w = { { v << 24 >> 24, v << 16 >> 24, v << 8 >> 24, v >> 24 } };

    return w;
}
INLINE pixels load_pixels(const uint8_t *p, size_t n)
{
    const int32_t v = four_bytes(p, n);
    const pixels x = { { v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24 & 255 } };

    return x;
}
INLINE ivec multiplied(ivec sum, pixels x, weights w)
{
    return sum + x.v[0] * w.v[0] + x.v[1] * w.v[1] + x.v[2] * w.v[2] + x.v[3] * w.v[3];
}
#  endif
#  if defined(ADD_BYTES)
typedef ivec small_weights;
typedef ivec pixels_of_small;

INLINE small_weights load_small_weights(const int8_t *p) { return load_quads(p); }
INLINE pixels_of_small load_pixels_of_small(const uint8_t *p, size_t n) { return repeat_quad(p, n); }
INLINE ivec multiplied_small(ivec sum, pixels_of_small x, small_weights w)
{
    return sum + ADD_PAIRS(ADD_BYTES(x, w), (ivec){ 0 } + 0x00010001);
}
#  else
typedef weights small_weights;
typedef pixels pixels_of_small;

INLINE small_weights load_small_weights(const int8_t *p) { return load_weights(p); }
INLINE pixels_of_small load_pixels_of_small(const uint8_t *p, size_t n) { return load_pixels(p, n); }
INLINE ivec multiplied_small(ivec sum, pixels_of_small x, small_weights w) { return multiplied(sum, x, w); }
#  endif
#endif
"""
