"""The header beside the C file: all that a program needs to know of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.export.c.arena import ALIGNMENT
from digitedge.export.c.literals import comment, identifier

if TYPE_CHECKING:
    from digitedge.export.c.arena import Arena
    from digitedge.export.c.program import Program
    from digitedge.runtime.metadata import Embedded

_TEXT = """\
/* {title}: an image of {height} x {width} x {channels} in, {results} out.
   Made by digitedge {version} of a source with the SHA-256 {digest}.

   Usage, with no other memory than this and a few hundred bytes of stack:

       static {ctype} image[{upper}_INPUT_SIZE];
       static {out_ctype} {output}[{upper}_OUTPUT_SIZE];
       static float arena[{upper}_ARENA_BYTES / sizeof(float)];

       int status = {lower}_predict(image, {output}, arena, sizeof arena);

   It keeps nothing from one call to the next: any number of threads may call it, each with an arena of its own. */

#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#define {upper}_HEIGHT {height}
#define {upper}_WIDTH {width}
#define {upper}_CHANNELS {channels}
#define {upper}_INPUT_SIZE {input_size}
#define {upper}_CLASSES {classes}
#define {upper}_OUTPUT_SIZE {output_size}
#define {upper}_ARENA_BYTES {arena_bytes}
#define {upper}_ARENA_ALIGNMENT {alignment} /* bytes; 64 is as fast as it gets */

/* What {lower}_predict returns. */
#define {upper}_OK 0
#define {upper}_NULL_POINTER 1
#define {upper}_ARENA_TOO_SMALL 2
#define {upper}_ARENA_MISALIGNED 3

#ifdef __cplusplus
extern "C" {{
#endif

/* What the model costs. */
struct {lower}_sizes {{
    uint32_t flash_bytes; /* of all weights and tables; the code is not counted */
    uint32_t arena_bytes; /* RAM that the caller gives: {upper}_ARENA_BYTES */
    uint64_t macs;        /* multiply-accumulates for one image */
}};

extern const struct {lower}_sizes {lower}_sizes;

/* The name of each class, UTF-8. */
extern const char *const {lower}_classes[{upper}_CLASSES];

/* Classifies one image.

   image: {about_image},
          in the order height x width x channels: the channels of the first pixel of the first row come first.
   {output}: {about_output}.
   arena: memory for what lies between, of any content, at a multiple of {upper}_ARENA_ALIGNMENT.
   arena_bytes: its size, at least {upper}_ARENA_BYTES.

   Returns {upper}_OK; or what is wrong, and then nothing has been written. */
int {lower}_predict(const {ctype} image[{upper}_INPUT_SIZE], {out_ctype} {output}[{upper}_OUTPUT_SIZE], void *arena,
    size_t arena_bytes);

#ifdef __cplusplus
}}
#endif

#endif
"""


def write(name: str, program: Program, arena: Arena, embedded: Embedded) -> str:
    """The text of the header.

    Args:
        name: of the model.
        program: of the C file beside it.
        arena: of that program.
        embedded: what the model expects and gives.
    """
    spec, lower = embedded.spec, identifier(name)
    height, width, channels = spec.input_shape
    return _TEXT.format(
        title=comment(name),
        results=f"{len(spec.classes)} {spec.output_kind}" if program.scores.count > 1 else "the number of its class",
        version=comment(embedded.version),
        digest=comment(embedded.source_digest),
        lower=lower,
        upper=lower.upper(),
        ctype=program.image.ctype,
        out_ctype=program.scores.ctype,
        output=spec.output_kind,
        height=height,
        width=width,
        channels=channels,
        input_size=program.image.count,
        classes=len(spec.classes),
        output_size=program.scores.count,
        arena_bytes=arena.size_bytes,
        alignment=ALIGNMENT,
        about_image=_about_image(embedded),
        about_output=_ABOUT_OUTPUT[spec.output_kind],
    )


_ABOUT_OUTPUT = {
    "probabilities": "one a class, from 0 to 1, together 1",
    "logits": "one a class; the largest wins",
    "label": "the place of the winning class in the list of names, one number",
}


def _about_image(embedded: Embedded) -> str:
    spec = embedded.spec
    low, high = spec.range
    if spec.input_dtype == "uint8":
        return "pixels from 0 to 255 as they come from a camera or a file"
    if spec.input_dtype == "int8":
        return "pixels in the integers of the model: see its documentation"
    text = f"pixels scaled to the range from {low:g} to {high:g}"
    if any(spec.mean) or any(value != 1.0 for value in spec.std):
        mean, std = (", ".join(f"{value:.9g}" for value in values) for values in (spec.mean, spec.std))
        text += f", then less the mean ({mean}) of each channel and divided by its std ({std})"
    return text
