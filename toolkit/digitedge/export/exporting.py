"""Every artefact that was asked for: made, proved, and only then given its name."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitedge import __version__
from digitedge.artifact import (
    GOLDEN,
    Artifact,
    Golden,
    check_unchanged,
    merge_manifest,
    read_manifest,
    write_golden,
)
from digitedge.errors import ContentError, OutputExistsError
from digitedge.files import move, sha256, write_bytes
from digitedge.measure.limits import Check, Evidence, judge, limits_of, reason
from digitedge.measure.parity import ParityReport, compare
from digitedge.measure.scores import sum_abs
from digitedge.registry import choose, entries
from digitedge.runtime.capabilities import input_of
from digitedge.runtime.loading import load, require_engine, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from digitedge.config import ExportConfig
    from digitedge.export.converted import Converted
    from digitedge.export.quantize.calibration import Calibration
    from digitedge.export.source import Source

REJECTED = "rejected"


@dataclass(frozen=True)
class Exported:
    """One artefact and its proof.

    Attributes:
        artifact: the file. Where it was rejected, its path lies in the folder `rejected`.
        unchanged: it was there already, made of the same source with the same settings.
        parity: how it compares to the original.
        checks: that it was put to.
        engine: that ran it, with its version.
    """

    artifact: Artifact
    unchanged: bool
    parity: ParityReport
    checks: tuple[Check, ...]
    engine: str

    @property
    def reason(self) -> str | None:
        """Why it was rejected; None where it passed."""
        return reason(self.checks)


def export(
    source: Source,
    config: ExportConfig,
    folder: Path,
    golden: Golden,
    calibration: Calibration | None,
    *,
    overwrite: bool = False,
    watch: Callable[[int, int, str], None] = lambda done, total, name: None,  # noqa: ARG005
) -> tuple[Exported, ...]:
    """Writes the artefacts, manifest.json and golden.npz into `folder`.

    An artefact that decides otherwise than `golden` never gets its final name.

    Args:
        source: what is exported.
        config: which formats and precisions.
        folder: where to.
        golden: what the original gives for the images that the artefacts are judged on.
        calibration: training images, for int8.
        overwrite: whether artefacts of another source or other settings may be replaced.
        watch: told how many artefacts of how many are done, and which comes next.

    Raises:
        OutputExistsError: an artefact is there that was made otherwise; nothing has been written.
        UnknownNameError: a format that does not exist.
        NotPresentError: an engine that an artefact must be proved with is not installed.
    """
    plans = list(_plans(source, config, folder, calibration))
    for plan in plans:
        require_engine(plan.format)
        if plan.path.exists() and not overwrite and _kept(plan) is None:
            raise OutputExistsError(plan.path)
    write_golden(folder / GOLDEN, golden)
    done = []
    for number, plan in enumerate(plans):
        watch(number, len(plans), plan.path.name)
        done.append(_prove(plan, golden))
    watch(len(plans), len(plans), plans[-1].path.name)
    return tuple(done)


@dataclass(frozen=True)
class _Plan:
    """One file that was asked for, and everything that its bytes depend on."""

    path: Path
    format: str
    precision: str
    module: ModuleType
    settings: dict[str, Any]
    source: Source
    config: ExportConfig
    calibration: Calibration | None


def _plans(source: Source, config: ExportConfig, folder: Path, calibration: Calibration | None) -> Iterator[_Plan]:
    modules = entries("digitedge.export", "convert")
    for name in config.formats:
        module = choose("format", name, modules)
        for precision in config.precisions:
            settings: dict[str, Any] = {
                "digitedge": __version__,
                "input": input_of(precision, config),
                "output": config.output,
            }
            spec = source.spec
            settings |= {"range": list(spec.range), "mean": list(spec.mean), "std": list(spec.std)}
            settings["classes"] = list(spec.classes)
            if name != "tflite":
                settings["opset"] = config.opset
            if precision == "int8" and calibration is not None:
                settings["calibration_images"] = len(calibration.images)
                settings["calibration_sha256"] = calibration.sha256
                settings["max_drop"] = config.max_drop
            path = folder / f"{source.name}.{precision}{module.SUFFIX}"
            yield _Plan(path, name, precision, module, settings, source, config, calibration)


def _prove(plan: _Plan, golden: Golden) -> Exported:
    """Makes the file where it is not there yet, compares it with the original, and gives it its name if it passes."""
    kept = _kept(plan)
    artifact = kept or _stage(plan)
    model = load(artifact.path)
    decisions_only = model.spec.output_kind == "label"
    scores = score(model, golden.images)
    parity = compare(golden.scores, scores, golden.labels, decisions_only=decisions_only)
    evidence = Evidence(parity, sum_abs(scores) if model.spec.output_kind == "probabilities" else None)
    checks = judge(evidence, limits_of(plan.precision, plan.settings.get("max_drop")))
    if reason(checks) is None and kept is None:
        staged, artifact = artifact.path, replace(artifact, path=plan.path)
        # In this order: after a kill in between, the next export finds no file and makes it again.
        merge_manifest(plan.path.parent, [artifact])
        for name in (*artifact.companions, plan.path.name):
            move(staged.parent / name, plan.path.parent / name)
    return Exported(artifact, kept is not None, parity, checks, model.engine)


def _kept(plan: _Plan) -> Artifact | None:
    """The artefact that is there already, if it is whole and was made of the same source with the same settings."""
    if not plan.path.exists():
        return None
    for artifact in read_manifest(plan.path.parent):
        made_of = (artifact.path, artifact.source_digest, artifact.settings)
        if made_of == (plan.path, plan.source.digest, plan.settings) and _whole(artifact):
            return artifact
    return None


def _whole(artifact: Artifact) -> bool:
    try:
        check_unchanged(artifact)
    except ContentError:
        return False
    return True


def _stage(plan: _Plan) -> Artifact:
    """The file and its companions under `rejected`, where they stay until they have been proved."""
    made: Converted = plan.module.convert(plan.source, plan.precision, plan.config, plan.calibration)
    path = plan.path.parent / REJECTED / plan.path.name
    companions = {path.with_suffix(suffix).name: data for suffix, data in made.companions.items()}
    for name, data in companions.items():
        write_bytes(path.parent / name, data)
    return Artifact(
        path=write_bytes(path, made.data),
        format=plan.format,
        precision=plan.precision,
        sha256=sha256(made.data),
        size_bytes=len(made.data),
        spec=made.spec,
        source_digest=plan.source.digest,
        settings=plan.settings,
        operators=made.operators,
        min_runtime=made.min_runtime,
        made_with={name: importlib.metadata.version(name) for name in plan.module.LIBRARIES},
        companions={name: sha256(data) for name, data in companions.items()},
        facts=made.facts,
    )
