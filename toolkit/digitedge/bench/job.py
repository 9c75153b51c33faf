"""What a fresh process is told, and what it answers: the only words between the benchmark and its workers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import DigitedgeError, from_fields, to_fields
from digitedge.files import read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.runtime.model import Placement

_OUTCOME, _SAMPLES = "outcome.json", "samples.npy"


@dataclass(frozen=True, slots=True)
class Job:
    """One file to be timed in one process.

    Attributes:
        path: the model file.
        provider: an execution provider.
        threads: that the engine may use for one call.
        batch: images a call.
        seconds: of timed calls, at least,
        fewest_calls: and so many calls, at least,
        most_seconds: but, for the sake of `fewest_calls`, no longer than this; scoring ends there as well.
        images: an .npy file, uint8 (n, height, width, channels), n a multiple of `batch`; None times a black image of
            whatever shape the model takes, alone.
        golden: a golden.npz whose images are all scored after the timing; None scores nothing.
        folder: where the answer goes.
        max_drop: percentage points of accuracy that the file may lose; None for the usual bounds.
        options: the fields of a `runtime.session_settings.SessionSettings`, of an .onnx file; None for the usual ones.
        end_to_end: time the way from pixels to labels instead of the engine alone; not with `images` None.
        io: as of `bench.target.Target`; but for `copies` of an .onnx file with the usual options only.
    """

    path: str
    provider: str
    threads: int
    batch: int
    seconds: float
    fewest_calls: int
    most_seconds: float
    images: str | None
    golden: str | None
    folder: str
    max_drop: float | None = None
    options: dict[str, Any] | None = None
    end_to_end: bool = False
    io: str = "copies"

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Job:
        """The inverse of `to_json`."""
        return Job(**json.loads(text))


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What one process found.

    Attributes:
        samples_us: of each timed call, float64 (n,); None where nodes ran elsewhere, and nothing was timed.
        load_ms: from the path to a model that can be called, the engine itself being loaded already; None as above.
        first_ms: the first call; None as above.
        rss_bytes: the most memory that the process held, interpreter and engine included; None where not told.
        nodes_on_provider: nodes that the provider runs; None where the engine has only one place.
        nodes_elsewhere: nodes that it does not run.
        agreement: with the golden reference, in [0, 1]; None where nothing was scored, or not all in time.
        accuracy: on the golden labels, in [0, 1]; None as above, or without labels.
        disagreement: why the file does not decide as the reference does (`measure/limits.py`); None where it does, or
            where nothing was scored.
        energy_uj: microjoules of a timed call, by the counters of `measure/energy.py`; None where they cannot be read.
        engine: what ran it, with its version; None where nothing was timed.
        refused: what the provider has against the file; None where it ran it, or where the nodes say it.
        timed_by: `C loop` or `Python call` (`runtime/timer.py`); None where nothing was timed.
        departure: of `bench/audit.py`, and `same_image_ratio` too; None without images, or where nothing was timed.
        same_image_ratio: as said.
    """

    samples_us: NDArray[np.float64] | None
    load_ms: float | None
    first_ms: float | None
    rss_bytes: int | None
    nodes_on_provider: int | None
    nodes_elsewhere: int | None
    agreement: float | None
    accuracy: float | None
    disagreement: str | None
    energy_uj: float | None = None
    engine: str | None = None
    refused: str | None = None
    timed_by: str | None = None
    departure: float | None = None
    same_image_ratio: float | None = None


def refused(placement: Placement | None, reason: str | None) -> Outcome:
    """The answer where a provider does not run the whole file: nothing is timed then.

    Args:
        placement: where its nodes would run; None where nobody tells.
        reason: what the provider has against it; None where the placement says it all.
    """
    here = None if placement is None else placement.on_provider
    elsewhere = None if placement is None else placement.elsewhere
    nothing = dict.fromkeys(("samples_us", "load_ms", "first_ms", "rss_bytes", "agreement", "accuracy", "disagreement"))
    return Outcome(**nothing, nodes_on_provider=here, nodes_elsewhere=elsewhere, refused=reason)


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Writes the answer of a worker: the samples first, the document that says they are complete last."""
    document = {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__ if name != "samples_us"}
    if outcome.samples_us is not None:
        np.save(folder / _SAMPLES, outcome.samples_us)
    if outcome.departure == math.inf:  # JSON has no such number
        document["departure"] = str(outcome.departure)
    write_json(folder / _OUTCOME, document)


def write_error(folder: Path, error: DigitedgeError) -> None:
    """Writes an error as the answer; `read_outcome` raises it."""
    write_json(folder / _OUTCOME, {"error": to_fields(error)})


def read_outcome(folder: Path) -> Outcome | None:
    """The answer in `folder`; None where the worker ended without one.

    Raises:
        DigitedgeError: the answer was one.
    """
    if not (folder / _OUTCOME).exists():
        return None
    document: dict[str, Any] = read_json(folder / _OUTCOME)
    if "error" in document:
        raise from_fields(document["error"])
    samples = np.load(folder / _SAMPLES) if (folder / _SAMPLES).exists() else None
    if isinstance(document["departure"], str):
        document["departure"] = float(document["departure"])
    return Outcome(samples_us=samples, **document)
