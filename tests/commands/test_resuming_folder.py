"""Which run --resume means."""

import pytest

from digitedge.commands.resuming import folder_to_resume


def test_a_folder_that_is_named_is_that_folder_if_it_is_there(tmp_path):
    assert folder_to_resume("mine", tmp_path / "none") is None
    assert folder_to_resume("mine", tmp_path) == tmp_path


def test_without_any_run_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert folder_to_resume("mine", None) is None


@pytest.mark.parametrize(
    ("there", "meant"),
    [
        ([], None),
        (["mine"], "mine"),
        (["mine", "mine-2", "mine-10", "mine-9"], "mine-10"),
        (["mine-3"], "mine-3"),
        (["mine", "mine2", "mine-2b", "mine-other", "mineral-3", "other"], "mine"),
        (["mine2"], None),
    ],
)
def test_the_newest_run_is_that_with_the_highest_number(tmp_path, monkeypatch, there, meant):
    monkeypatch.chdir(tmp_path)
    for name in there:
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs").mkdir(exist_ok=True)
    (tmp_path / "runs" / "mine-77").touch()
    assert folder_to_resume("mine", None) == (meant and tmp_path / "runs" / meant)


def test_a_name_with_brackets_is_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "net[1]-2").mkdir(parents=True)
    (tmp_path / "runs" / "net1-3").mkdir()
    assert folder_to_resume("net[1]", None) == tmp_path / "runs" / "net[1]-2"
