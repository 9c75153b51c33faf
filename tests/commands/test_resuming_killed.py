"""A training that is killed, in processes of their own, and a disk that is full."""

import errno
import json
import os
import signal
from pathlib import Path

import numpy as np

from digitedge.checkpoints import newest

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
EPOCHS = 30  # in which a busy machine too finds the time to kill


def words(data, out):
    """With Dropout, augmentation and the same bits each time."""
    flatten = 'layers.Flatten(name="flatten"),'
    text = ARCHITECTURE.read_text()
    assert flatten in text
    model = data.with_name("mine.py")
    model.write_text(text.replace(flatten, f"{flatten} layers.Dropout(0.3),"))
    options = ["--epochs", EPOCHS, "--batch-size", 20, "--augment", "digits", "--deterministic"]
    return ["train", "--model", model, "--data", data, *options, "--out", out]


def read(folder):
    return json.loads((folder / "train.json").read_text())


def test_killed_and_resumed_it_is_the_training_that_was_never_killed(process, ended, data, tmp_path):
    whole = process(*words(data, "whole"))
    killed = process(*words(data, "killed"))
    with killed.stdout, killed.stderr:
        assert any(line.startswith("epoch 2/") for line in killed.stderr)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait(timeout=120) == -signal.SIGKILL
    found, passed_over = newest(tmp_path / "killed" / "checkpoint")
    assert passed_over == ()
    assert 2 <= found.epoch < EPOCHS, "killed too late to prove anything"
    assert not (tmp_path / "killed" / "model.keras").exists()
    resumed = ended(process(*words(data, "killed"), "--resume"))
    assert resumed.code == 0
    assert f"going on after epoch {found.epoch}, from {found.path}\n" in resumed.err
    assert ended(whole).code == 0
    expected, gone_on = read(tmp_path / "whole"), read(tmp_path / "killed")
    assert gone_on["source_digest"] == expected["source_digest"]
    assert gone_on["history"] | {"seconds": 0} == expected["history"] | {"seconds": 0}
    assert gone_on["accuracy"] == expected["accuracy"]


def test_a_full_disk_is_one_line_and_costs_no_earlier_checkpoint(digitedge, data, tmp_path, monkeypatch):
    savez = np.savez

    def full(path, *arrays):
        if ".epoch-0003." in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        savez(path, *arrays)

    asked = ["train", "--model", ARCHITECTURE, "--epochs", 4, "--data", data, "--out", tmp_path / "run"]
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        ended = digitedge(*asked)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        f"{tmp_path}/run/checkpoint/epoch-0003 cannot be written: No space left on device. "
        "Free some space, or choose a folder on another disk."
    )
    found, passed_over = newest(tmp_path / "run" / "checkpoint")
    assert (found.epoch, passed_over) == (2, ())
    resumed = digitedge(*asked, "--resume", "--json")
    assert (resumed.code, resumed.document["epochs"]) == (0, 4)
    alone = digitedge(*asked[:-1], tmp_path / "alone", "--json")
    assert resumed.document["source_digest"] == alone.document["source_digest"]
