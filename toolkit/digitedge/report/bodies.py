"""From what was computed to the bodies of the documents, key for key."""

from __future__ import annotations

import importlib.metadata
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from digitedge.bench.crossover import crossover
from digitedge.bench.pareto import pareto
from digitedge.report.parity_rows import Judged, lost_row, parity_row
from digitedge.runtime.installation import ENGINES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from digitedge.artifact import Golden
    from digitedge.bench.measuring import BenchResult
    from digitedge.config import TrainConfig
    from digitedge.dataset import Dataset
    from digitedge.export.exporting import Exported
    from digitedge.training.run import Run

__all__ = [
    "LIBRARIES",
    "Judged",
    "bench_body",
    "export_body",
    "lost_row",
    "parity_row",
    "train_body",
    "verify_body",
    "versions",
]

LIBRARIES = ("numpy", "tensorflow", "tf-keras", "onnx", "tf2onnx", "onnxruntime", "ai-edge-litert", "tflite-micro")


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
    verified = verify_body(reference, golden, [parity_row(_judged(one), golden) for one in exported])
    return {
        "artifacts": [_artifact(one) for one in exported if one.reason is None],
        "verify": verified,
        "explain": layers,
        "passed": verified["passed"],
    }


def verify_body(
    reference: Path,
    golden: Golden,
    rows: Sequence[dict[str, Any]],
    *,
    limits: Mapping[str, float] | None = None,
    layers: list[dict[str, Any]] | None = None,
    shift: list[dict[str, Any]] | None = None,
    self_test: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The `verify` document.

    Args:
        reference: what the files were compared with.
        golden: the images, and what the reference gives for them.
        rows: of `parity_row` and `lost_row`.
        limits: those that were set for this run, by the name of their check.
        layers: of --layers; None where that was not asked for, and so are the others.
        shift: of --shift.
        self_test: of --self-test; the document passes only where that does.
    """
    passed = bool(rows) and all(row["passed"] for row in rows)
    return {
        "reference": str(reference),
        "test_set": golden.test_set,
        "labelled": golden.labels is not None,
        "limits": dict(limits or {}),
        "results": list(rows),
        "layers": layers,
        "shift": shift,
        "self_test": self_test,
        "passed": passed and (self_test is None or bool(self_test["passed"])),
    }


def bench_body(
    result: BenchResult,
    verdict: str,
    *,
    context: dict[str, Any] | None = None,
    compare: list[dict[str, Any]] | None = None,
    samples: dict[str, str] | None = None,
    rejected: Mapping[Path, str] | None = None,
    loop_overhead_us: float | None = None,
    seconds: float | None = None,
) -> dict[str, Any]:
    """The `bench` document. What --tune and --profile find is added when it is found.

    Args:
        result: what was measured.
        verdict: in words.
        context: of `measure.context.context`.
        compare: of `bench.comparing.compare`; None where that was not asked for.
        samples: `path` and `sha256` of the file with every sample; None where none was written.
        rejected: files that a verification rejected, with the reason: none of them is on the Pareto front.
        loop_overhead_us: of `measure.latency.loop_overhead_us`.
        seconds: of timed calls that were asked for, for each row.
    """
    front = pareto(result.rows, rejected)
    return {
        "results": [
            {**asdict(row), "path": str(row.path), "pareto": on_front}
            for row, on_front in zip(result.rows, front, strict=True)
        ],
        "verdict": verdict,
        "context": context,
        "compare": compare,
        "crossover": crossover(result.rows),
        "samples": samples,
        "loop_overhead_us": loop_overhead_us,
        "seconds": seconds,
        "tune": None,
        "profile": None,
    }


def versions() -> dict[str, str | None]:
    """The libraries that results depend on; None for one that is not installed.

    Another build of ONNX Runtime, such as onnxruntime-openvino, is named only where it is installed.
    """
    builds = {name: _version(name) for name in ENGINES}
    return {name: _version(name) for name in LIBRARIES} | {name: found for name, found in builds.items() if found}


def _judged(one: Exported) -> Judged:
    artifact = one.artifact
    return Judged(artifact.path, artifact.format, artifact.precision, one.parity, one.checks, engine=one.engine)


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
