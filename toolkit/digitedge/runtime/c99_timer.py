"""The timing loop of a .c file, in C: nothing of Python is inside a sample.

It is compiled beside the model, reads the clock before and after each call, and writes nanoseconds into a buffer.
"""

from __future__ import annotations

import ctypes
import time
from array import array
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.spec import Spec

# Samples that one visit to C brings back; between two visits Python may hear Ctrl-C.
_VISIT = 4_096
# The most that one process keeps: a thousandth of them says what p99.9 is, and a call of 40 ns would else fill 20 MB in
# a fifth of a second.
MOST_CALLS = 200_000

# Comes first in its file: it says which functions of the system the headers may declare.
FEATURES = "#define _POSIX_C_SOURCE 199309L\n"

LOOP = """
#include <stdint.h>
#include <time.h>

struct digitedge_work {{
    const {takes} *images;
    const uint8_t *pixels; /* of all images; NULL leaves out the way from pixels to labels */
    {takes} *image;
    {gives} *scores;
    int32_t *labels;
    void *arena;
    size_t arena_bytes;
    size_t batch;
}};

static int64_t digitedge_now(void)
{{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}}

static int digitedge_whole(const struct digitedge_work *work, size_t first)
{{
    int status = 0;

    for (size_t i = first; i < first + work->batch && status == 0; i++) {{
        const uint8_t *pixels = work->pixels + i * {upper}_INPUT_SIZE;
        {gives} *scores = work->scores + i * {upper}_OUTPUT_SIZE;
        int32_t best = 0;

{scaling}
        status = {lower}_predict({input}, scores, work->arena, work->arena_bytes);
{label}
        work->labels[i] = best;
    }}
    return status;
}}

size_t digitedge_time(const struct digitedge_work *work, const size_t *order, size_t length, size_t at,
    int64_t *nanoseconds, size_t most, size_t fewest, int64_t enough, int64_t limit)
{{
    const int64_t begin = digitedge_now();
    int64_t end = begin;
    size_t n = 0;

    while (n < most && (n == 0 || end - begin < enough || (n < fewest && end - begin < limit))) {{
        const size_t first = order[(at + n) % length] * work->batch;
        const int64_t start = digitedge_now();
        const int status = work->pixels != NULL ? digitedge_whole(work, first)
            : digitedge_batch(work->images + first * {upper}_INPUT_SIZE, work->scores + first * {upper}_OUTPUT_SIZE,
                work->arena, work->arena_bytes, work->batch);

        end = digitedge_now();
        if (status != 0) {{
            return 0;
        }}
        nanoseconds[n++] = end - start;
    }}
    return n;
}}
"""
_SCALING = """        for (size_t j = 0; j < {upper}_INPUT_SIZE; j++) {{
            {steps}
        }}"""
_ARGMAX = """        for (int32_t j = 1; j < {upper}_OUTPUT_SIZE; j++) {{
            if (scores[j] > scores[best]) {{
                best = j;
            }}
        }}"""


def loop_source(spec: Spec, names: dict[str, str]) -> str:
    """The loop for a model, to stand behind `digitedge_batch`.

    Args:
        spec: what the model takes and gives, which is what the way from pixels to labels consists of.
        names: `lower`, `upper`, and the C types `takes` and `gives`.
    """
    raw, label = spec.input_dtype == "uint8", spec.output_kind == "label"
    scaling = "" if raw else _SCALING.format(steps=_scaling_steps(spec), **names)
    chosen = "        best = scores[0];" if label else _ARGMAX.format(**names)
    return LOOP.format(scaling=scaling, label=chosen, input="pixels" if raw else "work->image", **names)


def _scaling_steps(spec: Spec) -> str:
    """`data.preprocess.to_input` for one value, in its order."""
    (low, high), channels = spec.range, spec.input_shape[2]
    steps = ["float value = pixels[j] / 255.0f;"]
    if (low, high) != (0.0, 1.0):
        steps.append(f"value = value * {_float(high - low)} + {_float(low)};")
    if any(spec.mean) or any(value != 1.0 for value in spec.std):
        for name, values in (("mean", spec.mean), ("std", spec.std)):
            listed = ", ".join(_float(value) for value in np.broadcast_to(values, channels))
            steps.insert(0, f"static const float {name}[{channels}] = {{ {listed} }};")
        steps.append(f"value = (value - mean[j % {channels}]) / std[j % {channels}];")
    return "\n            ".join([*steps, "work->image[j] = value;"])


def _float(value: float) -> str:
    return f"{float(np.float32(value))!r}f"


class _Work(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("images", "pixels", "image", "scores", "labels", "arena")),
        ("arena_bytes", ctypes.c_size_t),
        ("batch", ctypes.c_size_t),
    )


@dataclass(frozen=True, eq=False)
class Buffers:
    """What the loop reads and writes.

    Attributes:
        images: of all batches, in the form that the model takes, (n, height, width, channels).
        pixels: the same as uint8; None for the engine alone.
        scores: of all of them, (n, classes) or labels (n, 1).
        labels: of all of them, int32 (n,): what the whole way ends with.
        arena: aligned, uint8.
    """

    images: NDArray[Any]
    pixels: NDArray[np.uint8] | None
    scores: NDArray[Any]
    labels: NDArray[np.int32]
    arena: NDArray[np.uint8]


class CTimer:
    """Calls of a compiled model for several batches, timed in C."""

    timed_by = "C loop"

    def __init__(
        self,
        path: Path,
        library: Any,
        buffers: Buffers,
        batch: int,
        scores_of: Callable[[NDArray[Any]], NDArray[np.float32]],
    ) -> None:
        """Joins the compiled loop and the memory that it works on.

        Args:
            path: for messages only.
            library: compiled with `loop_source`.
            buffers: of all batches.
            batch: images a call.
            scores_of: scores float32 (n, classes) of the scores or labels that the model gives.
        """
        self._path, self._batch, self._scores_of = path, batch, scores_of
        self._buffers, self._image = buffers, np.empty_like(buffers.images[0])
        pointers = (buffers.images, buffers.pixels, self._image, buffers.scores, buffers.labels, buffers.arena)
        addresses = [None if memory is None else memory.ctypes.data for memory in pointers]
        self._work = _Work(*addresses, len(buffers.arena), batch)
        self._function = library["digitedge_time"]
        self._function.restype = ctypes.c_size_t

    def time(
        self,
        order: Sequence[int],
        *,
        seconds: float,
        fewest: int = 1,
        most_seconds: float = float("inf"),
        warm_up_seconds: float = 0.1,
        around: AbstractContextManager[object] | None = None,
    ) -> NDArray[np.float64]:
        """As `Timer.time`, but it ends with `MOST_CALLS`."""
        self._sample(order, warm_up_seconds, 1, warm_up_seconds)
        with around or nullcontext():
            nanoseconds = self._sample(order, seconds, fewest, max(seconds, most_seconds))
        return np.frombuffer(nanoseconds, np.int64) / 1e3

    def outputs(self, place: int) -> NDArray[np.float32]:
        """As `Timer.outputs`."""
        part = slice(place * self._batch, (place + 1) * self._batch)
        buffers = self._buffers
        buffers.scores[part], buffers.labels[part] = 0, -1
        self._sample([place], 0.0, 1, 0.0)
        if buffers.pixels is None:
            return self._scores_of(buffers.scores[part].copy())
        classes: NDArray[np.float32] = np.eye(self._scores_of(buffers.scores[:1]).shape[1], dtype=np.float32)
        return classes[buffers.labels[part]]

    def _sample(self, order: Sequence[int], seconds: float, fewest: int, most_seconds: float) -> array[int]:
        places = (ctypes.c_size_t * len(order))(*order)
        visit, samples = (ctypes.c_int64 * _VISIT)(), array("q")
        enough, limit, begin = seconds * 1e9, min(most_seconds, 1e9) * 1e9, time.perf_counter_ns()
        while len(samples) < MOST_CALLS:
            made, spent = len(samples), time.perf_counter_ns() - begin
            if made and spent >= enough and (made >= fewest or spent >= limit):
                break
            at, wanted = ctypes.c_size_t(made % len(order)), ctypes.c_size_t(max(0, fewest - made))
            ends = (ctypes.c_int64(max(0, int(end - spent))) for end in (enough, limit))
            n = self._function(ctypes.byref(self._work), places, len(order), at, visit, _VISIT, wanted, *ends)
            if n == 0:
                raise ContentError(f"{self._path} cannot be run: it returns an error.", "Export it again.")
            samples.frombytes(memoryview(visit).cast("B")[: 8 * n])
        return samples
