"""Run folders and the files in them: which one is meant, which is new, and who may write there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitedge.artifact import MANIFEST, Artifact, check_unchanged, read_manifest
from digitedge.config import image_size
from digitedge.errors import ContentError, UsageError
from digitedge.files import make_folder, read_json, refuse_existing
from digitedge.runtime.loading import format_of
from digitedge.runtime.saved_model import is_saved_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS = Path("runs")
KERAS_MODEL = "model.keras"
TRAIN = "train.json"
VERIFY = "verify.json"
BENCH = "bench.json"
_LOCK = ".lock"


@dataclass(frozen=True)
class Listed:
    """A model file, and what the manifest beside it says of it; None where there is none."""

    path: Path
    artifact: Artifact | None

    @property
    def max_drop(self) -> float | None:
        """Percentage points of accuracy that it may lose, as its export was told; None for the usual bounds."""
        return None if self.artifact is None else self.artifact.settings.get("max_drop")


@dataclass(frozen=True)
class Trained:
    """What train.json says that later commands go by.

    Attributes:
        model: the architecture, a name or the path of a Python file.
        data: the data source, a name or an absolute path.
        data_sha256: of the images that were learnt from.
        validation: the part that was held out.
        validation_sha256: of the images that were held out.
        test: name and digest of the test set; None where there was none.
        size: (height, width) that every image was resized to; None where they were taken as they are.
    """

    model: str
    data: str
    data_sha256: str
    validation: float
    validation_sha256: str
    test: tuple[str, str] | None
    size: tuple[int, int] | None


def read_trained(run: Path) -> Trained:
    """Reads the train.json of a run folder.

    Raises:
        ContentError: it is missing, damaged, or lacks something.
    """
    record = read_json(run / TRAIN)
    try:
        data, test, size = record["data"], record["test"], record["config"]["size"]
        return Trained(
            model=record["model"],
            data=data["name"],
            data_sha256=data["sha256"],
            validation=record["config"]["validation"],
            validation_sha256=record["validation_sha256"],
            test=None if test is None else (test["name"], test["sha256"]),
            size=None if size is None else image_size(size),
        )
    except (KeyError, TypeError, UsageError) as error:
        raise ContentError(f"{run / TRAIN} cannot be understood: {error!r}.", "Train the model again.") from error


def recorded_size(folder: Path) -> tuple[int, int] | None:
    """(height, width) that the images of the run in a folder are resized to; None where no run says so.

    Raises:
        ContentError: its train.json is damaged.
    """
    return read_trained(folder).size if (folder / TRAIN).exists() else None


def newest_run(*, holding: Sequence[str] = (KERAS_MODEL, MANIFEST)) -> Path:
    """The run folder under `runs` that was trained or exported last.

    Args:
        holding: the files by which a run is known and dated; one of them is enough.

    Raises:
        ContentError: there is none.
    """
    files = [path for name in holding for path in RUNS.glob(f"*/{name}")]
    if not files:
        raise ContentError(f"there is no run in {RUNS.resolve()}.", "Type: digitedge train")
    return max(files, key=lambda path: path.stat().st_mtime_ns).parent.resolve()


def keras_model_of(source: Path) -> Path:
    """The Keras model of a run folder, or the Keras file or the SavedModel itself.

    Raises:
        ContentError: nothing is there.
    """
    if is_saved_model(source):
        return source.resolve()
    if source.is_dir() and not (source / KERAS_MODEL).is_file():
        message = f"{source} holds no {KERAS_MODEL}."
        raise ContentError(message, "Name a folder that digitedge train has made, or that of a SavedModel.")
    if not source.exists():
        raise ContentError(f"{source} does not exist.", "Name a run folder, a .keras file or a SavedModel.")
    return (source / KERAS_MODEL if source.is_dir() else source).resolve()


def is_run(path: Path) -> bool:
    """Whether a Keras model lies in the folder of the run that trained it."""
    return path.name == KERAS_MODEL and (path.parent / TRAIN).exists()


def model_files(sources: Sequence[Path] | None) -> tuple[Listed, ...]:
    """Every artefact of the folders, and the files themselves, as they were exported, each once.

    Raises:
        ContentError: missing, of another kind, changed since it was exported, or a folder without artefacts.
    """
    found = {listed.path: listed for source in (sources or [newest_run()]) for listed in _expand(source.resolve())}
    for listed in found.values():
        if listed.artifact is not None:
            check_unchanged(listed.artifact)
    return tuple(found.values())


def whole_run(files: Sequence[Listed]) -> Path | None:
    """The run folder that the files lie in, if every artefact of it is among them: then its record may be replaced."""
    folders = {listed.path.parent for listed in files}
    artifacts = {artifact.path for folder in folders for artifact in read_manifest(folder)}
    whole = len(folders) == 1 and artifacts and artifacts <= {listed.path for listed in files}
    return folders.pop() if whole else None


def new_run_folder(name: str, out: Path | None, *, overwrite: bool) -> Path:
    """The folder of a new run: `out`, else `runs/<name>`, with a number where that is taken, and made at once.

    Raises:
        OutputExistsError: `out` holds a model already.
        UsageError: it cannot be written.
    """
    if out is not None:
        refuse_existing(out / KERAS_MODEL, overwrite=overwrite)
        return out.resolve()
    make_folder(RUNS)
    for number in range(1, 10_000):
        folder = RUNS / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()  # two that start at once get two folders
        except FileExistsError:
            continue
        return folder.resolve()
    raise UsageError(f"{RUNS.resolve()} is full of runs named {name}.", "Name a folder with --out.")


@contextmanager
def exclusive(folder: Path, *, new: bool = False) -> Iterator[None]:
    """Makes the folder where it is missing, and keeps every other digitedge from writing into it.

    Args:
        folder: where this process will write.
        new: the folder was made for that a moment ago. If it was, or is made here, and gets nothing, it is removed.

    Raises:
        UsageError: it cannot be written, or another one is writing there.
    """
    from filelock import FileLock, Timeout

    new = new or not folder.exists()
    lock = FileLock(make_folder(folder) / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        message = f"another digitedge is writing into {folder}."
        raise UsageError(message, "Wait until it is done, or name another folder with --out.") from None
    try:
        yield
    finally:
        if new and [path.name for path in folder.iterdir()] == [_LOCK]:
            (folder / _LOCK).unlink()  # still held: nobody else can be at work in here
            folder.rmdir()
        lock.release()


def _expand(source: Path) -> list[Listed]:
    if source.is_dir():
        artifacts = [Listed(artifact.path, artifact) for artifact in read_manifest(source)]
        if not artifacts:
            raise ContentError(f"{source} holds no exported files.", f"Type: digitedge export {source}")
        return artifacts
    if not source.exists():
        raise ContentError(f"{source} does not exist.", "Name a run folder or a model file.")
    format_of(source)
    beside = {artifact.path.name: artifact for artifact in read_manifest(source.parent)}
    return [Listed(source, beside.get(source.name))]
