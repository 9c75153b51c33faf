"""Ctrl-C during a benchmark: what was measured until then is shown and kept, apart from the record of a whole one."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from digitedge.commands.folders import BENCH
from digitedge.commands.keeping import INTERRUPTED, body_of
from digitedge.errors import StoppedError
from digitedge.files import write_json
from digitedge.measure.latency import loop_overhead_us
from digitedge.report.bodies import bench_body
from digitedge.report.documents import failure
from digitedge.report.steps.bench import step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType, TracebackType

    from digitedge.bench.measuring import BenchResult
    from digitedge.config import BenchConfig
    from digitedge.report.counting import Count
    from digitedge.report.terminal import Terminal

# Ctrl-C; what containers and service managers send; and a terminal that closes, or a connection to it that breaks.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Interruptions:
    """Lets the first interruption end the measuring, and keeps all others from what is made of it then.

    While it measures, the first one raises KeyboardInterrupt. From then on, or from the last process on, they wait:
    making the rows and writing them takes a second. What came meanwhile is raised when the block ends.

    Nothing changes in a thread, which Python lets set no handler, nor for a signal that whoever started the process
    lets it ignore, as nohup does.
    """

    def __init__(self) -> None:
        """Before the block, nothing is handled."""
        self._former: dict[int, Any] = {}
        self._waits = self._came = False

    def __enter__(self) -> Self:
        """Takes the signals."""
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._former[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives them back.

        Raises:
            KeyboardInterrupt: one came, and the block ended well.
        """
        for number, former in self._former.items():
            signal.signal(number, former)
        if kind is None and self._came:
            raise KeyboardInterrupt

    def watched(self, count: Count) -> Count:
        """The same count; after the last of all that it counts, interruptions wait."""

        def counted(done: int, total: int, name: str) -> None:
            self._raise()  # one that a destructor of some library has swallowed
            count(done, total, name)
            self._waits = done == total

        return counted

    @contextmanager
    def keeping(self, document: dict[str, Any], record: Path | None, config: BenchConfig) -> Iterator[None]:
        """A block after the last row, of --tune and --profile, that the first interruption ends.

        Args:
            document: of `bench`, which the block adds to.
            record: the file to write it to once more where it is interrupted; None for none.
            config: which of the two was asked for.

        Raises:
            StoppedError: it was interrupted, or had been while interruptions had to wait.
        """
        try:
            self._raise()
            self._waits = False
            yield
            self._waits = True
        except KeyboardInterrupt:
            asked = [option for option, given in (("--tune", config.tune), ("--profile", config.profile)) if given]
            raise _kept_whole(document, record, asked=" and ".join(asked)) from None

    def _raise(self) -> None:
        if self._came:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (as signal calls it)
        waits, self._waits, self._came = self._waits, True, True
        if not waits:
            raise KeyboardInterrupt


def kept_half(
    result: BenchResult, context: dict[str, Any], run: Path | None, terminal: Terminal, *, compares: bool
) -> StoppedError:
    """Shows and keeps what an interrupted benchmark has measured: no verdict and no front, which it does not carry.

    Args:
        result: of it.
        context: of `measure.context.context`.
        run: the folder to write bench.interrupted.json into; None for none.
        terminal: where the rows are shown.
        compares: whether an older benchmark was to be compared with.

    Returns:
        The error to end with; its `kept` is the body of the document.

    Raises:
        UsageError: the folder cannot be written.
    """
    done, total = result.interrupted or (0, 0)
    where = f"interrupted after {done:,} of {total:,} processes"
    uncompared = ", and nothing is compared" if compares else ""
    verdict = f"No verdict: the benchmark was {where}{uncompared}."
    body = bench_body(result, verdict, context=context, loop_overhead_us=loop_overhead_us())
    body["results"] = [{**row, "pareto": None} for row in body["results"]]
    error = StoppedError(f"{where}; {_where_kept(run)}", "Start it again for whole rows.")
    error.kept = body
    try:
        if run is not None:
            write_json(run / INTERRUPTED, failure("bench", error))
    finally:
        terminal.show(step(body))
    return error


def _where_kept(run: Path | None) -> str:
    if run is None:
        return "what was measured is shown."
    untouched = f", and {BENCH} is as it was" if (run / BENCH).exists() else ""
    return f"what was measured is in {run / INTERRUPTED}{untouched}."


def _kept_whole(document: dict[str, Any], record: Path | None, *, asked: str) -> StoppedError:
    if record is not None:
        write_json(record, document)
    where = "shown" if record is None else f"in {record}"
    hint = f"Start it again for what {asked} adds." if asked else ""
    error = StoppedError(f"interrupted after every file was measured; the rows are {where}.", hint)
    error.kept = body_of(document)
    return error
