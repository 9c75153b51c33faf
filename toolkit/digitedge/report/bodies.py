"""From what was computed to the bodies of the documents, key for key."""

from __future__ import annotations

import importlib.metadata
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitedge.artifact import Golden
    from digitedge.bench.measuring import BenchResult
    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.export.exporting import Exported
    from digitedge.measure.parity import ParityReport
    from digitedge.training.run import Run

LIBRARIES = ("numpy", "tensorflow", "tf-keras", "onnx", "tf2onnx", "onnxruntime", "ai-edge-litert")


def train_body(run: Run, folder: Path, config: TrainConfig, test: Dataset | None) -> dict[str, Any]:
    """The `train` document, and train.json.

    Args:
        run: what training gave.
        folder: the run folder.
        config: what it was trained with.
        test: the images that the run is judged on from now on; None for the validation part.
    """
    history = run.fit.history
    return {
        "run": str(folder),
        "model": config.model,
        "parameters": run.parameters,
        "epochs": run.fit.epochs,
        "seconds": run.fit.seconds,
        "seconds_per_epoch": run.fit.seconds / run.fit.epochs,
        "accuracy": run.accuracy,
        "val_accuracy": history["val_accuracy"][run.fit.kept],
        "test_set": "validation" if test is None else test.name,
        "device": run.device,
        "history": history,
        "interrupted": run.fit.interrupted,
        "stopped": run.fit.stopped,
        "config": {**asdict(config), "augment": config.augment_name},
        "augmentation": asdict(config.augmentation),
        "classes": list(run.train.classes),
        "class_counts": np.bincount(run.train.require_labels(), minlength=len(run.train.classes)).tolist(),
        "split": {"train": len(run.train), "validation": len(run.validation), "test": len(test) if test else 0},
        "data": {"name": config.data, "sha256": run.train.sha256},
        "validation_sha256": run.validation.sha256,
        "test": None if test is None else {"name": test.name, "sha256": test.sha256},
        "layers": [asdict(cost) for cost in run.costs],
        "macs": run.macs,
        "source_digest": run.model.source_digest,
        "versions": versions(),
    }


def export_body(
    exported: Sequence[Exported], reference: Path, golden: Golden, layers: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The `export` document; `layers` are those of --explain."""
    rows = [parity_row(_judged(one), golden) for one in exported]
    verified = verify_body(reference, golden.test_set, rows)
    return {
        "artifacts": [_artifact(one) for one in exported if one.reason is None],
        "verify": verified,
        "explain": layers,
        "passed": verified["passed"],
    }


def verify_body(reference: Path, test_set: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The `verify` document."""
    return {
        "reference": str(reference),
        "test_set": test_set,
        "results": list(rows),
        "passed": bool(rows) and all(row["passed"] for row in rows),
    }


@dataclass(frozen=True)
class Judged:
    """A file, its figures, and the judgement of them: None as a reason means that it passed."""

    path: Path
    format: str
    precision: str
    parity: ParityReport
    reason: str | None


def parity_row(judged: Judged, golden: Golden) -> dict[str, Any]:
    """One entry of `results` of the `verify` document. A figure that is not a number is null, and `reason` says why."""
    parity = judged.parity
    return {
        "path": str(judged.path),
        "format": judged.format,
        "precision": judged.precision,
        "provider": "cpu",
        "n": parity.n,
        "agreement": parity.agreement,
        "flips": len(parity.flips),
        "accuracy": parity.accuracy,
        "accuracy_reference": parity.accuracy_reference,
        "max_abs": _finite(parity.max_abs),
        "mean_abs": _finite(parity.mean_abs),
        "mcnemar_p": parity.mcnemar_p,
        "passed": judged.reason is None,
        "reason": judged.reason,
        "flipped": golden.places_of(parity.flips),
        "flipped_to": list(parity.flipped_to),
        "flips_by_class": _by_class(parity, golden),
    }


def bench_body(result: BenchResult, verdict: str) -> dict[str, Any]:
    """The `bench` document."""
    return {"results": [{**asdict(row), "path": str(row.path)} for row in result.rows], "verdict": verdict}


def versions() -> dict[str, str | None]:
    """The libraries that results depend on; None for one that is not installed."""
    return {name: _version(name) for name in LIBRARIES}


def _judged(one: Exported) -> Judged:
    artifact = one.artifact
    return Judged(artifact.path, artifact.format, artifact.precision, one.parity, one.reason)


def _finite(figure: float | None) -> float | None:
    return figure if figure is not None and math.isfinite(figure) else None


def _by_class(parity: ParityReport, golden: Golden) -> dict[str, int]:
    """Flips for each class that the reference decided for."""
    decided = golden.scores[list(parity.flips)].argmax(axis=1) if parity.flips else np.empty(0, np.int64)
    counts = np.bincount(decided, minlength=len(golden.classes))
    return {name: int(number) for name, number in zip(golden.classes, counts, strict=True) if number}


def _artifact(exported: Exported) -> dict[str, Any]:
    artifact = exported.artifact
    return {
        "path": str(artifact.path),
        "format": artifact.format,
        "precision": artifact.precision,
        "sha256": artifact.sha256,
        "size_bytes": artifact.size_bytes,
        "stored_bytes": artifact.stored_bytes,
        "operators": artifact.operators,
        "min_runtime": artifact.min_runtime,
        "companions": artifact.companions,
        "facts": artifact.facts,
        "unchanged": exported.unchanged,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
