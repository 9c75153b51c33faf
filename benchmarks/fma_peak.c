/* The most multiply-accumulates of float32 that one core does in a second: independent chains of vector FMAs in
   registers, nothing loaded or stored. 24 chains hide a latency of 4 to 5 cycles at 2 to 4 FMAs a cycle.
   cc -std=gnu99 -O3 -march=native -ffp-contract=fast fma_peak.c && ./a.out     prints MACs per second. */

#include <stdio.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#define CHAINS 24
#define ROUNDS 2000000L

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

int main(void) {
    vector sum[CHAINS], factor, term;
    for (int lane = 0; lane < LANES; ++lane) {
        factor[lane] = 0.999F;
        term[lane] = 0.001F * (float)(lane + 1);
    }
    for (int chain = 0; chain < CHAINS; ++chain) {
        sum[chain] = term * (float)chain;
    }
    double best = 0.0;
    for (int attempt = 0; attempt < 5; ++attempt) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (long round = 0; round < ROUNDS; ++round) {
#pragma GCC unroll 24
            for (int chain = 0; chain < CHAINS; ++chain) {
                sum[chain] = sum[chain] * factor + term;
            }
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        double seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
        double rate = (double)ROUNDS * CHAINS * LANES / seconds;
        best = rate > best ? rate : best;
    }
    float used = 0.0F;
    for (int chain = 0; chain < CHAINS; ++chain) {
        for (int lane = 0; lane < LANES; ++lane) {
            used += sum[chain][lane];
        }
    }
    fprintf(stderr, "%g\n", (double)used); /* so that nothing is optimised away */
    printf("%.6g\n", best);
    return 0;
}
