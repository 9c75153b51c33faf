import numpy as np
import pytest

from digitedge.data import csv, loading
from digitedge.data.loading import judged_on, kinds, load, named
from digitedge.errors import ContentError, UnknownNameError

CSV = "label,pixel0\n0,7\n1,9\n"


def test_the_built_in_data_sets_are_named():
    assert named() == ("mnist", "mnist-kaggle")


def test_a_path_is_read_by_the_source_that_accepts_it(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(CSV)
    assert load(str(path)).train.labels.tolist() == [0, 1]


def test_a_model_is_judged_on_the_test_part_where_there_is_one(tmp_path):
    path = tmp_path / "x.npz"
    images = np.zeros((2, 3, 3), np.uint8)
    np.savez(path, x_train=images, y_train=[0, 1], x_test=images[:1], y_test=[1])
    assert judged_on(str(path)).labels.tolist() == [1]
    np.savez(path, x_train=images, y_train=[0, 1])
    assert judged_on(str(path)).labels.tolist() == [0, 1]


def test_a_size_holds_for_both_parts(tmp_path):
    path = tmp_path / "x.npz"
    images = np.zeros((2, 3, 3), np.uint8)
    np.savez(path, x_train=images, y_train=[0, 1], x_test=images[:1], y_test=[1])
    splits = load(str(path), (4, 5))
    assert splits.train.image_shape == splits.test.image_shape == (4, 5, 1)
    assert judged_on(str(path), (4, 5)).sha256 == splits.test.sha256
    assert splits.test.changes[0] == f"1 of 1 images of {path} resized to 4x5 (height x width)"


@pytest.mark.parametrize("name", ["mnst", "", "MNIST", "mnist "])
def test_an_unknown_name_lists_the_names_and_is_never_guessed(name):
    with pytest.raises(UnknownNameError) as caught:
        load(name)
    assert caught.value.choices == ("mnist", "mnist-kaggle")
    assert f"unknown data set: {name.strip()}" in str(caught.value)


@pytest.mark.parametrize("source", ["no/such/thing", "./mnist", "digits.tar"])
def test_a_path_where_nothing_is_is_said_to_be_missing(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ContentError, match=f"{source} does not exist. Check the path, or choose from: mnist, mnist-kaggle"
    ):
        load(source)


@pytest.mark.parametrize("name", ["digits.tar", "digits", "t.onnx"])
def test_a_file_of_an_unread_kind_lists_the_kinds(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"something")
    with pytest.raises(ContentError) as caught:
        load(str(path))
    assert str(caught.value) == f"{path} is not a data set of a kind that is read. What is read: {'; '.join(kinds())}."


def test_a_folder_without_images_lists_the_kinds(tmp_path):
    with pytest.raises(ContentError, match=r"is not a data set of a kind that is read. What is read: a .csv file"):
        load(str(tmp_path))


def test_a_built_in_name_wins_over_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "mnist/a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert len(load("mnist").train) == 60_000
    with pytest.raises(ContentError, match="mnist has 1 sub-folder"):
        load("./mnist")


def test_two_sources_that_accept_the_same_path_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "entries", lambda *_: {"csv": csv, "again": csv})
    with pytest.raises(ContentError, match=r"can be read in two ways: a .csv file .* and a .csv file"):
        load(str(tmp_path / "x.csv"))


def test_a_name_longer_than_the_file_system_allows_is_an_error_of_ours():
    with pytest.raises(ContentError, match="cannot be read: File name too long"):
        load("x/" + "y" * 5000)
