"""The timing loop in C."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from digitedge.bench.target import floor_of
from digitedge.data.preprocess import to_input, to_unit
from digitedge.errors import ContentError
from digitedge.measure.latency import time_calls
from digitedge.runtime import c99_timer
from digitedge.runtime.c99_timer import Buffers, CTimer, loop_source
from digitedge.runtime.loading import load
from digitedge.runtime.timer import timer_of
from digitedge.spec import image_spec

NAMES = {"lower": "tiny", "upper": "TINY", "takes": "float", "gives": "float"}
SPEC = image_spec((2, 3, 3), ("a", "b"), "NHWC")


@pytest.fixture(scope="module")
def model(every_file):
    return load(every_file / "tiny.fp32.c")


@pytest.fixture
def batches(tiny_golden):
    """Sixteen batches of one image."""
    return np.split(tiny_golden.images[:16], 16)


def test_it_agrees_with_the_loop_in_python_less_the_call_through_ctypes(model, batches):
    """Interleaved, and low percentiles: a busy machine lengthens single calls, and hardly ever all of a block."""
    calls, timer = [model.prepare(to_unit(batch)) for batch in batches], timer_of(model, batches, end_to_end=False)
    apart = [
        np.percentile(time_calls(calls, seconds=0.05), 5) - np.percentile(timer.time(range(16), seconds=0.05), 5)
        for _ in range(5)
    ]
    assert 0.1 < np.median(apart) < 3


def test_the_floor_is_far_below_a_call_from_python():
    floor = load(floor_of("c99").path)
    timer = timer_of(floor, [np.zeros((1, 1, 10, 1), np.uint8)], end_to_end=False)
    assert np.percentile(timer.time([0], seconds=0.01), 5) < 0.5


def test_samples_end_with_time_with_calls_or_with_patience(model, batches, monkeypatch):
    timer = timer_of(model, batches, end_to_end=False)
    assert len(timer.time(range(16), seconds=0.0, warm_up_seconds=0.0)) == 1
    assert len(timer.time(range(16), seconds=0.0, fewest=10_000, most_seconds=60.0)) == 10_000
    assert len(timer.time(range(16), seconds=0.02, fewest=10**9, most_seconds=0.02)) < 10**6
    samples = timer.time(range(16), seconds=0.05)
    assert 0.02 < samples.sum() / 1e6 < 0.06
    monkeypatch.setattr(c99_timer, "MOST_CALLS", 5_000)
    assert len(timer.time(range(16), seconds=60.0)) < 5_000 + c99_timer._VISIT


def test_every_batch_has_its_turn(model, batches, monkeypatch):
    kept = []
    monkeypatch.setattr(c99_timer.CTimer, "__init__", keep(kept))
    timer, expected = timer_of(model, batches, end_to_end=False), model(to_unit(np.concatenate(batches)))
    scores = kept[0].scores
    scores[:] = 0
    timer.time([3, 5], seconds=0.0, fewest=2, most_seconds=5.0, warm_up_seconds=0.0)
    assert np.flatnonzero(scores.any(axis=1)).tolist() == [3, 5]
    timer.time(range(16), seconds=0.0, fewest=16, most_seconds=5.0, warm_up_seconds=0.0)
    np.testing.assert_array_equal(scores, expected)


def keep(kept):
    plain = CTimer.__init__

    def init(self, path, library, buffers, *rest):
        kept.append(buffers)
        plain(self, path, library, buffers, *rest)

    return init


def test_a_model_that_returns_an_error_is_named(model, batches):
    buffers = Buffers(
        to_input(to_unit(batches[0]), model.spec),
        None,
        np.empty((1, 10), np.float32),
        np.empty(1, np.int32),
        np.empty(0, np.uint8),
    )
    timer = CTimer(model.path, model.library, buffers, 1, model.scores_of)
    with pytest.raises(ContentError, match=r"tiny\.fp32\.c cannot be run: it returns an error\. Export it again\."):
        timer.time([0], seconds=0.0)


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        replace(SPEC, range=(-1.0, 1.0)),
        replace(SPEC, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        replace(SPEC, range=(0.0, 255.0), mean=(100.0, 101.0, 102.0), std=(1.0, 1.0, 1.0)),
    ],
)
def test_the_scaling_in_c_is_that_of_the_preprocessing(spec, tmp_path):
    import subprocess

    program = """
#include <stddef.h>
#include <stdint.h>
#define TINY_INPUT_SIZE 18
#define TINY_OUTPUT_SIZE 2
static int tiny_predict(const float *image, float *scores, void *arena, size_t arena_bytes)
{
    (void)arena; (void)arena_bytes; scores[0] = image[0]; scores[1] = 0; return 0;
}
static int digitedge_batch(const float *image, float *scores, void *arena, size_t bytes, size_t count)
{
    (void)count; return tiny_predict(image, scores, arena, bytes);
}
"""
    source = tmp_path / "x.c"
    source.write_text(c99_timer.FEATURES + program + loop_source(spec, NAMES))
    command = ["cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", "x.so", "x.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 3), np.uint8)
    images = np.empty((4, 2, 3, 3), np.float32)
    scores, labels = np.empty((4, 2), np.float32), np.empty(4, np.int32)
    buffers = Buffers(images, pixels, scores, labels, np.empty(64, np.uint8))
    timer = CTimer(source, ctypes.CDLL(str(tmp_path / "x.so")), buffers, 1, lambda outputs: outputs)
    for place in range(4):
        timer.outputs(place)
        expected = to_input(to_unit(pixels[place : place + 1]), spec)
        np.testing.assert_allclose(timer._image, expected[0], rtol=1e-6, atol=1e-6)
        assert labels[place] == scores[place].argmax()
