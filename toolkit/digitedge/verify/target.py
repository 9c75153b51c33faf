"""What is verified: a file in one engine; and what came of running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitedge.spec import Spec


@dataclass(frozen=True, slots=True)
class Target:
    """One file in one engine: a row of the result.

    Attributes:
        path: an .onnx, .tflite, .c or .keras file.
        provider: an execution provider, for .onnx files; `cpu` for every other format.
        engine: one of `runtime.loading.engines_of(path)`; None for the first of them.
        most_images: that are run, evenly spread over the data set, where an engine is too slow for all; None for all.
    """

    path: Path
    provider: str = "cpu"
    engine: str | None = None
    most_images: int | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A file as an engine has loaded it.

    Attributes:
        target: which.
        format: `onnx`, `tflite`, `c99` or `keras`.
        precision: a key of `measure.limits.LIMITS`, as the file itself says.
        source_digest: of the original, as the file itself says; None where it does not say.
        spec: what it expects and gives.
        engine: that runs it, with its version, for people: `ONNX Runtime 1.31.1`, `gcc 12.2.0`.
    """

    target: Target
    format: str
    precision: str
    source_digest: str | None
    spec: Spec
    engine: str


@dataclass(frozen=True, eq=False, slots=True)
class Scored:
    """What a file gives for the images.

    Attributes:
        described: the file.
        scores: float32 (n, classes), as the file gives them (probabilities where it gives logits).
        places: int64 (n,), of the images among those that were given, ascending; None where it is all of them.
        batch_abs: largest difference of any score between images run one at a time and the same images in a batch;
            NaN where one is not finite; None where there is one image only.
        batch_flips: how many of those images get another label alone than in the batch.
    """

    described: Described
    scores: NDArray[np.float32]
    places: NDArray[np.int64] | None
    batch_abs: float | None
    batch_flips: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A file that brought its process down, or did not return.

    Attributes:
        target: which.
        reason: what happened, as a sentence without its full stop.
    """

    target: Target
    reason: str
