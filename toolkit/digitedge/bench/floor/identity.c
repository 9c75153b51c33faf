/* identity: a network for image classification in plain C99. Its header says how to call it.
 *
 * It needs no heap, no library and no operating system, and keeps no state. Compile it with optimisation, for instance
 *     cc -std=c99 -O3 -march=native -ffp-contract=fast -c
 * With GCC and Clang it uses their vector types; -DDIGITEDGE_PLAIN_C leaves only what every C99 compiler knows.
 *
 * digitedge: {"precision": "fp32", "source_digest": "identity", "spec": {"classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "input_dtype": "float32", "input_name": "image", "input_shape": [1, 10, 1], "layout": "NHWC", "mean": [0.0], "output_kind": "probabilities", "output_name": "probabilities", "range": [0.0, 1.0], "std": [1.0]}, "version": "floor"}
 * header: e847dc931ffc6aacffdbc77f3b14690cbc9d4c5b9b6999d7c22a10bf7d0f0817
 */

#include "identity.fp32.h"

/* The same values */
static void copy1(const float *restrict x, float *restrict y)
{
    for (int i = 0; i < 10; i++) {
        y[i] = x[i];
    }
}

const char *const identity_classes[IDENTITY_CLASSES] = {
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9"
};

const struct identity_sizes identity_sizes = { 0u, IDENTITY_ARENA_BYTES, 0u };

int identity_predict(const float image[IDENTITY_INPUT_SIZE], float probabilities[IDENTITY_OUTPUT_SIZE], void *arena,
    size_t arena_bytes)
{
    if (image == NULL || probabilities == NULL || arena == NULL) {
        return IDENTITY_NULL_POINTER;
    }
    if (arena_bytes < IDENTITY_ARENA_BYTES) {
        return IDENTITY_ARENA_TOO_SMALL;
    }
    if ((uintptr_t)arena % IDENTITY_ARENA_ALIGNMENT != 0) {
        return IDENTITY_ARENA_MISALIGNED;
    }
    copy1(image, probabilities);
    return IDENTITY_OK;
}
