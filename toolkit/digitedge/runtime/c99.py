""".c files, compiled by the C compiler of this machine and called through ctypes.

A C file is a program: loading it compiles it and runs it with all rights of this process. Load none that comes from
strangers before you have read it. What its description says is never given to a shell or to the compiler: the command
is a list of fixed words, run in a folder of its own, which is gone when the file is loaded.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.data.preprocess import to_input, to_unit
from digitedge.errors import ContentError, NotPresentError, first_line
from digitedge.files import read_bytes, sha256
from digitedge.runtime import compilers
from digitedge.runtime.c99_timer import FEATURES, Buffers, CTimer, loop_source
from digitedge.runtime.metadata import from_json
from digitedge.runtime.model import check_images, one_hot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from digitedge.runtime.metadata import Embedded
    from digitedge.spec import Spec

SUFFIX = ".c"
# What the format can hold; `digitedge export` makes nothing else of it.
PRECISIONS = ("fp32", "int8")
INPUTS = ("float32", "uint8")
OUTPUTS = ("probabilities", "logits", "label")

FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-fPIC", "-shared")
_DESCRIPTION = re.compile(rb"^ \* digitedge: (\{.*\})$", re.MULTILINE)
_HEADER = re.compile(rb'^ \* header: ([0-9a-f]{64})$.*?^#include "([^"/\\\n]+\.h)"$', re.MULTILINE | re.DOTALL)
_PREFIX = re.compile(rb"^int ([a-z][a-z0-9_]*)_predict\(", re.MULTILINE)
_FLASH = re.compile(rb"^const struct [a-z0-9_]+_sizes [a-z0-9_]+_sizes = \{ ([0-9]+)u,", re.MULTILINE)
# A cache line: what a vector load likes best.
_ALIGNMENT = 64

# Compiled beside the model: many images by one call, and what the header says, for a check. The timing loop follows.
_BATCH = """
#include "{header}"

int digitedge_batch(const {takes} *images, {gives} *scores, void *arena, size_t arena_bytes, size_t count)
{{
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++) {{
        status = {lower}_predict(images + i * {upper}_INPUT_SIZE, scores + i * {upper}_OUTPUT_SIZE, arena, arena_bytes);
    }}
    return status;
}}

void digitedge_sizes(size_t sizes[3])
{{
    sizes[0] = {upper}_INPUT_SIZE;
    sizes[1] = {upper}_OUTPUT_SIZE;
    sizes[2] = {upper}_ARENA_BYTES;
}}
"""
_CTYPES = {"float32": "float", "uint8": "uint8_t", "int8": "int8_t", "int32": "int32_t"}


@dataclass(frozen=True)
class C99Model:
    """A compiled .c file. Any number of threads may use it at the same time: each call has an arena of its own."""

    path: Path
    library: Any
    arena_bytes: int
    spec: Spec
    precision: str
    source_digest: str | None
    engine: str
    placement: None = None

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of images float32 (n, height, width, channels) in [0, 1]."""
        inputs, scores, arena = self._arrays(images)
        status = self._batch(inputs, scores, arena, ctypes.c_int)()
        if status != 0:
            raise ContentError(f"{self.path} cannot be run: it returns {status}.", "Export it again.")
        return self.scores_of(scores)

    def scores_of(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """The scores float32 (n, classes) of the scores, or of the labels (n, 1), that the function wrote."""
        return one_hot(outputs[:, 0], self.spec) if self.spec.output_kind == "label" else outputs

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], NDArray[Any]]:
        """One call of the compiled function for each image, all of them behind a single call through ctypes.

        It costs about 0.5 us besides; the pointers to images, scores and arena are made before. Bench takes `timer`.
        """
        inputs, scores, arena = self._arrays(images)
        run = self._batch(inputs, scores, arena, None)

        def call() -> NDArray[Any]:
            run()
            return scores

        return call

    def runner(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """One call through ctypes for any images, with memory of its own."""

        def call(inputs: NDArray[Any]) -> NDArray[Any]:
            scores, arena = self._memory(len(inputs))
            self._batch(inputs, scores, arena, None)()
            return scores

        return call

    def timer(self, batches: Sequence[NDArray[np.uint8]], *, end_to_end: bool) -> CTimer:
        """The timing loop in C for batches of pixels, uint8 (n, height, width, channels), all of one n."""
        pixels = np.ascontiguousarray(np.concatenate(batches))
        inputs, scores, arena = self._arrays(to_unit(pixels))
        labels = np.empty(len(pixels), np.int32)
        buffers = Buffers(inputs, pixels if end_to_end else None, scores, labels, arena)
        return CTimer(self.path, self.library, buffers, len(batches[0]), self.scores_of)

    def _arrays(self, images: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint8]]:
        check_images(images, self.spec)
        return np.ascontiguousarray(to_input(images, self.spec)), *self._memory(len(images))

    def _memory(self, n: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """For the scores of n images, and an aligned arena."""
        shape, kind = ((1,), np.int32) if self.spec.output_kind == "label" else ((len(self.spec.classes),), np.float32)
        memory = np.empty(self.arena_bytes + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        return np.empty((n, *shape), kind), memory[start : start + self.arena_bytes]

    def _batch(self, inputs: NDArray[Any], scores: NDArray[Any], arena: NDArray[np.uint8], gives: Any) -> Any:
        """The call with its arguments ready, which keeps the arrays alive; it gives the status, or nothing for None."""
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (inputs, scores, arena)]
        sizes = ctypes.c_size_t(self.arena_bytes), ctypes.c_size_t(len(inputs))
        function = self.library["digitedge_batch"]  # an object of its own each time, unlike an attribute
        function.restype = gives
        return partial(function, *pointers, *sizes)


def load(
    path: Path,
    *,
    provider: str = "cpu",  # noqa: ARG001 (every engine's)
    threads: int | None = None,  # noqa: ARG001 (every engine's)
    engine: str | None = None,
) -> C99Model:
    """Compiles a .c file that digitedge wrote, with the header beside it, and loads the result.

    Raises:
        ContentError: not such a file, without its header or with another one, or one that does not compile.
        NotPresentError: there is no C compiler, or not the one that was named.
        UnknownNameError: the named one is none of `compilers.found()`.
    """
    source = read_bytes(path)
    embedded, header_sha256, header_name = _described(path, source)
    compiler = compilers.command_of(engine)
    beside = path.with_suffix(".h")
    header = read_bytes(beside)
    prefix = _PREFIX.search(header)
    if sha256(header) != header_sha256 or prefix is None:
        message = f"{beside} is not the header that {path.name} was exported with."
        raise ContentError(message, "Copy both files of the same export, or export again.")
    files = {
        header_name: header,
        "model.c": source,
        "batch.c": _batch_source(header_name, prefix[1].decode(), embedded),
    }
    library, sizes = _compiled(path, files, compiler)
    height, width, channels = embedded.spec.input_shape
    outputs = 1 if embedded.spec.output_kind == "label" else len(embedded.spec.classes)
    if sizes[:2] != [height * width * channels, outputs]:
        raise ContentError(f"{path} has other inputs or outputs than its description says.", "Export it again.")
    label = compilers.described(compiler)
    return C99Model(path, library, sizes[2], embedded.spec, embedded.precision, embedded.source_digest, label)


def flash_bytes(path: Path) -> int:
    """Of all weights and tables, once compiled. The text of the file is three to five times as long.

    Raises:
        ContentError: the file does not say.
    """
    found = _FLASH.search(read_bytes(path))
    if found is None:
        raise ContentError(f"{path} does not say how much flash it takes.", "Export it again.")
    return int(found[1])


def require_engine() -> None:
    """Raises NotPresentError if there is no C compiler."""
    compilers.command_of(None)


def engines() -> tuple[str, ...]:
    """The engines that are installed here: each C compiler, the default first."""
    return compilers.found()


def _described(path: Path, source: bytes) -> tuple[Embedded, str, str]:
    description, header = _DESCRIPTION.search(source), _HEADER.search(source)
    if description is None or header is None:
        message = f"{path} does not say what its input means: it was not exported by digitedge."
        raise ContentError(message, "Export the Keras original with: digitedge export MODEL.keras --to c99")
    try:
        name = header[2].decode()
    except UnicodeDecodeError as error:
        raise ContentError(f"{path} includes a header without a name.", "Export it again.") from error
    return from_json(path, description[1]), header[1].decode(), name


def _batch_source(header_name: str, prefix: str, embedded: Embedded) -> bytes:
    gives = "int32" if embedded.spec.output_kind == "label" else "float32"
    names = {"takes": _CTYPES[embedded.spec.input_dtype], "gives": _CTYPES[gives]}
    names |= {"lower": prefix, "upper": prefix.upper()}
    return (FEATURES + _BATCH.format(header=header_name, **names) + loop_source(embedded.spec, names)).encode()


def _compiled(path: Path, files: dict[str, bytes], compiler: list[str]) -> tuple[Any, list[int]]:
    """The library of a model, and what its header says: elements in, elements out, bytes of arena."""
    with tempfile.TemporaryDirectory(prefix="digitedge-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        _compile(path, folder, compiler)
        try:
            library = ctypes.CDLL(str(folder / "model.so"))
        except OSError as error:
            message = f"what was made of {path} cannot be loaded: {first_line(error)}."
            raise NotPresentError(message, "Set TMPDIR to a folder in which programs may run.") from error
    sizes = (ctypes.c_size_t * 3)()
    library.digitedge_sizes(sizes)
    return library, list(sizes)


def _compile(path: Path, folder: Path, compiler: list[str]) -> None:
    command = [*compiler, *FLAGS, "-o", "model.so", "model.c", "batch.c"]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S603 (fixed words)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").splitlines()
        reason = next((line for line in said if "error" in line), f"{command[0]} ends with {done.returncode}")
        message = f"{path} does not compile: {first_line(ContentError(reason, ''))}."
        raise ContentError(message, "Is it a C file of digitedge, unchanged? Export it again.")
