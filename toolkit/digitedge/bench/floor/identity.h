/* identity: an image of 1 x 10 x 1 in, 10 probabilities out.
   Made by digitedge floor of a source with the SHA-256 identity.

   Usage, with no other memory than this and a few hundred bytes of stack:

       static float image[IDENTITY_INPUT_SIZE];
       static float probabilities[IDENTITY_OUTPUT_SIZE];
       static float arena[IDENTITY_ARENA_BYTES / sizeof(float)];

       int status = identity_predict(image, probabilities, arena, sizeof arena);

   It keeps nothing from one call to the next: any number of threads may call it, each with an arena of its own. */

#ifndef IDENTITY_H
#define IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define IDENTITY_HEIGHT 1
#define IDENTITY_WIDTH 10
#define IDENTITY_CHANNELS 1
#define IDENTITY_INPUT_SIZE 10
#define IDENTITY_CLASSES 10
#define IDENTITY_OUTPUT_SIZE 10
#define IDENTITY_ARENA_BYTES 4
#define IDENTITY_ARENA_ALIGNMENT 4 /* bytes; 64 is as fast as it gets */

/* What identity_predict returns. */
#define IDENTITY_OK 0
#define IDENTITY_NULL_POINTER 1
#define IDENTITY_ARENA_TOO_SMALL 2
#define IDENTITY_ARENA_MISALIGNED 3

#ifdef __cplusplus
extern "C" {
#endif

/* What the model costs. */
struct identity_sizes {
    uint32_t flash_bytes; /* of all weights and tables; the code is not counted */
    uint32_t arena_bytes; /* RAM that the caller gives: IDENTITY_ARENA_BYTES */
    uint64_t macs;        /* multiply-accumulates for one image */
};

extern const struct identity_sizes identity_sizes;

/* The name of each class, UTF-8. */
extern const char *const identity_classes[IDENTITY_CLASSES];

/* Classifies one image.

   image: pixels scaled to the range from 0 to 1,
          in the order height x width x channels: the channels of the first pixel of the first row come first.
   probabilities: one a class, from 0 to 1, together 1.
   arena: memory for what lies between, of any content, at a multiple of IDENTITY_ARENA_ALIGNMENT.
   arena_bytes: its size, at least IDENTITY_ARENA_BYTES.

   Returns IDENTITY_OK; or what is wrong, and then nothing has been written. */
int identity_predict(const float image[IDENTITY_INPUT_SIZE], float probabilities[IDENTITY_OUTPUT_SIZE], void *arena,
    size_t arena_bytes);

#ifdef __cplusplus
}
#endif

#endif
