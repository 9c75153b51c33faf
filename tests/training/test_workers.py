"""Two real processes on this machine train one network together; one of them goes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from digitedge.checkpoints import newest
from digitedge.cluster import Cluster
from digitedge.dataset import Dataset
from digitedge.errors import StoppedError
from digitedge.report.progress import Silent
from digitedge.training.feed import Feed
from digitedge.training.fit import _pass
from digitedge.training.workers import watched

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
EPOCHS = 20  # in which a busy machine too finds the time to stop one
PAIR = Cluster(workers=2, rank=1)


@pytest.mark.parametrize("error", ["UnavailableError", "AbortedError", "CancelledError", "DeadlineExceededError"])
def test_a_worker_that_has_gone_is_said_in_one_line(error):
    with pytest.raises(StoppedError) as caught, watched(PAIR):
        raise getattr(tf.errors, error)(None, None, "Collective ops is aborted by: ...\nmany more lines")
    assert str(caught.value) == (
        "another of the 2 workers has gone. "
        "Every finished epoch is in the checkpoint: start all of them again with --resume."
    )


@pytest.mark.parametrize("found", [None, PAIR])
def test_any_other_error_is_none_of_its_business(found):
    with pytest.raises(tf.errors.InvalidArgumentError), watched(found):
        raise tf.errors.InvalidArgumentError(None, None, "no")


def test_who_trains_alone_misses_nobody():
    with pytest.raises(tf.errors.UnavailableError), watched(None):
        raise tf.errors.UnavailableError(None, None, "no")


def test_workers_without_out_are_refused(digitedge, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_CONFIG", tf_config(["a:1", "b:1"], 0))
    ended = digitedge("train", "--model", ARCHITECTURE)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "TF_CONFIG names several workers, and --out is missing. Name one folder for all of them."
    assert list(tmp_path.iterdir()) == []


def tf_config(addresses, index):
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})


def addresses():
    """Two ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def words(data, *options):
    return ["train", "--model", ARCHITECTURE, "--data", data, "--batch-size", 20, "--epochs", EPOCHS, *options]


def start(data, *options, together=None, ranks=(0, 1)):
    """Both workers, or one of them."""
    together = together or addresses()
    path = os.pathsep.join(filter(None, sys.path))
    return [
        subprocess.Popen(
            [sys.executable, "-m", "digitedge", *map(str, words(data, *options))],
            env={**os.environ, "PYTHONPATH": path, "TF_CONFIG": tf_config(together, rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ranks
    ]


def wait(processes):
    """What each wrote: (standard output, standard error); both must end well."""
    written = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], written
    return written


@pytest.fixture(scope="module")
def data(tiny_digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    train, test = tiny_digits.train.take(slice(200)), tiny_digits.test.take(slice(50))
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


@pytest.fixture(scope="module")
def pair(data, tmp_path_factory):
    """The run folder of two workers that nobody disturbed, and what they wrote."""
    folder = tmp_path_factory.mktemp("pair")
    return folder / "run", wait(start(data, "--out", folder / "run"))


def read(folder):
    return json.loads((folder / "train.json").read_text())


def test_two_workers_learn_what_one_does(pair, digitedge, data):
    folder, _ = pair
    alone = digitedge(*words(data, "--json")).document
    together = read(folder)
    assert together["device"] == "CPU, worker 0 of 2"
    for figure in ("loss", "val_loss"):
        np.testing.assert_allclose(together["history"][figure], alone["history"][figure], rtol=1e-4)
    assert together["history"]["learning_rate"] == alone["history"]["learning_rate"]
    assert together["accuracy"] == alone["accuracy"]
    assert together["history"]["loss"][-1] < together["history"]["loss"][0]


def test_the_first_worker_writes_the_run_folder_and_the_other_nothing(pair):
    folder, ((out, err), (out_of_other, err_of_other)) = pair
    files = {".lock", "model.keras", "train.json", "curves.png", "checkpoint", "tensorboard"}
    assert {path.name for path in folder.iterdir()} == files
    assert [path.name for path in folder.parent.iterdir()] == ["run"]
    assert len(list(folder.rglob("events.out.*"))) == 2, "one file for training, one for validation"
    assert out.endswith("run/model.keras\n\n")
    assert out_of_other == ""
    assert f"epoch {EPOCHS}/{EPOCHS}" in err
    assert f"epoch {EPOCHS}/{EPOCHS}" in err_of_other


def test_what_is_finished_is_finished_for_both(pair, data):
    folder, _ = pair
    before = (folder / "train.json").read_bytes()
    for _, err in wait(start(data, "--out", folder, "--resume")):
        assert err == f"{folder} is finished already: nothing is changed\n"
    assert (folder / "train.json").read_bytes() == before


@pytest.mark.e2e
@pytest.mark.parametrize(("victim", "number", "saved"), [(0, signal.SIGTERM, True), (1, signal.SIGKILL, False)])
def test_where_one_goes_the_other_ends_and_both_go_on(pair, data, tmp_path, victim, number, saved):
    processes = start(data, "--out", tmp_path / "run")
    with processes[victim].stderr as lines, processes[victim].stdout:
        assert any(line.startswith("epoch 2/") for line in lines)
        processes[victim].send_signal(number)
        code = processes[victim].wait(timeout=120)
    assert code == (130 if number == signal.SIGTERM else -number)
    survivor = processes[1 - victim]
    _, err = survivor.communicate(timeout=120)
    assert survivor.returncode == 130
    assert err.splitlines()[-1] == (
        "error: another of the 2 workers has gone. "
        "Every finished epoch is in the checkpoint: start all of them again with --resume."
    )
    assert not [line for line in err.splitlines()[:-1] if line.startswith(("error", "Traceback", "Exception"))]
    found, passed_over = newest(tmp_path / "run" / "checkpoint")
    assert passed_over == ()
    assert 1 <= found.epoch < EPOCHS
    assert (tmp_path / "run" / "model.keras").exists() is saved
    wait(start(data, "--out", tmp_path / "run", "--resume"))
    resumed, whole = read(tmp_path / "run"), read(pair[0])
    assert resumed["history"]["seconds"][: found.epoch] == found.record["history"]["seconds"]
    assert resumed["history"] | {"seconds": 0} == whole["history"] | {"seconds": 0}
    assert resumed["source_digest"] == whole["source_digest"]


def test_who_waits_for_the_others_can_be_stopped(data, tmp_path):
    together = addresses()
    (alone,) = start(data, "--out", tmp_path / "run", together=together, ranks=[0])
    host, port = together[0].split(":")
    with alone.stdout, alone.stderr:
        while alone.poll() is None:  # until it listens to the others
            with suppress(ConnectionRefusedError), socket.create_connection((host, int(port))):
                break
            time.sleep(0.02)
        alone.send_signal(signal.SIGINT)
        assert alone.wait(timeout=120) == -signal.SIGINT
        assert alone.stderr.read().endswith("worker 0 of 2: waiting for the others\n")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


class Clock:
    """A learning process whose every call takes as long as a worker's machine needs for it."""

    def __init__(self, seconds, workers):
        self.seconds, self.now, self.calls = seconds, 0.0, []
        images = np.zeros((800, 2, 2, 1), np.uint8)
        dataset = Dataset(images, np.arange(800) % 2, ("0", "1"), "pixels")
        self.feed = Feed(dataset, batch_size=8, seed=0, workers=workers)

    def steps(self, block, number):
        assert len(block.labels) == number * self.feed.share
        self.calls.append(number)
        self.now += self.seconds
        return 1.0 * number, 0.0


def calls(monkeypatch, seconds, workers):
    """How many steps each call of an epoch takes."""
    learning = Clock(seconds, workers)
    monkeypatch.setattr("digitedge.training.fit.time.perf_counter", lambda: learning.now)
    assert _pass(learning, 0, Silent()) == (1.0, 0.0)
    assert sum(learning.calls) == 100
    return learning.calls


def test_workers_take_the_same_steps_in_a_call_however_fast_they_are(monkeypatch):
    """In every step they wait for each other, and TensorFlow counts the steps of a call: they would wait for ever."""
    assert calls(monkeypatch, 0.0, workers=2) == calls(monkeypatch, 1.0, workers=2)
    assert calls(monkeypatch, 0.0, workers=1) != calls(monkeypatch, 1.0, workers=1), "who is alone goes by the clock"
