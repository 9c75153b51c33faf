/* Times single calls of a model that digitedge wrote as C, without any Python in between: reads 64 images as floats from
   standard input, calls the model with them in turn for 0.4 s, and writes the microseconds of each call as doubles.
   cc -O3 -march=native -ffp-contract=fast -DHEADER='"classic.fp32.h"' -DNAME=classic -DBIG=CLASSIC time_c.c classic.fp32.c */

#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include HEADER

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define IMAGES 64
#define MOST 1000000
#define SECONDS 0.4

static float images[IMAGES][JOIN(BIG, _INPUT_SIZE)], scores[JOIN(BIG, _OUTPUT_SIZE)];
static float arena[JOIN(BIG, _ARENA_BYTES) / sizeof(float) + 1];
static double samples_us[MOST];

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

int main(void) {
    if (fread(images, sizeof images[0], IMAGES, stdin) != IMAGES) {
        return EXIT_FAILURE;
    }
    size_t n = 0;
    for (int warm_up = 1; warm_up >= 0; --warm_up) {
        const double end = now_us() + (warm_up ? 1e5 : SECONDS * 1e6);
        double before = 0.0, after = 0.0;
        for (n = 0; n < MOST && after < end; ++n) {
            before = now_us();
            if (JOIN(NAME, _predict)(images[n % IMAGES], scores, arena, sizeof arena) != 0) {
                return EXIT_FAILURE;
            }
            after = now_us();
            samples_us[n] = after - before;
        }
    }
    return fwrite(samples_us, sizeof samples_us[0], n, stdout) == n ? EXIT_SUCCESS : EXIT_FAILURE;
}
