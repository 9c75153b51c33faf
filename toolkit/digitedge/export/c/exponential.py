"""The only function of a mathematical library that the networks need, and what is made of it, so that none is linked.

The polynomials are those of expf and tanhf in the Cephes library (S. L. Moshier, https://www.netlib.org/cephes/, single
precision), whose relative error is below 1.2e-7.
"""

from __future__ import annotations

PREAMBLE = """\
/* e to the power of v, to within 1.2e-7 of the value; 0 below -87.33, infinite above 88.72, not a number if v is not.
   The polynomial and the two parts of ln 2 are those of expf in the Cephes library (S. L. Moshier). */
INLINE float exponential(float v)
{
    union { float number; uint32_t bits; } power;
    int32_t n;
    float r;

    if (!(v > -87.336544f)) {
        return v < 0.0f ? 0.0f : v;
    }
    if (v > 88.72283f) {
        return 3.4028235e38f * v;
    }
    n = (int32_t)(v * 1.44269504f + (v < 0.0f ? -0.5f : 0.5f));
    r = v - (float)n * 0.693359375f;
    r = r + (float)n * 2.12194440e-4f;
    r = (((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r
        + 1.6666665459e-1f) * r + 5.0000001201e-1f) * (r * r) + r + 1.0f;
    /* 2 to the power of n, in two factors: the largest ones are beyond a float. */
    power.bits = (uint32_t)(n / 2 + 127) << 23;
    r = r * power.number;
    power.bits = (uint32_t)(n - n / 2 + 127) << 23;
    return r * power.number;
}

INLINE float sigmoid(float v) { return 1.0f / (1.0f + exponential(-v)); }

INLINE float elu(float v, float alpha) { return v < 0.0f ? alpha * (exponential(v) - 1.0f) : v; }

/* As tanhf in the Cephes library. */
INLINE float hyperbolic_tangent(float v)
{
    const float size = v < 0.0f ? -v : v;

    if (size > 0.625f) {
        const float result = 1.0f - 2.0f / (exponential(2.0f * size) + 1.0f);
        return v < 0.0f ? -result : result;
    } else {
        const float s = v * v;
        return ((((-5.70498872745e-3f * s + 2.06390887954e-2f) * s - 5.37397155531e-2f) * s + 1.33314422036e-1f) * s
            - 3.33332819422e-1f) * s * v + v;
    }
}
"""
