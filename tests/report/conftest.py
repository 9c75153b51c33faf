"""One run of a made-up network with three classes whose names are as nasty as names can be."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from digitedge.artifact import Artifact, Golden, merge_manifest, write_golden
from digitedge.config import TrainConfig
from digitedge.files import write_json
from digitedge.report.documents import envelope
from digitedge.spec import image_spec

CLASSES = ("<b>zero</b>", "$one$", "二")
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
# The reference takes image 3 for class 1 with 0.8, and image 5 for class 0 with 0.9.
DECIDED = np.array([0, 1, 2, 1, 1, 0, 0, 1, 2, 0, 1, 2])
SIZES = {"onnx": 818_000, "tflite": 214_000}


@pytest.fixture
def golden():
    scores = np.full((12, 3), 0.01, np.float32)
    scores[np.arange(12), DECIDED] = 0.98
    scores[3, 1], scores[5, 0] = 0.8, 0.9
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1)).astype(np.uint8)
    return Golden(images, LABELS, scores, CLASSES, "ab" * 32, "digits test")


@pytest.fixture
def train_document(tmp_path):
    history = {
        "loss": [0.5, 0.2],
        "accuracy": [0.8, 0.9],
        "val_loss": [0.4, 0.3],
        "val_accuracy": [0.85, 0.9123],
        "learning_rate": [3e-3, 1e-4],
        "seconds": [1.5, 1.5],
    }
    return envelope(
        "train",
        {
            "run": str(tmp_path),
            "model": "classic",
            "parameters": 203_933,
            "epochs": 2,
            "seconds": 3.0,
            "seconds_per_epoch": 1.5,
            "accuracy": 10 / 12,
            "val_accuracy": 0.9123,
            "test_set": "digits test",
            "device": "CPU",
            "history": history,
            "config": asdict(TrainConfig(epochs=2)),
            "classes": list(CLASSES),
            "split": {"train": 55_200, "validation": 4_800, "test": 12},
            "class_counts": [20_000, 20_000, 15_200],
            "data": {"name": "digits", "sha256": "cd" * 32},
            "test": {"name": "digits test", "sha256": "ef" * 32},
            "versions": {"tensorflow": "2.21.0", "onnxruntime": None},
            "source_digest": "ab" * 32,
            "interrupted": False,
            "stopped": None,
            "macs": 1_035_900,
            "layers": [
                {
                    "name": "conv1",
                    "kind": "Conv2D",
                    "output_shape": [24, 24, 30],
                    "parameters": 780,
                    "macs": 432_000,
                    "parameter_bytes": 3_120,
                    "output_bytes": 69_120,
                }
            ],
        },
    )


def flip(place, reference, candidate, label, *, margin=0.5):
    return {
        "place": place,
        "label": label,
        "label_reference": reference,
        "label_candidate": candidate,
        "class": None if label is None else CLASSES[label],
        "class_reference": CLASSES[reference],
        "class_candidate": None if candidate is None else CLASSES[candidate],
        "confidence_reference": 0.8,
        "confidence_candidate": None if candidate is None else 0.6,
        "margin_reference": margin,
        "margin_candidate": None if candidate is None else 0.25,
    }


def check(name, figure, limit, reason, *, passed=True):
    return {"name": name, "figure": figure, "limit": limit, "passed": passed, "reason": reason}


def parity(path, flips=(), *, engine=None):
    reason = f"{len(flips)} of 12 images get another label; none may" if flips else None
    return {
        "path": str(path),
        "format": path.suffix[1:],
        "precision": "fp32",
        "provider": "cpu",
        "engine": engine or {".onnx": "ONNX Runtime 1.31.1", ".tflite": "LiteRT 2.3.0"}[path.suffix],
        "n": 12,
        "agreement": 1 - len(flips) / 12,
        "agreement_low": 0.7575,
        "agreement_high": 1.0,
        "flips": len(flips),
        "accuracy": 10 / 12,
        "accuracy_reference": 10 / 12,
        "max_abs": 2.4e-7,
        "mean_abs": 1e-8,
        "sqnr_db": 138.6,
        "calibration_error": 0.0322,
        "calibration_error_reference": 0.0333,
        "confidence_drift": -0.0051,
        "batch_abs": 1.5e-7,
        "mcnemar_p": 0.625,
        "passed": not flips,
        "reason": reason,
        "checks": [
            check("finite", 0, 0, "every score is a finite number"),
            check("labels", len(flips), 0, reason or "no label of 12 changes", passed=not flips),
            check("scores", 2.4e-7, 1e-4, "a score differs by 2.4e-07; 1e-04 is allowed"),
        ],
        "flipped": [one["place"] for one in flips],
        "flipped_to": [one["label_candidate"] for one in flips],
        "flip_details": list(flips),
        "flips_by_class": {"$one$": 1} if flips else {},
        "per_class": [
            {
                "label": label,
                "name": name,
                "n": 4,
                "flips": label if flips else 0,
                "accuracy": 0.75,
                "accuracy_reference": 0.5,
                "mcnemar_p": 0.3125,
            }
            for label, name in enumerate(CLASSES)
        ],
        "cpus": [],
        "picture": None,
        "note": None,
    }


@pytest.fixture
def make_parity():
    return parity


@pytest.fixture
def make_flip():
    return flip


@pytest.fixture
def make_check():
    return check


@pytest.fixture
def verify_document(tmp_path):
    paths = [tmp_path / f"classic.fp32.{suffix}" for suffix in SIZES]
    results = [parity(path) for path in paths]
    asked_for = dict.fromkeys(("layers", "shift", "self_test"))
    told = {"reference": str(tmp_path / "model.keras"), "test_set": "digits test", "labelled": True, "limits": {}}
    return envelope("verify", {**told, "results": results, **asked_for, "passed": True})


# Of the last one the image is not recorded.
FLIPS = (flip(5, 0, 2, 2), flip(3, 1, None, 0, margin=0.7), flip(400, 1, 0, 1))


@pytest.fixture
def failed_document(verify_document, tmp_path):
    results = [verify_document["results"][0], parity(tmp_path / "classic.fp32.tflite", FLIPS)]
    return {**verify_document, "results": results, "passed": False}


@pytest.fixture
def export_document(verify_document):
    artifacts = [
        {
            "path": result["path"],
            "format": result["format"],
            "precision": "fp32",
            "sha256": "0" * 64,
            "size_bytes": SIZES[result["format"]],
            "stored_bytes": SIZES[result["format"]],
            "operators": {"Conv": 2, "Gemm": 3},
            "min_runtime": "any",
            "companions": {},
            "facts": {},
            "unchanged": result["format"] == "tflite",
        }
        for result in verify_document["results"]
    ]
    return envelope("export", {"artifacts": artifacts, "verify": verify_document, "passed": True})


def latency(path, p50_us):
    return {
        "path": str(path),
        "format": path.suffix[1:],
        "precision": "fp32",
        "provider": "cpu",
        "threads": 1,
        "batch": 1,
        "n": 20_000,
        "min_us": p50_us * 0.9,
        "p50_us": p50_us,
        "p50_low_us": p50_us * 0.99,
        "p50_high_us": p50_us * 1.01,
        "p90_us": p50_us * 1.1,
        "p99_us": None,
        "p999_us": None,
        "mean_us": p50_us,
        "std_us": 1.0,
        "floor_p50_us": 3.2,
        "images_per_s": 1e6 / p50_us,
        "load_ms": 8.0,
        "first_ms": 1.2,
        "rss_bytes": 31_000_000,
        "size_bytes": SIZES[path.suffix[1:]],
        "flash_bytes": None,
        "accuracy": 10 / 12,
        "agreement": 1.0,
        "nodes_on_provider": 5,
        "nodes_elsewhere": 0,
        "stable": True,
        "valid": True,
        "reason": None,
    }


@pytest.fixture
def bench_document(tmp_path):
    rows = [latency(tmp_path / "classic.fp32.onnx", 60.0), latency(tmp_path / "classic.fp32.tflite", 49.0)]
    return envelope("bench", {"results": rows, "verdict": "Ship classic.fp32.tflite."})


@pytest.fixture
def run_folder(tmp_path, golden, train_document, failed_document, bench_document):
    for name, document in (("train", train_document), ("verify", failed_document), ("bench", bench_document)):
        write_json(tmp_path / f"{name}.json", document)
    write_golden(tmp_path / "golden.npz", golden)
    spec = image_spec((8, 8, 1), CLASSES, "NHWC")
    files = [
        Artifact(tmp_path / f"classic.fp32.{form}", form, "fp32", digit * 64, size, spec, "ab" * 32)
        for digit, (form, size) in zip("12", SIZES.items(), strict=True)
    ]
    merge_manifest(tmp_path, files)
    return tmp_path


@pytest.fixture
def rewrite():
    def change(path, **changes):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change
