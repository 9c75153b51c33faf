"""Every file in every engine gives what it gives in this process; one that crashes or hangs is Lost, and it alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from onnx import TensorProto, helper

from digitedge.errors import ContentError, NotPresentError, UsageError
from digitedge.runtime.loading import engines_of, load, score
from digitedge.verify import child
from digitedge.verify.scoring import Scoring
from digitedge.verify.target import Lost, Scored, Target


def pid_of(scoring):
    return scoring._running()._process.pid


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_files_are_described_and_score_as_in_this_process(scoring, onnx_file, c_file, images):
    started = pid_of(scoring)
    for path in (onnx_file(), c_file()):
        for engine in engines_of(path):
            model, target = load(path, engine=engine), Target(path, engine=engine)
            described = scoring.describe(target)
            found = scoring.score(target, images)
            assert described == found.described
            about = (described.spec, described.precision, described.source_digest, described.engine)
            assert about == (model.spec, model.precision, model.source_digest, model.engine)
            np.testing.assert_array_equal(found.scores, score(model, images))
            assert (found.places, found.batch_abs, found.batch_flips) == (None, 0.0, 0)
    assert pid_of(scoring) == started


def test_a_keras_file_runs_there_too(scored, tiny_run, tiny_golden):
    found = scored(tiny_run / "model.keras", tiny_golden.images)
    assert found.described.engine.startswith("TensorFlow 2.")
    assert found.described.source_digest == tiny_golden.source_digest
    np.testing.assert_allclose(found.scores, tiny_golden.scores, atol=1e-6)


def test_nothing_is_started_before_it_is_needed_and_nothing_stays(onnx_file, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(child.tempfile, "tempdir", str(tmp_path / "temporary"))
    with Scoring() as scoring:
        assert scoring._child is None
        scoring.describe(Target(onnx_file()))
        pid = pid_of(scoring)
        assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert not is_running(pid)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("abort();", "its process was ended by SIGABRT"),
        ("*(volatile int *)0 = 1;", "its process was ended by SIGSEGV"),
        ("exit(0);", "its process ended with 0"),
    ],
)
def test_a_file_that_crashes_is_lost_and_the_next_one_is_not(scored, scoring, c_file, onnx_file, images, body, reason):
    bad = Target(c_file(body))
    assert scoring.score(bad, images) == Lost(bad, reason)
    assert len(scored(onnx_file(), images).scores) == 600


def test_a_file_that_crashes_when_it_is_loaded_is_lost(scoring, c_file, onnx_file):
    bad = Target(c_file(before="__attribute__((constructor)) static void start(void) { abort(); }"))
    assert scoring.describe(bad) == Lost(bad, "its process was ended by SIGABRT")
    assert scoring.describe(Target(onnx_file())).format == "onnx"


def loop():
    """Nodes from logits to scores that never get there."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["state"], ["next"])],
        "body",
        [info("turn", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("state", TensorProto.FLOAT, None)],
        [info("go_on", TensorProto.BOOL, []), info("next", TensorProto.FLOAT, None)],
    )
    return [helper.make_node("Loop", ["turns", "yes", "logits"], ["scores"], body=body)]


def test_a_file_that_never_returns_is_given_up(scored, scoring, onnx_file, c_file, images, monkeypatch):
    endless = onnx_file("endless.onnx", loop(), turns=np.array(2**62, np.int64), yes=np.array(True))
    for bad in (Target(endless), Target(c_file("for (;;) { }"))):
        scoring.describe(bad)  # within two minutes, however busy the machine
        pid = pid_of(scoring)
        with monkeypatch.context() as short:
            short.setattr(scoring, "_time_limit", 0.5)
            assert scoring.score(bad, images) == Lost(bad, "it did not return within 0.5 s")
        assert not is_running(pid)
    assert len(scored(onnx_file(), images).scores) == 600


def test_a_compiler_that_never_returns_is_given_up_and_ended(c_file, monkeypatch, tmp_path):
    (tmp_path / "cc").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    (tmp_path / "cc").chmod(0o700)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    with Scoring(time_limit=2) as scoring:
        assert scoring.describe(Target(c_file())).reason == "it did not return within 2 s"
    assert until(lambda: not is_running(int((tmp_path / "pid").read_text())))


def test_a_slow_file_may_take_its_time_as_long_as_it_shows_signs_of_life(scoring, c_file, images):
    slow, seen = Target(c_file("usleep(15000);")), []
    scoring.describe(slow)
    scoring._time_limit = 1.0
    begin = time.monotonic()
    found = scoring.score(slow, images[:64], watch=lambda done, in_all: seen.append((done, in_all)))
    assert isinstance(found, Scored)
    assert time.monotonic() - begin > 1.3
    assert seen[0] == (0, 64)
    assert seen[-1] == (64, 64)
    assert len(seen) > 4
    assert seen == sorted(seen)


def mixing():
    """Nodes from logits to scores in which an image is seen in the light of those beside it: alone, it is nothing."""
    return [
        helper.make_node("ReduceMean", ["logits"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["logits", "mean"], ["centred"]),
        helper.make_node("Softmax", ["centred"], ["scores"]),
    ]


def test_a_file_that_mixes_its_batch_is_found_out(scored, onnx_file, images):
    found = scored(onnx_file(after=mixing()), images)
    assert found.batch_abs > 0.1
    assert found.batch_flips > 0


def test_one_image_is_no_batch(scored, onnx_file, images):
    found = scored(onnx_file(after=mixing()), images[:1])
    assert (found.scores.shape, found.batch_abs, found.batch_flips) == ((1, 3), None, 0)


def test_what_is_no_number_stays_so(scored, onnx_file, images):
    after = [helper.make_node("Mul", ["logits", "factor"], ["scores"])]
    found = scored(onnx_file(after=after, factor=np.array([1, np.nan, 1], np.float32)), images)
    assert np.isnan(found.batch_abs)
    assert np.isnan(found.scores[:, 1]).all()


def test_a_file_that_gives_one_row_for_a_batch_is_no_classifier(scoring, onnx_file, images):
    after = [helper.make_node("ReduceMean", ["logits"], ["scores"], axes=[0], keepdims=1)]
    with pytest.raises(ContentError, match=r"net\.onnx gives 1 rows of scores for 64 images\. It cannot take a batch"):
        scoring.score(Target(onnx_file("net.onnx", after)), images)


def test_what_a_file_prints_is_no_answer_and_is_not_shown(scored, c_file, images, capfd):
    body = r'printf("{\"format\": 1}\n"); fflush(stdout); fprintf(stderr, "noise\n");'
    assert scored(c_file(body), images[:40]).scores[:, 0].tolist() == [0.5] * 40
    assert capfd.readouterr() == ("", "")


def test_a_damaged_file_is_an_error_in_its_own_words_and_the_child_stays(scoring, onnx_file, tmp_path):
    scoring.describe(Target(onnx_file()))
    before = pid_of(scoring)
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(ContentError, match=r"bad\.onnx is not an ONNX model: .* Is it damaged"):
        scoring.describe(Target(tmp_path / "bad.onnx"))
    assert pid_of(scoring) == before


def test_an_engine_that_is_missing_is_said_with_its_cure(scoring, c_file, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(NotPresentError, match=r"no-such-compiler is not installed; .* Install gcc or clang"):
        scoring.describe(Target(c_file()))


def test_an_engine_that_does_not_exist_is_answered_with_those_that_do(scoring, onnx_file):
    with pytest.raises(
        UsageError, match=r"unknown engine: litert\. .*Choose from: onnxruntime, x64quantprecision\."
    ) as caught:
        scoring.describe(Target(onnx_file(), engine="litert"))
    assert caught.value.exit_code == 2


MISTAKEN = """
import sys
print('{"ready": true}', flush=True)
for line in sys.stdin: print('{"mistake": "Traceback ... ZeroDivisionError"}', flush=True)
"""


def test_a_mistake_of_ours_is_not_blamed_on_the_file(onnx_file):
    with (
        Scoring(command=(sys.executable, "-c", MISTAKEN)) as scoring,
        pytest.raises(
            RuntimeError, match=r"the worker failed at .*good\.fp32\.onnx: Traceback \.\.\. ZeroDivisionError"
        ),
    ):
        scoring.describe(Target(onnx_file()))


HANGING = """
import sys, pathlib, numpy
from digitedge.verify.scoring import Scoring
from digitedge.verify.target import Target
with Scoring() as scoring:
    target = Target(pathlib.Path(sys.argv[1]))
    scoring.describe(target)
    print(scoring._child._process.pid, flush=True)
    scoring.score(target, numpy.zeros((4, 4, 4, 1), numpy.uint8))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_child_that_hangs_ends_with_its_parent(c_file, tmp_path, name):
    flag = tmp_path / "hangs"
    body = f'FILE *flag = fopen("{flag}", "w"); fclose(flag); for (;;) {{ }}'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", HANGING, c_file(body)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert until(flag.exists)
        assert is_running(pid)
        parent.send_signal(getattr(signal, name))
        assert parent.wait(timeout=30) != 0
    assert until(lambda: not is_running(pid))


def until(happens):
    end = time.monotonic() + 30
    while not happens() and time.monotonic() < end:
        time.sleep(0.02)
    return happens()


def test_the_compilers_are_there():
    """Else the C files above were run by fewer engines than the tests mean."""
    assert shutil.which("gcc") or shutil.which("clang")
