"""Run folders: which one is meant, which is new, and who may write there."""

import os
import shutil
from pathlib import Path

import pytest

from digitedge.artifact import MANIFEST
from digitedge.commands.folders import (
    KERAS_MODEL,
    exclusive,
    keras_model_of,
    model_files,
    new_run_folder,
    newest_run,
    whole_run,
)
from digitedge.errors import ContentError, OutputExistsError, UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def aged(path, seconds):
    """An empty file that was written so long after the others began."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))


def test_the_newest_run_is_the_one_trained_or_exported_last(tmp_path):
    aged(Path("runs/a/model.keras"), 1)
    aged(Path("runs/b/model.keras"), 2)
    assert newest_run() == tmp_path / "runs" / "b"
    aged(Path("runs/a/manifest.json"), 3)
    assert newest_run() == tmp_path / "runs" / "a"
    aged(Path("runs/b/manifest.json"), 1)
    assert newest_run() == tmp_path / "runs" / "a"
    aged(Path("runs/b/model.keras"), 4)
    assert newest_run() == tmp_path / "runs" / "b", "trained anew, though its manifest is old"


def test_an_export_needs_a_run_that_holds_a_model(tmp_path):
    aged(Path("runs/trained/model.keras"), 1)
    aged(Path("runs/exported/manifest.json"), 2)
    assert newest_run() == tmp_path / "runs" / "exported"
    assert newest_run(holding=[KERAS_MODEL]) == tmp_path / "runs" / "trained"


def test_other_folders_are_no_runs():
    Path("runs/notes").mkdir(parents=True)
    with pytest.raises(ContentError, match="there is no run in"):
        newest_run()


def test_a_new_run_gets_the_first_free_number(tmp_path):
    assert [new_run_folder("classic", None, overwrite=False).name for _ in range(3)] == [
        "classic", "classic-2", "classic-3",
    ]  # fmt: skip


def test_a_folder_that_was_named_is_taken_unless_it_holds_a_model(tmp_path):
    assert new_run_folder("classic", Path("mine"), overwrite=False) == tmp_path / "mine"
    aged(Path("mine/model.keras"), 1)
    with pytest.raises(OutputExistsError, match=r"mine/model\.keras exists already"):
        new_run_folder("classic", Path("mine"), overwrite=False)
    assert new_run_folder("classic", Path("mine"), overwrite=True) == tmp_path / "mine"


def test_only_one_may_write(tmp_path):
    with exclusive(tmp_path / "mine"):
        with pytest.raises(UsageError, match="another digitedge is writing into"), exclusive(tmp_path / "mine"):
            pass
        assert (tmp_path / "mine").exists(), "the first one still needs it"
    with exclusive(tmp_path / "mine"):
        pass


@pytest.mark.parametrize("new", [True, False])
def test_a_folder_that_got_nothing_is_removed_if_it_is_ours(tmp_path, new):
    (tmp_path / "mine").mkdir()
    with exclusive(tmp_path / "mine", new=new):
        pass
    assert (tmp_path / "mine").exists() is not new
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "made"):
        raise ZeroDivisionError
    assert not (tmp_path / "made").exists()


def test_a_folder_that_got_something_stays(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "mine"):
        (tmp_path / "mine" / "model.keras").touch()
        raise ZeroDivisionError
    assert (tmp_path / "mine" / "model.keras").exists()


def test_a_keras_model_is_a_file_or_lies_in_a_folder(tmp_path):
    aged(Path("run/model.keras"), 1)
    assert keras_model_of(Path("run")) == keras_model_of(Path("run/model.keras")) == tmp_path / "run" / "model.keras"
    Path("bare").mkdir()
    with pytest.raises(ContentError, match=r"bare holds no model\.keras\. Name a folder that digitedge train has made"):
        keras_model_of(Path("bare"))
    with pytest.raises(ContentError, match="gone does not exist"):
        keras_model_of(Path("gone"))


def test_a_run_is_whole_if_every_artefact_of_it_is_there(own_run, tmp_path):
    files = model_files([own_run])
    assert whole_run(files) == own_run
    assert whole_run(model_files([own_run, own_run / KERAS_MODEL])) == own_run
    assert whole_run(files[1:]) is None
    second = shutil.copytree(own_run, tmp_path / "second")
    assert whole_run(model_files([own_run, second])) is None
    (own_run / MANIFEST).unlink()
    assert whole_run(model_files([own_run / "tiny.fp32.onnx"])) is None


def test_a_file_named_twice_is_one_file(own_run):
    assert len(model_files([own_run, own_run, own_run / "tiny.fp32.onnx"])) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"files": {"tiny.fp32.onnx": {}}}'])
def test_a_damaged_manifest_is_told(own_run, content):
    (own_run / MANIFEST).write_text(content)
    with pytest.raises(ContentError) as caught:
        model_files([own_run])
    assert str(own_run / MANIFEST) in caught.value.message


def test_the_second_of_two_trainings_is_refused_in_one_line(digitedge, tiny_data, tmp_path):
    with exclusive(tmp_path / "mine"):
        ended = digitedge("train", "--data", tiny_data, "--out", "mine")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"error: another digitedge is writing into {tmp_path / 'mine'}. "
        "Wait until it is done, or name another folder with --out.\n"
    )


def test_files_of_two_folders_have_two_originals(digitedge, own_run, tmp_path):
    shutil.copytree(own_run, tmp_path / "second")
    ended = digitedge("verify", own_run, tmp_path / "second")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "the files lie in 2 folders, each with its own original. Verify one at a time."
