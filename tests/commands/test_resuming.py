"""--resume: a training goes on where it was stopped, or says in one line why it cannot."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from digitedge.cli import main
from digitedge.commands.folders import exclusive
from digitedge.report.progress import Silent

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
DROPOUT = 'layers.Flatten(name="flatten"),'
EPOCHS = 3


class InterruptedIn(Silent):
    """Ctrl-C after the first steps of an epoch, from 1 on."""

    def __init__(self, epoch):
        self.epoch = epoch

    def step(self, epoch, step, loss):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def stop_in(monkeypatch, epoch):
    monkeypatch.setattr("digitedge.report.progress.training", lambda terminal: InterruptedIn(epoch))


def settings(folder):
    """What is typed to train for three epochs, with random numbers in the network."""
    options = {"--model": folder / "mine.py", "--data": folder / "digits.npz", "--epochs": EPOCHS, "--batch-size": 20}
    return [word for pair in options.items() for word in pair]


def make(folder, train, test):
    """The data, and a network whose Dropout draws random numbers."""
    text = ARCHITECTURE.read_text()
    assert DROPOUT in text
    (folder / "mine.py").write_text(text.replace(DROPOUT, f"{DROPOUT} layers.Dropout(0.3, name='drop'),"))
    np.savez(folder / "digits.npz", x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)


@pytest.fixture(scope="module")
def place(tiny_digits, tmp_path_factory):
    """A folder with data and model, a run `whole` that was finished, and a run `stopped` in its third epoch."""
    folder = tmp_path_factory.mktemp("place")
    make(folder, tiny_digits.train.take(slice(120)), tiny_digits.test.take(slice(40)))
    for name, code, interrupted_in in (("whole", 0, None), ("stopped", 130, EPOCHS)):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            if interrupted_in:
                stop_in(patch, interrupted_in)
            main(list(map(str, ["train", *settings(folder), "--out", folder / name])))
        assert (ended.value.code or 0) == code
    return folder


@pytest.fixture
def words(place):
    """What was typed for both, but for --out."""
    return ["train", *settings(place)]


@pytest.fixture
def whole(place):
    """The document of the finished one."""
    return json.loads((place / "whole" / "train.json").read_text())


@pytest.fixture
def stopped(place, tmp_path):
    """A copy of the stopped run, for a test that changes it."""
    return Path(shutil.copytree(place / "stopped", tmp_path / "stopped"))


def epochs(folder):
    return sorted(path.name for path in (folder / "checkpoint").iterdir())


def contents(folder):
    """Of each file: its bytes, and when they were written."""
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_as_whole(document, whole):
    """The same weights to the bit, the same figures."""
    assert document["source_digest"] == whole["source_digest"]
    assert document["history"] | {"seconds": 0} == whole["history"] | {"seconds": 0}
    same = ("epochs", "accuracy", "val_accuracy", "interrupted", "stopped", "parameters", "data", "test", "config")
    assert {name: document[name] for name in same} == {name: whole[name] for name in same}


def test_resumed_after_ctrl_c_it_is_the_training_that_was_never_stopped(digitedge, words, stopped, whole):
    assert epochs(stopped) == ["epoch-0001", "epoch-0002"]
    before = json.loads((stopped / "train.json").read_text())
    assert (before["interrupted"], before["epochs"]) == (True, 2)
    assert before["source_digest"] != whole["source_digest"]
    ended = digitedge(*words, "--out", stopped, "--resume", "--json")
    assert ended.code == 0
    assert f"going on after epoch 2, from {stopped}/checkpoint/epoch-0002\n" in ended.err
    assert_as_whole(ended.document, whole)
    assert json.loads((stopped / "train.json").read_text()) == ended.document
    assert ended.document["history"]["seconds"][:2] == before["history"]["seconds"]
    assert epochs(stopped) == ["epoch-0002", "epoch-0003"]


def test_without_out_the_newest_run_of_the_architecture_goes_on(digitedge, words, place, whole, tmp_path):
    shutil.copytree(place / "whole", tmp_path / "runs" / "mine")
    shutil.copytree(place / "stopped", tmp_path / "runs" / "mine-2")
    document = digitedge(*words, "--resume", "--json").document
    assert document["run"] == str(tmp_path / "runs" / "mine-2")
    assert_as_whole(document, whole)


def test_a_finished_run_is_left_as_it_is(digitedge, words, place):
    before = contents(place / "whole")
    ended = digitedge(*words, "--out", place / "whole", "--resume", "--json")
    assert ended.code == 0
    assert ended.err == f"{place / 'whole'} is finished already: nothing is changed\n"
    assert ended.document == json.loads((place / "whole" / "train.json").read_text())
    assert "3 epochs on CPU" in digitedge(*words, "--out", place / "whole", "--resume").out
    assert contents(place / "whole") == before


@pytest.mark.parametrize("run", ["whole", "stopped"])
@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        (["--epochs", 5], "epochs: 3 before, 5 now"),
        (
            ["--optimizer", "sgd", "--learning-rate", "0.1"],
            'learning_rate: 0.003 before, 0.1 now; optimizer: "adam" before, "sgd" now',
        ),
    ],
)
def test_other_settings_are_refused_with_what_has_changed(digitedge, words, place, run, changes, difference):
    before = contents(place / run)
    ended = digitedge(*words, *changes, "--out", place / run, "--resume")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        f"the settings of {place / run} have changed: {difference}. "
        "Type the same settings, or name another folder with --out."
    )
    assert contents(place / run) == before


@pytest.mark.parametrize("run", ["whole", "stopped"])
@pytest.mark.parametrize("changed", ["digits.npz", "mine.py"])
def test_other_images_and_another_network_are_refused(digitedge, words, place, run, changed):
    file, name = place / changed, {"digits.npz": "data_sha256", "mine.py": "model_sha256"}[changed]
    before, weights = file.read_bytes(), contents(place / run)
    try:
        if changed == "mine.py":
            file.write_bytes(before.replace(b"0.3", b"0.4"))
        else:
            arrays = dict(np.load(file))
            np.savez(file, **arrays | {"x_train": 255 - arrays["x_train"]})
        ended = digitedge(*words, "--out", place / run, "--resume")
    finally:
        file.write_bytes(before)
    assert (ended.code, ended.out) == (2, "")
    assert f"the settings of {place / run} have changed: {name}: " in ended.error
    assert ended.error.endswith("Type the same settings, or name another folder with --out.")
    assert contents(place / run) == weights


def test_another_test_set_is_refused_where_the_run_is_judged_already(digitedge, words, place, tmp_path):
    arrays = np.load(place / "digits.npz")
    np.savez(tmp_path / "other.npz", images=arrays["x_train"], labels=arrays["y_train"])
    ended = digitedge(*words, "--test", "other.npz", "--out", place / "whole", "--resume")
    assert (ended.code, ended.out) == (2, "")
    assert f"the settings of {place / 'whole'} have changed: test.name: " in ended.error


def test_where_and_how_long_may_change(digitedge, words, stopped, whole):
    ended = digitedge(*words, "--device", "cpu", "--time-limit", "60", "--out", stopped, "--resume", "--json")
    assert ended.document["source_digest"] == whole["source_digest"]


def test_to_go_on_and_to_start_anew_exclude_each_other(digitedge, words, stopped):
    before = contents(stopped)
    ended = digitedge(*words, "--out", stopped, "--resume", "--overwrite")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "--resume and --overwrite exclude each other. One goes on, the other starts anew."
    assert contents(stopped) == before


@pytest.mark.parametrize("out", [(), ("--out", "new")])
def test_where_there_is_nothing_training_starts_and_says_so(digitedge, words, tmp_path, whole, out):
    folder = tmp_path / "new" if out else tmp_path / "runs" / "mine"
    ended = digitedge(*words, *out, "--resume", "--json")
    assert ended.code == 0
    assert f"there is no checkpoint in {folder}/checkpoint: training starts at the first epoch\n" in ended.err
    assert ended.document["run"] == str(folder)
    assert_as_whole(ended.document, whole)


def test_a_model_without_its_checkpoints_is_not_replaced(digitedge, words, stopped):
    shutil.rmtree(stopped / "checkpoint")
    before = contents(stopped)
    ended = digitedge(*words, "--out", stopped, "--resume")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        f"{stopped}/model.keras exists already, and there is no checkpoint to go on from. "
        "Type --overwrite instead of --resume to train anew."
    )
    assert contents(stopped) == before


def test_a_training_that_was_killed_is_neither_replaced_nor_gone_on_with_unasked(digitedge, words, stopped, whole):
    for name in ("model.keras", "train.json", "curves.png"):
        (stopped / name).unlink()
    before = contents(stopped)
    ended = digitedge(*words, "--out", stopped)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        f"{stopped}/checkpoint exists already: a training was stopped there. "
        "--resume goes on with it; --overwrite starts anew."
    )
    assert contents(stopped) == before
    anew = digitedge(*words, "--out", stopped, "--overwrite", "--epochs", "1", "--json")
    assert (anew.code, anew.document["epochs"]) == (0, 1)
    assert epochs(stopped) == ["epoch-0001"]
    assert len(list(stopped.glob("tensorboard/*/events*"))) == 2, "of the new training alone"


def damage(folder, name):
    state = folder / "checkpoint" / name / "state.npz"
    state.write_bytes(state.read_bytes()[:-1] + b"?")


def test_a_damaged_checkpoint_is_passed_over_and_said(digitedge, words, stopped, whole):
    damage(stopped, "epoch-0002")
    ended = digitedge(*words, "--out", stopped, "--resume", "--json")
    assert ended.code == 0
    assert (
        f"{stopped}/checkpoint/epoch-0002 cannot be used: state.npz has another digest than SHA256SUMS says; "
        "epoch-0001 is used instead.\n"
    ) in ended.err
    assert f"going on after epoch 1, from {stopped}/checkpoint/epoch-0001\n" in ended.err
    assert_as_whole(ended.document, whole)


def test_nothing_but_damaged_checkpoints_is_one_line(digitedge, words, stopped):
    damage(stopped, "epoch-0001")
    damage(stopped, "epoch-0002")
    before = contents(stopped)
    ended = digitedge(*words, "--out", stopped, "--resume")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error.startswith(f"no checkpoint in {stopped}/checkpoint can be used: epoch-0002: ")
    assert ended.error.endswith("Type --overwrite instead of --resume to train anew.")
    assert contents(stopped) == before


def test_two_do_not_train_in_one_folder(digitedge, words, stopped):
    with exclusive(stopped):
        ended = digitedge(*words, "--out", stopped, "--resume")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        f"another digitedge is writing into {stopped}. Wait until it is done, or name another folder with --out."
    )


@pytest.mark.parametrize("patience", [[], ["--patience", EPOCHS]])
def test_what_the_time_limit_ended_goes_on(digitedge, words, tmp_path, whole, patience):
    limited = digitedge(*words, *patience, "--out", tmp_path / "run", "--time-limit", "1e-9", "--json").document
    assert (limited["epochs"], limited["interrupted"]) == (1, False)
    assert limited["stopped"] == "another epoch would end after the limit of 1e-09 minutes"
    document = digitedge(*words, *patience, "--out", tmp_path / "run", "--resume", "--json").document
    assert (document["epochs"], document["stopped"]) == (EPOCHS, None)
    assert document["history"] | {"seconds": 0} == whole["history"] | {"seconds": 0}


def test_what_patience_ended_is_finished(digitedge, words, tmp_path):
    still = [*words, "--patience", "1", "--learning-rate", "1e-9", "--schedule", "plateau", "--out", tmp_path / "run"]
    first = digitedge(*still, "--json").document
    assert first["stopped"] == "no better validation accuracy for 1 epochs: these are the weights before that"
    before = contents(tmp_path / "run")
    again = digitedge(*still, "--resume", "--json")
    assert (again.code, again.document) == (0, first)
    assert "is finished already: nothing is changed" in again.err
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize("missing", ["config", "history", "model_sha256", "data", "test"])
def test_a_record_that_lacks_something_is_one_line(digitedge, words, place, tmp_path, whole, missing):
    folder = Path(shutil.copytree(place / "whole", tmp_path / "run"))
    del whole[missing]
    (folder / "train.json").write_text(json.dumps(whole))
    ended = digitedge(*words, "--out", folder, "--resume")
    assert (ended.code, ended.out) == (3, "")
    assert ended.error == f"{folder}/train.json cannot be understood: KeyError('{missing}'). Train the model again."
