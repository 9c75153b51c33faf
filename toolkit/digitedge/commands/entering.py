"""What a benchmark is about: found, loaded and checked before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitedge.artifact import GOLDEN, read_golden
from digitedge.bench.earlier import read_earlier
from digitedge.bench.pairing import plan
from digitedge.bench.probing import startable
from digitedge.bench.rejection import rejections
from digitedge.bench.target import Target
from digitedge.commands.conditions import is_usual, multiplied
from digitedge.commands.folders import model_files, whole_run
from digitedge.commands.judging import seeded_images
from digitedge.commands.keeping import require_recordable
from digitedge.commands.tuning import require_tunable
from digitedge.errors import UsageError
from digitedge.runtime.loading import load
from digitedge.runtime.onnx_binding import COPIES, variants
from digitedge.runtime.provider import find, require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitedge.artifact import Golden
    from digitedge.bench.pairing import Plan
    from digitedge.commands.folders import Listed
    from digitedge.config import BenchConfig
    from digitedge.runtime.model import Model


@dataclass(frozen=True, eq=False)
class Entry:
    """What is measured, on what, and where it is recorded.

    Attributes:
        targets: each file on each provider, under each condition.
        images: uint8 (n, height, width, channels).
        golden: the reference that they are compared with; None where there is none.
        rejected: files that a verification rejected, with the reason.
        planned: what is measured again for --compare; None without.
        run: the run folder whose record this is; None where it is none's.
        left_out: why a provider that ONNX Runtime offers is not measured, one sentence each.
    """

    targets: tuple[Target, ...]
    images: NDArray[np.uint8]
    golden: Golden | None
    rejected: Mapping[Path, str]
    planned: Plan | None
    run: Path | None
    left_out: tuple[str, ...]

    @property
    def again(self) -> tuple[Target, ...]:
        """The old files that are measured beside the targets."""
        return () if self.planned is None else tuple(self.planned.again)

    @property
    def entrants(self) -> tuple[Target, ...]:
        """All that is measured."""
        return (*self.targets, *self.again)


def enter(
    config: BenchConfig, sources: Sequence[Path] | None, *, onnx_only: bool, compare: Path | None = None
) -> Entry:
    """Finds and loads everything that is named.

    Args:
        config: how it will be measured. Without providers, on each that is really here.
        sources: run folders and model files; None for the newest run.
        onnx_only: leave out what no provider runs.
        compare: an older bench.json to compare with; None for none.

    Raises:
        DigitedgeError: something is missing, damaged or of another kind, or the record cannot be written.
    """
    earlier = None if compare is None else read_earlier(compare)
    for name in config.providers:
        require(name)
    found = model_files(sources)
    files = _for_providers(found) if onnx_only else found
    # Without the CPU it is no record of the run, but something to add to one: see --merge.
    run = whole_run(found) if "cpu" in (config.providers or ("cpu",)) and is_usual(config) else None
    if run is not None:
        require_recordable(run)
    models = [load(listed.path) for listed in files]
    providers, left_out = (config.providers, ()) if config.providers else _here(files)
    targets = _targets(files, models, providers, config)
    require_tunable(config, targets)
    golden = _golden(files, models)
    images = golden.images[:] if golden else seeded_images(models[0].spec.input_shape)
    planned = None if earlier is None else plan(earlier, targets, config, images.shape[1:])
    return Entry(tuple(targets), images, golden, rejections(listed.path for listed in files), planned, run, left_out)


def _here(files: Sequence[Listed]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """As `probing.startable`; of files that only one place can run, that one, and nothing is started."""
    return startable() if any(listed.path.suffix == ".onnx" for listed in files) else (("cpu",), ())


def _for_providers(files: Sequence[Listed]) -> list[Listed]:
    """Those that a provider can run: the engine of another need not be installed.

    Raises:
        UsageError: there is none.
    """
    found = [listed for listed in files if listed.path.suffix == ".onnx"]
    if not found:
        raise UsageError("providers are for .onnx files, and there is none among these.", "Leave --provider out.")
    return found


def _targets(
    files: Sequence[Listed], models: Sequence[Model], providers: Sequence[str], config: BenchConfig
) -> list[Target]:
    """Each .onnx file on each provider in each of its ways, and every other file, under every condition."""
    # From pixels to labels there is but one way: pixels come from main memory.
    ways = [(name, io) for name in providers for io in ((COPIES,) if config.end_to_end else variants(find(name)))]
    targets = [
        Target(listed.path, provider, model.precision, listed.max_drop, io=io)
        for listed, model in zip(files, models, strict=True)
        for provider, io in (ways if listed.path.suffix == ".onnx" else [("cpu", COPIES)])
    ]
    return multiplied(targets, config)


def _golden(files: Sequence[Listed], models: Sequence[Model]) -> Golden | None:
    """The images and scores recorded beside the files, where all were made from that one original."""
    path = files[0].path.parent / GOLDEN
    if not path.exists():
        return None
    golden = read_golden(path)
    return golden if {model.source_digest for model in models} == {golden.source_digest} else None
