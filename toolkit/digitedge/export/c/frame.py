"""The C file around the kernels: what it is, its constants, a function a step, and the public one that calls them.

The first comment holds the description that every artefact carries, as JSON on one line, so that the file needs nothing
beside it to be understood, and the SHA-256 of its header, so that the two are not mixed up. It costs no flash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitedge.errors import ContentError
from digitedge.export.c import header
from digitedge.export.c.arena import plan
from digitedge.export.c.literals import array, comment, identifier, string
from digitedge.files import sha256
from digitedge.runtime.metadata import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digitedge.export.c.arena import Arena
    from digitedge.export.c.program import Buffer, Program, Step
    from digitedge.runtime.metadata import Embedded

_OPENING = """\
/* {title}: a network for image classification in plain C99. Its header says how to call it.
 *
 * It needs no heap, no library and no operating system, and keeps no state. Compile it with optimisation, for instance
 *     cc -std=c99 -O3 -march=native -ffp-contract=fast -c
 * With GCC and Clang it uses their vector types; -DDIGITEDGE_PLAIN_C leaves only what every C99 compiler knows.
 *
 * digitedge: {description}
 * header: {header_sha256}
 */

#include "{header_name}"
"""


def write(name: str, program: Program, embedded: Embedded) -> tuple[bytes, bytes]:
    """A C file and its header. The same arguments give the same bytes.

    Args:
        name: of the model: its artefacts are `<name>.<precision>.c` and `.h`.
        program: what it computes.
        embedded: what it expects and gives.

    Returns:
        The content of the .c file, and that of the .h file.

    Raises:
        ContentError: the name cannot stand in an #include.
    """
    arena = plan(program)
    header_text = header.write(name, program, arena, embedded).encode()
    opening = _OPENING.format(
        title=comment(name),
        header_name=_header_name(name, embedded.precision),
        description=to_json(embedded).replace("/", "\\/"),  # JSON's own escape: no comment ends or begins in it
        header_sha256=sha256(header_text),
    )
    parts = [opening, *program.preamble]
    parts += [array(constant) for constant in program.constants]
    parts += [_function(step) for step in program.steps]
    parts += [_public(identifier(name), program, arena, embedded)]
    return "\n".join(parts).encode(), header_text


def _header_name(name: str, precision: str) -> str:
    if not set(name).isdisjoint('"\\\n\r'):
        raise ContentError(f"a header cannot be called {name!r} in C.", "Give the model's file another name.")
    return f"{name}.{precision}.h"


def _function(step: Step) -> str:
    parameters = ", ".join(f"{ctype}{name}" for ctype, name in _parameters(step))
    return f"/* {comment(step.comment)} */\nstatic void {step.name}({parameters})\n{{\n{step.body.rstrip()}\n}}\n"


def _parameters(step: Step) -> Iterator[tuple[str, str]]:
    star = "*" if step.in_place else "*restrict "
    for number, buffer in enumerate(step.reads):
        yield f"const {buffer.ctype} {star}", f"x{number + 1}" if number else "x"
    yield f"{step.writes.ctype} {star}", "y"
    if step.scratch is not None:
        yield f"{step.scratch.ctype} {star}", "scratch"


def _public(lower: str, program: Program, arena: Arena, embedded: Embedded) -> str:
    upper, output = lower.upper(), embedded.spec.output_kind
    names = ",\n".join(f"    {string(text)}" for text in embedded.spec.classes)
    # A network whose steps need no memory between them has no use for the arena but to check it.
    base = "    unsigned char *const base = arena;\n\n" if arena.offsets else ""
    calls = "\n".join(f"    {_call(step, program, arena, output)}" for step in program.steps)
    return f"""\
const char *const {lower}_classes[{upper}_CLASSES] = {{
{names}
}};

const struct {lower}_sizes {lower}_sizes = {{ {program.flash_bytes}u, {upper}_ARENA_BYTES, {program.macs}u }};

int {lower}_predict(const {program.image.ctype} image[{upper}_INPUT_SIZE], {program.scores.ctype} \
{output}[{upper}_OUTPUT_SIZE], void *arena,
    size_t arena_bytes)
{{
{base}    if (image == NULL || {output} == NULL || arena == NULL) {{
        return {upper}_NULL_POINTER;
    }}
    if (arena_bytes < {upper}_ARENA_BYTES) {{
        return {upper}_ARENA_TOO_SMALL;
    }}
    if ((uintptr_t)arena % {upper}_ARENA_ALIGNMENT != 0) {{
        return {upper}_ARENA_MISALIGNED;
    }}
{calls}
    return {upper}_OK;
}}
"""


def _call(step: Step, program: Program, arena: Arena, output: str) -> str:
    def pointer(buffer: Buffer, qualifier: str = "") -> str:
        if buffer is program.image:
            return "image"
        if buffer is program.scores:
            return output
        return f"({qualifier}{buffer.ctype} *)(void *)(base + {arena.offsets[buffer]})"

    arguments = [*(pointer(buffer, "const ") for buffer in step.reads), pointer(step.writes)]
    if step.scratch is not None:
        arguments.append(pointer(step.scratch))
    return f"{step.name}({', '.join(arguments)});"
