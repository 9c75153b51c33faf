"""Files that behave, and files that do not: small enough to be written by hand, without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitedge.files import sha256
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.spec import image_spec
from digitedge.verify.scoring import Scoring
from digitedge.verify.target import Scored, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHAPE, CLASSES = (4, 4, 1), ("a", "b", "c")


@pytest.fixture
def images() -> np.ndarray:
    """uint8 (600, 4, 4, 1): two whole batches and a part of one."""
    return np.random.default_rng(3).integers(0, 256, (600, *SHAPE), dtype=np.uint8)


@pytest.fixture
def onnx_file(tmp_path: Path) -> Callable[..., Path]:
    """onnx_file() -> a file that decides; `after` are nodes from `logits` to `scores`, the softmax if left out."""

    def write(name: str = "good.fp32.onnx", after: list[Any] | None = None, **weights: np.ndarray) -> Path:
        nodes = [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("MatMul", ["flat", "first"], ["logits"]),
            *(after or [helper.make_node("Softmax", ["logits"], ["scores"])]),
            helper.make_node("Identity", ["scores"], ["probabilities"]),
        ]
        first = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
        weights = {"first": first - first.mean(axis=0), **weights}
        takes = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 4, 4])
        gives = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["M", 3])
        tensors = [numpy_helper.from_array(array, key) for key, array in weights.items()]
        graph = helper.make_graph(nodes, "net", [takes], [gives], tensors)
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        embedded = Embedded(image_spec(SHAPE, CLASSES, "NCHW"), "digest", "fp32", "0")
        helper.set_model_props(model, {KEY: to_json(embedded)})
        onnx.checker.check_model(model)
        (tmp_path / name).write_bytes(model.SerializeToString())
        return tmp_path / name

    return write


@pytest.fixture
def c_file(tmp_path: Path) -> Callable[..., Path]:
    """c_file("abort();") -> a file whose function does that, and gives 0.5, 0.25, 0.25; `before` stands outside."""

    def write(body: str = "", before: str = "", name: str = "net.fp32.c") -> Path:
        header = _HEADER.encode()
        description = to_json(Embedded(image_spec(SHAPE, CLASSES, "NHWC"), "digest", "fp32", "0"))
        path = tmp_path / name
        path.with_suffix(".h").write_bytes(header)
        path.write_text(_SOURCE % (description, sha256(header), before, body), encoding="utf-8")
        return path

    return write


_HEADER = """#include <stddef.h>
#define NET_INPUT_SIZE 16
#define NET_OUTPUT_SIZE 3
#define NET_ARENA_BYTES 64
int net_predict(const float *image, float *scores, void *arena, size_t arena_bytes);
"""
_SOURCE = """/*
 * digitedge: %s
 * header: %s
 */
#define _DEFAULT_SOURCE
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
%s
int net_predict(const float *image, float *scores, void *arena, size_t arena_bytes)
{
    %s
    scores[0] = 0.5f; scores[1] = 0.25f; scores[2] = 0.25f;
    return 0;
}
"""


@pytest.fixture
def scoring() -> Iterator[Scoring]:
    """A Scoring of its own, ended with the test."""
    with Scoring() as scoring:
        yield scoring


@pytest.fixture
def scored(scoring: Scoring) -> Callable[..., Scored]:
    """scored(path, images, ...) -> Scored: a file that must run, with the further fields of its Target."""

    def run(path: Path, images: Any, **options: Any) -> Scored:
        found = scoring.score(Target(path, **options), images)
        assert isinstance(found, Scored)
        return found

    return run
