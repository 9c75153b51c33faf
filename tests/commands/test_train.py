"""digitedge train."""

import gzip
import json
import shutil
import signal
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitedge.checkpoints import newest

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
KEYS = {
    "schema_version", "command", "digitedge", "machine",
    "run", "model", "parameters", "epochs", "seconds", "seconds_per_epoch", "accuracy", "val_accuracy", "test_set",
    "device", "history",
}  # fmt: skip
HISTORY = {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}
ELEVEN = """
from tf_keras import Sequential, layers
def build(shape, classes):
    return Sequential([layers.Input(shape), layers.Flatten(), layers.Dense(classes + 1)])
"""
QUICK = ("--model", ARCHITECTURE, "--epochs", "1")


def architecture(folder, text):
    path = folder / "mine.py"
    path.write_text(text)
    return path


def test_the_run_folder_and_the_document(digitedge, data, tmp_path):
    ended = digitedge("train", *QUICK, "--data", data.name, "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() >= KEYS
    assert document["history"].keys() == HISTORY
    assert [len(figures) for figures in document["history"].values()] == [1] * 6
    assert document["run"] == str(tmp_path / "runs" / "tiny")
    assert document["test_set"] == str(data), "a path is recorded as an absolute one"
    assert 0.0 <= document["accuracy"] <= 1.0
    assert document["seconds_per_epoch"] == document["seconds"]
    folder = tmp_path / "runs" / "tiny"
    files = {".lock", "model.keras", "train.json", "curves.png", "checkpoint", "tensorboard"}
    assert {path.name for path in folder.iterdir()} == files
    assert json.loads((folder / "train.json").read_text()) == document
    with Image.open(folder / "curves.png") as curves:
        assert curves.format == "PNG"


def test_the_table_says_what_was_made_and_progress_goes_to_standard_error(digitedge, data, tmp_path):
    shutil.copy(ARCHITECTURE, tmp_path)
    ended = digitedge("train", "--model", "tiny.py", "--epochs", "1", "--data", data)
    assert ended.code == 0
    assert ended.out.startswith(" train    tiny.py · 1,886 parameters · digits.npz: 92 train, 8 validation, 50 test\n")
    assert "runs/tiny/model.keras" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100
    assert "epoch 1/1" in ended.err
    assert "epoch 1/1" not in ended.out


def test_quiet_is_the_file_alone(digitedge, data):
    ended = digitedge("train", *QUICK, "--data", data, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "runs/tiny/model.keras\n", "")


def test_a_model_is_never_replaced_without_overwrite(digitedge, data, tmp_path):
    model = tmp_path / "mine" / "model.keras"
    model.parent.mkdir()
    model.write_text("precious")
    ended = digitedge("train", *QUICK, "--data", data, "--out", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "mine/model.keras exists already. Add --overwrite to replace it, or choose another output."
    assert model.read_text() == "precious"
    assert digitedge("train", *QUICK, "--data", data, "--out", "mine", "--overwrite").code == 0
    assert model.read_bytes().startswith(b"PK")


def test_without_a_test_set_the_held_out_part_is_named_and_accuracy_is_null(digitedge, few_digits, tmp_path):
    train = few_digits.train
    np.savez(tmp_path / "train.npz", images=train.images, labels=train.labels)
    document = digitedge("train", *QUICK, "--data", "train.npz", "--json").document
    assert (document["accuracy"], document["test_set"]) == (None, "validation")
    assert document["val_accuracy"] is not None


def as_csv(dataset, path):
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    rows = [
        ",".join(map(str, [label, *image.ravel()])) for label, image in zip(dataset.labels, dataset.images, strict=True)
    ]
    path.write_text("\n".join([header, *rows, ""]))
    return path


def as_idx(dataset, path):
    images = dataset.images[..., 0]
    path.write_bytes(gzip.compress(struct.pack(">4i", 2051, *images.shape) + images.tobytes()))
    labels = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    labels.write_bytes(gzip.compress(struct.pack(">2i", 2049, len(images)) + dataset.labels.astype("u1").tobytes()))
    return path


def as_folder(dataset, path):
    for number, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
        (path / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path / str(label) / f"{number}.png")
    return path


@pytest.mark.parametrize(
    ("write", "data_name", "test_name"),
    [
        (as_csv, "train.csv", "test.csv"),
        (as_idx, "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
        (as_folder, "train", "test"),
    ],
)
def test_data_and_test_take_every_kind_of_file(digitedge, few_digits, tmp_path, *, write, data_name, test_name):
    (tmp_path / "elsewhere").mkdir()
    write(few_digits.train, tmp_path / data_name)
    test = write(few_digits.test, tmp_path / "elsewhere" / test_name)
    ended = digitedge("train", *QUICK, "--data", data_name, "--test", f"elsewhere/{test_name}", "--json")
    assert ended.code == 0
    assert ended.document["split"]["test"] == 50
    assert ended.document["test"]["name"] == str(test)
    assert ended.document["data"]["name"] == str(tmp_path / data_name)


@pytest.mark.parametrize("change", ["size", "classes"])
def test_a_test_set_that_does_not_fit_is_3_before_training(digitedge, data, tmp_path, change):
    images = np.zeros((4, 28, 28) if change == "classes" else (4, 20, 20), np.uint8)
    np.savez(tmp_path / "other.npz", images=images, labels=np.array([0, 1, 2, 3 if change == "classes" else 9]))
    ended = digitedge("train", *QUICK, "--data", data, "--test", "other.npz")
    assert (ended.code, ended.out) == (3, "")
    other = tmp_path / "other.npz"
    assert ended.error == (
        f"the images of {other} have another size, other colours or other classes than those of {data}. "
        "Name a --test set that is made like the training data; --size brings both to one size."
    )
    assert not (tmp_path / "runs").exists()


def test_data_without_labels_is_3(digitedge, tmp_path):
    np.savez(tmp_path / "bare.npz", images=np.zeros((100, 28, 28), np.uint8))
    ended = digitedge("train", *QUICK, "--data", "bare.npz")
    assert ended.code == 3
    assert ended.error == f"{tmp_path / 'bare.npz'} has no labels. Name a labelled data set."
    assert not (tmp_path / "runs").exists()


def test_a_test_set_without_labels_is_3(digitedge, data, tmp_path):
    np.savez(tmp_path / "bare.npz", images=np.zeros((100, 28, 28), np.uint8))
    ended = digitedge("train", *QUICK, "--data", data, "--test", "bare.npz")
    assert ended.code == 3
    assert ended.error == f"{tmp_path / 'bare.npz'} has no labels. Name a labelled data set."


@pytest.mark.parametrize(
    ("option", "name", "sentence"),
    [
        ("--model", "clasic", "unknown model: clasic. Did you mean classic? Choose from: classic."),
        ("--data", "mnits", "unknown data set: mnits. Did you mean mnist? Choose from: mnist, mnist-kaggle."),
        ("--test", "mnits", "unknown data set: mnits. Did you mean mnist? Choose from: mnist, mnist-kaggle."),
    ],
)
def test_an_unknown_name_lists_the_choices(digitedge, tmp_path, option, name, sentence):
    ended = digitedge("train", option, name)
    assert (ended.code, ended.out, ended.error) == (2, "", sentence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "mine.py does not exist."),
        ("1 / 0", "mine.py cannot be imported: ZeroDivisionError('division by zero'). Mend the file."),
        ("def build(:", "mine.py cannot be imported: SyntaxError"),
        ("import sys; sys.exit(0)", "mine.py cannot be imported: SystemExit(0)."),
        ("x = 1", "mine.py has no function build."),
        ("def build(shape, classes): raise ValueError('no\\nway')", "mine.py cannot build a network for (28, 28, 1): "),
        ("def build(shape, classes): return 3", "mine.py takes () and gives ()."),
        ("def build(shape): return 3", "mine.py cannot build a network for (28, 28, 1): "),
        (
            ELEVEN,
            "mine.py takes (None, 28, 28, 1) and gives (None, 11).",
        ),
    ],
)
def test_a_model_file_that_is_no_good_is_3_and_leaves_no_folder(digitedge, data, tmp_path, text, sentence):
    if text is not None:
        architecture(tmp_path, text)
    ended = digitedge("train", "--model", "mine.py", "--data", data)
    assert (ended.code, ended.out) == (3, "")
    assert sentence in ended.error
    assert not list(tmp_path.glob("runs/*"))


def test_a_loss_that_is_no_longer_finite_is_3_and_leaves_no_folder(digitedge, data, tmp_path):
    bias = "initializers.Constant(float('nan'))"
    text = ARCHITECTURE.read_text().replace("import Sequential", "import Sequential, initializers")
    architecture(tmp_path, text.replace('"softmax"', f'"softmax", bias_initializer={bias}'))
    ended = digitedge("train", "--model", "mine.py", "--data", data)
    assert ended.code == 3
    assert ended.error == "the loss is no longer a finite number. Choose a smaller --learning-rate."
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(("options", "place"), [(("--out", "file/run"), "file/run"), ((), "runs")])
def test_a_place_that_cannot_be_written_is_2(digitedge, data, tmp_path, options, place):
    (tmp_path / place.split("/")[0]).touch()
    ended = digitedge("train", *QUICK, "--data", data, *options)
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written" in ended.error
    assert place in ended.error


def test_without_tensorflow_it_is_4_with_the_pip_command(process, ended, tmp_path):
    done = ended(process("train", without=["tensorflow"]))
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        'error: tensorflow is not installed; reading a .keras file needs it. Type: pip install "digitedge[train]"\n'
    )
    assert not (tmp_path / "runs").exists()


def test_curves_that_cannot_be_drawn_are_a_note_and_no_failure(digitedge, data, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    ended = digitedge("train", *QUICK, "--data", data)
    assert ended.code == 0
    assert "curves.png was not drawn: matplotlib is not installed" in ended.err
    assert 'pip install "digitedge[report]"' in ended.err
    assert (tmp_path / "runs" / "tiny" / "model.keras").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_after_an_epoch_it_saves_what_was_learnt(process, data, tmp_path, number):
    """Ctrl-C, and what a container or a cluster sends before it kills."""
    running = process("train", "--model", ARCHITECTURE, "--epochs", "100000", "--data", data, "--json")
    with running.stdout, running.stderr:
        assert any(line.startswith("epoch 1/") for line in running.stderr)
        running.send_signal(number)
        document = json.loads(running.stdout.read())
    assert running.wait(timeout=120) == 130
    assert document["interrupted"] is True
    assert 1 <= document["epochs"] < 100_000
    assert document["accuracy"] is None, "an interrupted training is not judged"
    folder = tmp_path / "runs" / "tiny"
    assert {"model.keras", "train.json", "curves.png"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "train.json").read_text())["interrupted"] is True
    found, passed_over = newest(folder / "checkpoint")
    assert passed_over == ()
    assert found.epoch in (document["epochs"], document["epochs"] - 1), "it may be stopped while it saves"
    assert found.record["history"]["loss"] == document["history"]["loss"][: found.epoch]


def test_ctrl_c_before_the_first_epoch_leaves_nothing(process, data, tmp_path):
    path = architecture(
        tmp_path, "import time\ndef build(shape, classes):\n    print('building', flush=True)\n    time.sleep(60)"
    )
    running = process("train", "--model", path, "--data", data)
    with running.stdout, running.stderr:
        assert running.stdout.readline() == "building\n"
        running.send_signal(signal.SIGINT)
        *_, last = running.stderr
    assert running.wait(timeout=60) == 130
    assert last.startswith("error: interrupted")
    assert not list(tmp_path.glob("runs/*"))


def test_the_same_seed_gives_the_same_weights(digitedge, data):
    first, again, other = (
        digitedge("train", *QUICK, "--data", data, "--seed", seed, "--json").document["source_digest"]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_default_name_that_is_taken_gets_a_number(digitedge, data, tmp_path):
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    assert digitedge("train", *QUICK, "--data", data, "--json").document["run"] == str(tmp_path / "runs" / "tiny-2")
    assert list((tmp_path / "runs" / "tiny").iterdir()) == []
