"""Tiny .onnx files: small enough to be timed in a moment, wide enough to be slowed down on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitedge.artifact import Golden
from digitedge.bench.job import Job
from digitedge.bench.target import Target
from digitedge.runtime.loading import load, score
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.spec import image_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPE, CLASSES = (4, 4, 1), ("a", "b", "c")
SPEC = image_spec(SHAPE, CLASSES, "NCHW")


def write_onnx(path: Path, nodes: list[Any], weights: dict[str, np.ndarray]) -> Path:
    """A described model from `image` (N, 1, 4, 4) to `probabilities` (N, 3)."""
    takes = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 4, 4])
    gives = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3])
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [takes], [gives], initializers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {KEY: to_json(Embedded(SPEC, "digest", "fp32", "0"))})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def tiny_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Writes a classifier; `width` of its middle layer makes it slow, `seed` makes it another."""

    def write(name: str = "tiny.fp32.onnx", *, width: int = 8, seed: int = 0) -> Path:
        random = np.random.default_rng(seed)
        shapes = {"first": (16, width), "middle": (width, width), "last": (width, 3)}
        weights = {key: (random.normal(size=s) * 3 / s[0] ** 0.5).astype(np.float32) for key, s in shapes.items()}
        weights["first"] -= weights["first"].mean(axis=0)  # else every image, being mostly grey, gets the same label
        nodes = [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("MatMul", ["flat", "first"], ["one"]),
            helper.make_node("MatMul", ["one", "middle"], ["two"]),
            helper.make_node("MatMul", ["two", "last"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"]),
        ]
        return write_onnx(tmp_path / name, nodes, weights)

    return write


@pytest.fixture
def endless_onnx(tmp_path: Path) -> Path:
    """A model that passes the checker, loads, and never returns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["state"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("Loop", ["turns", "yes", "flat"], ["looped"], body=body),
        helper.make_node("MatMul", ["looped", "weights"], ["probabilities"]),
    ]
    weights = {
        "turns": np.array(2**62, np.int64),
        "yes": np.array(True),
        "weights": np.ones((16, 3), np.float32),
    }
    return write_onnx(tmp_path / "endless.fp32.onnx", nodes, weights)


@pytest.fixture
def images() -> np.ndarray:
    """uint8 (100, 4, 4, 1)."""
    return np.random.default_rng(3).integers(0, 256, (100, *SHAPE), dtype=np.uint8)


@pytest.fixture
def golden_of(images: np.ndarray) -> Callable[[Path], Golden]:
    """What a file itself gives for the images, as the reference, with labels that are all right."""

    def record(path: Path) -> Golden:
        scores = score(load(path), images)
        labels = scores.argmax(axis=1).astype(np.int64)
        assert len(set(labels)) == len(CLASSES), "a reference that always gives the same label proves nothing"
        return Golden(images, labels, scores, CLASSES, "digest", "tiny")

    return record


@pytest.fixture
def old(tiny_onnx: Callable[..., Path], tmp_path: Path) -> Path:
    """An old file, in a folder of its own."""
    (tmp_path / "old").mkdir()
    return tiny_onnx("tiny.fp32.onnx", seed=1).rename(tmp_path / "old" / "tiny.fp32.onnx")


@pytest.fixture
def new(tiny_onnx: Callable[..., Path], old: Path) -> Target:
    """Its successor, of the same name."""
    return Target(tiny_onnx("tiny.fp32.onnx", seed=2), precision="fp32")


@pytest.fixture
def job(tmp_path: Path, tiny_onnx: Callable[..., Path], images: np.ndarray) -> Job:
    """One that times a tiny classifier on 64 images for 20 ms."""
    np.save(tmp_path / "images.npy", images[:64])
    (tmp_path / "answer").mkdir()
    return Job(
        path=str(tiny_onnx()),
        provider="cpu",
        threads=1,
        batch=1,
        seconds=0.02,
        fewest_calls=100,
        most_seconds=10.0,
        images=str(tmp_path / "images.npy"),
        golden=None,
        folder=str(tmp_path / "answer"),
    )
