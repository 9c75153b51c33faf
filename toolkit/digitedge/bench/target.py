"""What is measured: a file on a provider, and for each engine a model that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitedge.registry import entries
from digitedge.runtime.loading import format_of

if TYPE_CHECKING:
    from digitedge.config import BenchConfig

# Five medians lie around the true one in 94 of 100 cases (`measure.statistics.median_interval`), four in 88.
KERAS_PROCESSES = 5
_FLOOR = Path(__file__).parent / "floor"


@dataclass(frozen=True, slots=True)
class Target:
    """One file on one provider: a row of the result.

    Attributes:
        path: an .onnx, .tflite, .c or .keras file.
        provider: an execution provider; `cpu` for every format but .onnx.
        precision: as the manifest says, `fp32` or `int8`; None where nobody says.
        max_drop: percentage points of accuracy that it may lose, as its export was told; None for the usual bounds.
        is_floor: whether it is the model that does nothing, which is timed on an image of its own and never scored.
        is_earlier: whether it is a file of an earlier benchmark that is measured again beside its successor, which may
            be the very same file; never scored.
        threads: that the engine may use for one call; None for the benchmark's.
        batch: images a call; None for the benchmark's.
        io: `copies` where a call takes its images from main memory and gives its scores back there; `device` where both
            stay in the memory of the provider, and `graph` where the call is replayed there as well
            (`runtime/onnx_binding.py`).
    """

    path: Path
    provider: str = "cpu"
    precision: str | None = None
    max_drop: float | None = None
    is_floor: bool = False
    is_earlier: bool = False
    threads: int | None = None
    batch: int | None = None
    io: str = "copies"

    @property
    def format(self) -> str:
        """`onnx`, `tflite`, `c99` or `keras`.

        Raises:
            ContentError: no engine reads that suffix.
        """
        return format_of(self.path)


def threads_of(target: Target, config: BenchConfig) -> int:
    """Threads that the engine has for one call: of a .c file always one, whatever was asked for."""
    return 1 if target.format == "c99" else target.threads or config.threads


def batch_of(target: Target, config: BenchConfig) -> int:
    """Images a call."""
    return target.batch or config.batch


def processes_of(target: Target, config: BenchConfig) -> int:
    """Fresh processes for a target: fewer for Keras, since each of them takes five seconds to import TensorFlow."""
    return min(config.processes, KERAS_PROCESSES) if target.format == "keras" else config.processes


def floor_of(format_name: str) -> Target | None:
    """The model that does nothing, for the engine of a format; None where there is none.

    Its time is what one call from Python costs before any arithmetic. benchmarks/make_floor_models.py wrote it.
    """
    return next(iter(floors_of(format_name)), None)


def floors_of(format_name: str) -> tuple[Target, ...]:
    """The models that do nothing, for the engine of a format, the one that does least first.

    A provider may leave a graph to the CPU in which nothing is computed. The next has one operator that every provider
    has, a Relu of ten values, which costs next to nothing.
    """
    suffix = entries("digitedge.runtime", "SUFFIX")[format_name].SUFFIX
    paths = (_FLOOR / f"{name}{suffix}" for name in ("identity", "relu"))
    return tuple(Target(path, precision="fp32", is_floor=True) for path in paths if path.exists())
