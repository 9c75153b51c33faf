"""Every sample behind a bench.json, in a compressed file beside it: what somebody else needs to compute it again.

bench.samples.npz holds NumPy arrays and no pickled object:

    schema_version   int64 (): 1
    rows             str (): JSON, a list with one object for each thing that was timed, in this order:
                     {path, sha256, format, provider, threads, batch, role, io}; role is `result` for the rows of
                     bench.json (first, in their order; those without times are left out), `floor` for a model that does
                     nothing, `earlier` for a file of an older benchmark that was measured again for --compare
    samples_us_0     float64 (n,): microseconds of each timed call of the first of `rows`, in order, process by process
    processes_0      int64 (p,): calls in each process; their sum is n
    samples_us_1 ... and so on
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.bench.target import threads_of
from digitedge.errors import ContentError, first_line
from digitedge.files import read_bytes, sha256, write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.bench.measuring import BenchResult
    from digitedge.bench.row import Row
    from digitedge.bench.target import Target
    from digitedge.config import BenchConfig

SCHEMA_VERSION = 1
SAMPLES = "bench.samples.npz"


@dataclass(frozen=True, slots=True)
class Timed:
    """What was timed.

    Attributes:
        path: the file.
        sha256: of the file; None for the model that does nothing.
        format: `onnx`, `tflite`, `c99` or `keras`.
        provider: that ran it.
        threads: that the engine had.
        batch: images a call.
        role: `result`, `floor` or `earlier`.
        io: `copies`, `device` or `graph`; older files do not say, and hold the first alone.
    """

    path: str
    sha256: str | None
    format: str
    provider: str
    threads: int
    batch: int
    role: str
    io: str = "copies"


@dataclass(frozen=True, eq=False, slots=True)
class Sampled:
    """One thing that was timed, with every sample.

    Attributes:
        timed: what.
        processes: microseconds of each call, one float64 (n,) for each fresh process.
    """

    timed: Timed
    processes: tuple[NDArray[np.float64], ...]


def sampled_of(result: BenchResult, targets: Sequence[Target], config: BenchConfig) -> tuple[Sampled, ...]:
    """Every sample of a benchmark, in the order that the file has them in.

    Args:
        result: of `bench.measuring.measure`.
        targets: that it is the result of.
        config: how it was measured.
    """
    rows = [
        Sampled(_timed(row, "earlier" if target.is_earlier else "result"), report.processes)
        for target, row, report in zip(targets, result.rows, result.reports, strict=True)
        if report is not None
    ]
    floors = [
        Sampled(
            Timed(floor.path.name, None, floor.format, floor.provider, threads_of(floor, config), 1, "floor"),
            report.processes,
        )
        for floor, report in result.floors.items()
    ]
    return (*rows, *floors)


def write_samples(path: Path, sampled: Sequence[Sampled]) -> str:
    """Writes such a file, whole or not at all.

    Returns:
        Its sha256.
    """
    arrays: dict[str, Any] = {
        "schema_version": np.array(SCHEMA_VERSION),
        "rows": np.array(json.dumps([asdict(one.timed) for one in sampled])),
    }
    for number, one in enumerate(sampled):
        arrays[f"samples_us_{number}"] = np.concatenate(one.processes)
        arrays[f"processes_{number}"] = np.array([len(samples) for samples in one.processes], np.int64)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    write_bytes(path, stream.getvalue())
    return sha256(stream.getvalue())


def read_samples(path: Path) -> tuple[Sampled, ...]:
    """Reads what `write_samples` wrote.

    Raises:
        ContentError: missing, damaged, or of another version.
    """
    data = read_bytes(path)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            version = int(arrays["schema_version"])
            if version == SCHEMA_VERSION:
                rows = json.loads(str(arrays["rows"]))
                return tuple(Sampled(Timed(**row), _processes(arrays, number)) for number, row in enumerate(rows))
    except Exception as error:  # zipfile, zlib and NumPy raise a zoo of classes for a damaged archive
        raise ContentError(f"{path} holds no samples: {first_line(error)}.", "Measure again.") from error
    message = f"{path} has schema_version {version}; this digitedge reads {SCHEMA_VERSION}."
    raise ContentError(message, "Measure again.")


def _timed(row: Row, role: str) -> Timed:
    return Timed(str(row.path), row.sha256, row.format, row.provider, row.threads, row.batch, role, row.io)


def _processes(arrays: Any, number: int) -> tuple[NDArray[np.float64], ...]:
    samples, calls = arrays[f"samples_us_{number}"], arrays[f"processes_{number}"]
    if samples.dtype != np.float64 or calls.sum() != len(samples) or (calls < 1).any():
        raise ValueError(f"row {number} has {len(samples)} samples and the processes of it {calls.sum()}")
    return tuple(np.split(samples, np.cumsum(calls)[:-1]))
