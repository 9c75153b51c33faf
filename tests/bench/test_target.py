"""The models that do nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from digitedge.bench.target import KERAS_PROCESSES, Target, batch_of, floor_of, floors_of, processes_of, threads_of
from digitedge.config import BenchConfig
from digitedge.errors import ContentError
from digitedge.runtime.loading import load

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "make_floor_models.py"


@pytest.mark.parametrize("name", ["onnx", "tflite", "c99"])
def test_the_floor_gives_back_what_it_is_given(name: str) -> None:
    floor = floor_of(name)
    assert floor is not None
    assert (floor.format, floor.is_floor) == (name, True)
    assert floor.path.stat().st_size < 2500
    images = np.random.default_rng(0).random((7, 1, 10, 1), np.float32)
    assert np.array_equal(load(floor.path)(images), images.reshape(7, 10))


def test_the_committed_script_makes_these_very_bytes() -> None:
    specification = importlib.util.spec_from_file_location("make_floor_models", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    floor = floor_of("onnx")
    assert floor is not None
    assert script.identity_onnx() == floor.path.read_bytes()
    assert script.relu_onnx() == floor.path.with_name("relu.onnx").read_bytes()
    source = floor.path.with_suffix(".c")
    assert script.identity_c99() == (source.read_bytes(), source.with_suffix(".h").read_bytes())


def test_keras_has_no_floor() -> None:
    assert floor_of("keras") is None
    assert floors_of("keras") == ()


def test_for_a_provider_that_leaves_the_first_there_is_a_second_with_one_operator() -> None:
    first, second = floors_of("onnx")
    assert first == floor_of("onnx")
    assert (second.path.name, second.is_floor) == ("relu.onnx", True)
    images = np.random.default_rng(0).random((7, 1, 10, 1), np.float32)
    assert np.array_equal(load(second.path)(images), images.reshape(7, 10))
    assert [len(floors_of(name)) for name in ("tflite", "c99")] == [1, 1], "they have one place to run"


def test_a_file_of_no_engine_is_refused() -> None:
    with pytest.raises(ContentError, match=r"model\.zip is not a model that digitedge reads\. It must end in one of"):
        _ = Target(Path("model.zip")).format


def test_a_c_file_has_one_thread_whatever_was_asked_for() -> None:
    config = BenchConfig(threads=2, batch=8)
    assert [threads_of(Target(Path(name)), config) for name in ("a.onnx", "a.tflite", "a.c")] == [2, 2, 1]
    assert threads_of(Target(Path("a.onnx"), threads=4), config) == 4
    assert (batch_of(Target(Path("a.c")), config), batch_of(Target(Path("a.c"), batch=64), config)) == (8, 64)


def test_keras_takes_fewer_processes_and_never_more_than_asked_for() -> None:
    assert KERAS_PROCESSES == 5
    for processes, expected in ((10, 5), (2, 2)):
        assert processes_of(Target(Path("model.keras")), BenchConfig(processes=processes)) == expected
        assert processes_of(Target(Path("a.onnx")), BenchConfig(processes=processes)) == processes
