from pathlib import Path

import pytest
import tensorflow as tf

from digitedge.training.tensorboard import TensorBoard

ARCHITECTURE = Path(__file__).parents[1] / "tiny.py"
FIGURES = {
    "loss": 2.0,
    "accuracy": 0.25,
    "val_loss": 1.5,
    "val_accuracy": 0.375,
    "learning_rate": 0.001953125,
    "seconds": 9.0,
}
TAGS = {
    "train": {"epoch_loss": 2.0, "epoch_accuracy": 0.25, "epoch_learning_rate": 0.001953125},
    "validation": {"epoch_loss": 1.5, "epoch_accuracy": 0.375},
}


def scalars(folder):
    """What TensorFlow's own reader finds: {part: {tag: [(step, value), ...]}}, file by file as they were begun."""
    found = {}
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        tags = found.setdefault(path.parent.relative_to(folder).as_posix(), {})
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                assert value.metadata.data_class == 1, "DATA_CLASS_SCALAR: without it nothing is drawn"
                assert value.tensor.dtype == tf.float32.as_datatype_enum
                tags.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
    return found


def watched(folder, epochs, factor=1.0):
    board = TensorBoard(folder)
    board.begin(5, 7, 32)
    for epoch in epochs:
        board.step(epoch, 7, 0.5)
        board.end_epoch(epoch, {name: factor * value for name, value in FIGURES.items()})
    return board


def test_every_figure_of_an_epoch_has_the_name_that_keras_gives_it(tmp_path):
    watched(tmp_path, [1]).finish()
    assert scalars(tmp_path) == {
        part: {tag: [(1, value)] for tag, value in tags.items()} for part, tags in TAGS.items()
    }


def test_an_epoch_is_on_the_disk_before_the_next_one_begins(tmp_path):
    board = watched(tmp_path, [1, 2])
    assert [step for step, _ in scalars(tmp_path)["train"]["epoch_loss"]] == [1, 2]
    board.finish()


def test_a_training_that_goes_on_adds_its_epochs(tmp_path):
    watched(tmp_path, [1, 2]).finish()
    watched(tmp_path, [3, 4], factor=0.5).finish()
    found = scalars(tmp_path)
    assert {part: set(tags) for part, tags in found.items()} == {part: set(tags) for part, tags in TAGS.items()}
    for part, tags in TAGS.items():
        for tag, value in tags.items():
            assert sorted(found[part][tag]) == [(1, value), (2, value), (3, value / 2), (4, value / 2)]


@pytest.mark.parametrize("begun", [False, True])
def test_a_training_that_ended_before_its_first_epoch_shows_nothing(tmp_path, begun):
    board = watched(tmp_path, []) if begun else TensorBoard(tmp_path)
    board.finish()
    assert all(tags == {} for tags in scalars(tmp_path).values())


def test_the_history_of_a_resumed_training_is_whole(digitedge, tiny_data, tmp_path, monkeypatch):
    from digitedge.report import progress

    class Impatient(progress.Silent):
        def step(self, epoch, step, loss):
            if epoch == 3:
                raise KeyboardInterrupt

    words = ["train", "--model", ARCHITECTURE, "--data", tiny_data, "--epochs", "4", "--out", tmp_path / "run"]
    with monkeypatch.context() as patch:
        patch.setattr(progress, "training", lambda terminal: Impatient())
        assert digitedge(*words).code == 130
    history = digitedge(*words, "--resume", "--json").document["history"]
    found = scalars(tmp_path / "run" / "tensorboard")
    for name, (part, tag) in {
        "loss": ("train", "epoch_loss"),
        "val_accuracy": ("validation", "epoch_accuracy"),
    }.items():
        steps, values = zip(*sorted(found[part][tag]), strict=True)
        assert steps == (1, 2, 3, 4)
        assert values == pytest.approx(history[name])
