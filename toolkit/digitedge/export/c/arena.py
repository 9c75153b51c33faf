"""Where each buffer lies in the memory that the caller gives: buffers that do not live at the same time share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from digitedge.export.c.program import Buffer, Program

# Every buffer begins at a multiple of it, and so must the arena: that of float and int32_t, which `static float a[]`
# has in any C.
ALIGNMENT = 4


@dataclass(frozen=True)
class Arena:
    """A plan.

    Attributes:
        offsets: in bytes, by buffer; the caller's own input and output are not among them.
        size_bytes: of the whole; never 0, which is no size of an array in C.
    """

    offsets: Mapping[Buffer, int]
    size_bytes: int


@dataclass(frozen=True)
class _Span:
    """One place in memory and the steps during which it is taken, first and last included."""

    buffers: tuple[Buffer, ...]
    first: int
    last: int
    size_bytes: int

    def meets(self, other: _Span) -> bool:
        return self.first <= other.last and other.first <= self.last


def plan(program: Program) -> Arena:
    """Offsets for all buffers of a program.

    The largest is placed first, each at the lowest offset where nothing lies that lives at the same time: greedy by
    size, as TensorFlow Lite for Microcontrollers plans (arXiv:2001.03288). A step that may run in place does so where
    nothing needs its input any more.
    """
    placed: list[tuple[int, _Span]] = []
    for span in sorted(_spans(program), key=lambda span: (-span.size_bytes, span.first)):
        taken = [(offset, other.size_bytes) for offset, other in placed if other.meets(span)]
        placed.append((_lowest(span.size_bytes, sorted(taken)), span))
    offsets = {buffer: offset for offset, span in placed for buffer in span.buffers}
    return Arena(offsets, max((offset + span.size_bytes for offset, span in placed), default=ALIGNMENT))


def _lowest(size_bytes: int, taken: Iterable[tuple[int, int]]) -> int:
    """The lowest offset with `size_bytes` free from there on; `taken` holds (offset, size) in rising order."""
    offset = 0
    for begin, length in taken:
        if offset + size_bytes <= begin:
            break
        offset = max(offset, begin + length)
    return offset


def _spans(program: Program) -> list[_Span]:
    callers = {program.image, program.scores}
    last = {buffer: number for number, step in enumerate(program.steps) for buffer in step.reads}
    spans: dict[Buffer, _Span] = {}
    for number, step in enumerate(program.steps):
        if step.scratch is not None:
            spans[step.scratch] = _Span((step.scratch,), number, number, _round(step.scratch.size_bytes))
        written = step.writes
        if written in callers:
            continue
        end = last.get(written, number)
        before = spans.get(step.reads[0]) if step.in_place else None
        if before is not None and before.last == number and written.size_bytes <= before.size_bytes:
            shared = _Span((*before.buffers, written), before.first, end, before.size_bytes)
            spans.update(dict.fromkeys(shared.buffers, shared))
        else:
            spans[written] = _Span((written,), number, end, _round(written.size_bytes))
    return list(dict.fromkeys(spans.values()))


def _round(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT
