from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras

from digitedge.dataset import Splits
from digitedge.errors import ContentError, StoppedError, UsageError
from digitedge.report.progress import Silent
from digitedge.runtime.keras import load
from digitedge.runtime.loading import score
from digitedge.training.run import accuracy, save, train


@pytest.fixture
def few(tiny_digits):
    return Splits(tiny_digits.train.take(slice(100)), tiny_digits.test.take(slice(40)))


@pytest.fixture
def short(tiny_config):
    return replace(tiny_config, epochs=2)


def test_a_training_says_what_it_learnt_from_and_how_well(tiny_training, tiny_digits):
    run = tiny_training
    assert run.parameters == 1886
    assert (len(run.train), len(run.validation), len(run.test)) == (552, 48, 200)
    assert run.fit.epochs == 12
    assert run.accuracy == accuracy(run.model, run.test) > 0.97
    assert run.device in {"CPU", "GPU:0"}
    assert run.model.spec.classes == tiny_digits.train.classes


def test_accuracy_is_the_share_of_right_answers(tiny_model, tiny_digits):
    wrong = replace(tiny_digits.test, labels=(tiny_digits.test.labels + 1) % 10)
    assert accuracy(tiny_model, tiny_digits.test) + accuracy(tiny_model, wrong) <= 1
    assert accuracy(tiny_model, wrong) < 0.05


def test_the_same_seed_gives_the_same_training(short, few):
    first, second, other = (train(replace(short, seed=seed), few, Silent()) for seed in (0, 0, 1))
    assert first.model.source_digest == second.model.source_digest
    assert first.model.source_digest != other.model.source_digest
    assert first.validation.sha256 == other.validation.sha256, "the split does not depend on the seed"


def test_without_a_test_set_there_is_no_accuracy(short, few):
    assert train(short, replace(few, test=None), Silent()).accuracy is None


class Interrupted(Silent):
    def __init__(self, epoch):
        self.epoch = epoch

    def step(self, epoch, step, loss):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_interrupted_in_the_second_epoch_the_first_is_kept(short, few):
    run = train(short, few, Interrupted(2))
    assert run.fit.interrupted
    assert run.accuracy is None, "the test images are for finished networks"
    assert np.isfinite(score(run.model, few.test.images)).all()


def test_interrupted_in_the_first_epoch_there_is_nothing_to_keep(short, few):
    with pytest.raises(StoppedError, match=r"before the first epoch was done: nothing was saved\. Start it again\."):
        train(short, few, Interrupted(1))


def test_an_architecture_that_does_not_do_is_said_before_any_training(short, few, tmp_path):
    (tmp_path / "bad.py").write_text("def build(input_shape, classes): return 1 / 0")
    with pytest.raises(ContentError, match=r"bad\.py cannot build a network"):
        train(replace(short, model=str(tmp_path / "bad.py")), few, Interrupted(1))


def test_what_is_saved_is_what_was_trained(tiny_model, tiny_digits, tmp_path):
    save(tiny_model.network, tmp_path / "x.keras")
    saved = load(tmp_path / "x.keras")
    np.testing.assert_array_equal(score(saved, tiny_digits.test.images), score(tiny_model, tiny_digits.test.images))
    assert [path.name for path in tmp_path.iterdir()] == ["x.keras"]


def test_a_save_that_fails_leaves_the_old_model(tiny_network, tmp_path, monkeypatch):
    save(tiny_network, tmp_path / "x.keras")
    before = (tmp_path / "x.keras").read_bytes()

    def full_disk(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Sequential, "save", full_disk)
    with pytest.raises(UsageError, match=r"x\.keras cannot be written: No space left on device\."):
        save(tiny_network, tmp_path / "x.keras")
    assert (tmp_path / "x.keras").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.keras"]
