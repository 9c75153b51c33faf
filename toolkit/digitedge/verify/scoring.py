"""Every file in every engine, in a child process with a time limit: an engine may crash on a file, or never return."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.errors import ContentError, from_fields
from digitedge.images import blocks
from digitedge.spec import Spec
from digitedge.verify.child import COMMAND, Child, Gone
from digitedge.verify.target import Described, Lost, Scored, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitedge.images import Images

# Images that are run one at a time too, and compared with the same images in a batch.
ALONE = 32
# Images a batch. A session keeps what its largest batch took: with 256 the child holds 120 MB more, and is no faster.
BATCH = 64


def _unwatched(done: int, in_all: int) -> None:
    """Tells nobody."""


class Scoring:
    """A context manager; owns the one child, which is started when first needed, and killed at exit.

    A file that brings the child down, or keeps it too long, is Lost, and the next one finds a new child.
    """

    def __init__(self, *, time_limit: float = 120.0, command: tuple[str, ...] = COMMAND) -> None:
        """Starts nothing yet.

        Args:
            time_limit: seconds that loading a file may take, or running a batch, of which the first are single images.
            command: of the child.
        """
        self._time_limit, self._command = time_limit, command
        self._child: Child | None = None

    def __enter__(self) -> Scoring:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def describe(self, target: Target) -> Described | Lost:
        """Loads a file, which then is there for `score`.

        Raises:
            DigitedgeError: the file is damaged, or this engine cannot hold it, or is not installed.
            RuntimeError: a mistake of ours.
        """
        try:
            return self._described(target)
        except Gone as gone:
            return Lost(target, gone.reason)

    def score(self, target: Target, images: Images, watch: Callable[[int, int], None] = _unwatched) -> Scored | Lost:
        """Runs a file: the first 32 images one at a time, then all of them in batches.

        The images go over batch by batch, so that neither process holds more of them than one batch, and each batch
        that comes back is a sign of life.

        Args:
            target: which; evenly spread images are taken of `images` where it takes only some.
            images: uint8 (n, height, width, channels), in memory or not.
            watch: is told how many images are done, and how many there are in all.

        Raises:
            DigitedgeError: as `describe`; or the images do not fit, or the file cannot be run.
            RuntimeError: a mistake of ours.
        """
        places = _places(len(images), target.most_images)
        if places is not None:
            images = images[places] if isinstance(images, np.ndarray) else images.take(places)
        try:
            described = self._described(target)
            alone, seconds = self._alone(target, images)
            scores = np.empty((len(images), len(described.spec.classes)), np.float32)
            watch(0, len(images))
            done = 0
            for batch in blocks(images, _batch_size(seconds, self._time_limit)):
                scores[done : done + len(batch)] = self._run(target, batch)
                done += len(batch)
                watch(done, len(images))
        except Gone as gone:
            return Lost(target, gone.reason)
        batch_abs, batch_flips = _batch_check(alone, scores)
        return Scored(described, scores, places, batch_abs, batch_flips)

    def _described(self, target: Target) -> Described:
        answer = self._ask(target)
        return Described(target=target, **{**answer, "spec": Spec.from_json(answer["spec"])})

    def _alone(self, target: Target, images: Images) -> tuple[NDArray[np.float32], float]:
        """Scores (k, classes) of the first images one at a time, and how many seconds such a one takes."""
        rows, seconds = [], []
        for image in next(blocks(images, ALONE), ()):
            begin = time.monotonic()
            rows.append(self._run(target, image[None]))
            seconds.append(time.monotonic() - begin)
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32), median(seconds or [0.0])

    def _run(self, target: Target, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of a batch uint8 (n, height, width, channels)."""
        folder = self._running().folder
        images, answered = folder / "images.npy", folder / "scores.npy"
        np.save(images, batch)
        self._ask(target, images=str(images), scores=str(answered))
        scores: NDArray[np.float32] = np.load(answered)
        if len(scores) != len(batch):  # NumPy would repeat a single row
            message = f"{target.path} gives {len(scores)} rows of scores for {len(batch)} images."
            raise ContentError(message, "It cannot take a batch: export it again.")
        return scores

    def _ask(self, target: Target, **more: str) -> dict[str, Any]:
        """The answer of the child to one job."""
        job = {"path": str(target.path), "provider": target.provider, "engine": target.engine, **more}
        try:
            answer = self._running().ask(job, self._time_limit)
        except BaseException:
            self._child = None  # it has ended
            raise
        if "error" in answer:
            raise from_fields(answer["error"])
        if "lost" in answer:
            raise Gone(answer["lost"])
        if "mistake" in answer:
            raise RuntimeError(f"the worker failed at {target.path}: {answer['mistake'].strip()[-2000:]}")
        return answer

    def _running(self) -> Child:
        if self._child is None:
            self._child = Child(self._command)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()


def _places(images: int, most: int | None) -> NDArray[np.int64] | None:
    """Which of so many images, evenly spread; None for all."""
    return None if most is None or most >= images else np.arange(most, dtype=np.int64) * images // most


def _batch_size(seconds: float, time_limit: float) -> int:
    """Images a batch: 64, or of an engine so slow that this comes near the time limit, a half, a quarter and so on."""
    size = BATCH
    while size > 1 and size * seconds > time_limit / 4:
        size //= 2
    return size


def _batch_check(alone: NDArray[np.float32], scores: NDArray[np.float32]) -> tuple[float | None, int]:
    """The largest difference between images alone and in a batch, NaN where one is not finite; and labels that differ.

    None where there is no batch: of a single image, or of images so large that each is a batch.
    """
    if len(alone) < 2:  # noqa: PLR2004 (a batch)
        return None, 0
    batch = scores[: len(alone)]
    flips = int((alone.argmax(axis=1) != batch.argmax(axis=1)).sum())
    if not (np.isfinite(alone).all() and np.isfinite(batch).all()):
        return float("nan"), flips
    return float(np.abs(alone - batch).max()), flips
