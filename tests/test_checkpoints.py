"""Whole checkpoints alone: a damaged byte, a missing file, a full disk. Kills are in test_checkpoints_killed.py."""

import errno
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.checkpoints import DIGESTS, RECORD, differences, discard, newest, refuse_changed, write
from digitedge.errors import ContentError, UsageError

STATE = "state.data-00000-of-00001"


def save(folder):
    """Two files, as TensorFlow writes them."""
    (folder / "state.index").write_bytes(b"an index")
    (folder / STATE).write_bytes(bytes(range(200)))


def written(folder, *epochs):
    for epoch in epochs:
        write(folder, epoch, {"history": {"loss": [1 / 3] * epoch}}, save)
    return folder


def shorten(path):
    path.write_bytes(path.read_bytes()[:-1])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_found(tmp_path):
    path = write(tmp_path / "checkpoint", 7, {"history": {"loss": [0.1, 1 / 3]}, "patience": None}, save)
    found, remarks = newest(tmp_path / "checkpoint")
    assert (found.path, found.epoch, remarks) == (path, 7, ())
    assert found.record == {"history": {"loss": [0.1, 1 / 3]}, "patience": None}
    assert path == tmp_path / "checkpoint" / "epoch-0007"
    assert (found.path / STATE).read_bytes() == bytes(range(200))


def test_no_folder_and_an_empty_one_hold_none(tmp_path):
    assert newest(tmp_path / "checkpoint") == (None, ())
    assert newest(tmp_path) == (None, ())


def test_the_two_newest_remain(tmp_path):
    written(tmp_path, 1, 2, 3)
    assert names(tmp_path) == ["epoch-0002", "epoch-0003"]


def test_ten_thousand_epochs_are_in_order(tmp_path):
    written(tmp_path, 9_999, 10_000)
    assert newest(tmp_path)[0].epoch == 10_000


def test_the_digests_are_checked_by_sha256sum_too(tmp_path):
    path = write(tmp_path, 1, {}, save)
    check = ["sha256sum", "--check", "--strict", DIGESTS]
    assert subprocess.run(check, cwd=path, capture_output=True, check=False).returncode == 0
    (path / STATE).write_bytes(b"")
    assert subprocess.run(check, cwd=path, capture_output=True, check=False).returncode == 1


def test_a_checkpoint_is_as_readable_as_any_other_folder(tmp_path):
    before = os.umask(0o027)
    try:
        path = write(tmp_path, 1, {}, save)
    finally:
        os.umask(before)
    assert [oct(one.stat().st_mode & 0o777) for one in (path, path / RECORD)] == ["0o750", "0o640"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".epoch-0002.k1ll3d").mkdir(parents=True)
    (tmp_path / ".epoch-0002.k1ll3d" / STATE).write_bytes(b"half")
    assert newest(tmp_path) == (None, ())
    written(tmp_path, 1)
    assert names(tmp_path) == ["epoch-0001"]


def test_epochs_of_a_training_that_was_given_up_go(tmp_path):
    """After a fall back to the older one, the epochs that follow it are trained again."""
    written(tmp_path, 6, 7)
    (tmp_path / "epoch-0007" / STATE).unlink()
    written(tmp_path, 7)
    assert (newest(tmp_path)[0].epoch, newest(tmp_path)[1]) == (7, ())
    written(tmp_path, 3)
    assert names(tmp_path) == ["epoch-0003"]


def test_discarded_checkpoints_take_their_folder_along(tmp_path):
    written(tmp_path / "checkpoint", 1, 2)
    discard(tmp_path / "checkpoint")
    assert names(tmp_path) == []
    discard(tmp_path / "checkpoint")


def test_files_of_somebody_else_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    written(tmp_path, 1, 2, 3)
    discard(tmp_path)
    assert names(tmp_path) == ["notes.txt"]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A folder with the epochs 6 and 7; whoever damages it mends it again."""
    return written(tmp_path_factory.mktemp("two"), 6, 7)


def used_instead(folder):
    """Why epoch 7 is passed over."""
    found, (remark,) = newest(folder)
    assert (found.epoch, found.path.name) == (6, "epoch-0006")
    before, after = f"{folder / 'epoch-0007'} cannot be used: ", "; epoch-0006 is used instead."
    assert remark.startswith(before)
    assert remark.endswith(after)
    return remark.removeprefix(before).removesuffix(after)


@given(data=st.data(), name=st.sampled_from(["state.index", STATE, RECORD, DIGESTS]), cut=st.booleans())
def test_no_damaged_byte_goes_unseen(two, data, name, cut):
    path = two / "epoch-0007" / name
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[at] ^ data.draw(st.integers(1, 255))])
    try:
        path.write_bytes(whole[:at] if cut else whole[:at] + flipped + whole[at + 1 :])
        assert used_instead(two).isprintable()
    finally:
        path.write_bytes(whole)
    found, remarks = newest(two)
    assert (found.epoch, remarks) == (7, ()), "what is whole again is used again"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: (path / STATE).write_bytes(b"other"), f"{STATE} has another digest than SHA256SUMS says"),
        (lambda path: (path / "state.index").unlink(), "state.index is missing"),
        (lambda path: (path / "more").write_bytes(b""), "SHA256SUMS does not fit the files beside it"),
        (lambda path: shorten(path / DIGESTS), "SHA256SUMS does not fit the files beside it"),
        (lambda path: (path / DIGESTS).unlink(), "SHA256SUMS cannot be read (No such file or directory)"),
        (lambda path: path.rename(path.with_name("epoch-0008")), "it was written as epoch 7"),
    ],
)
def test_the_damage_is_named(tmp_path, damage, why):
    damage(written(tmp_path, 6, 7) / "epoch-0007")
    found, (remark,) = newest(tmp_path)
    assert found.epoch == 6
    assert f" cannot be used: {why}; epoch-0006 is used instead." in remark


def test_a_file_in_the_place_of_a_checkpoint_is_passed_over_and_replaced(tmp_path):
    written(tmp_path, 6)
    (tmp_path / "epoch-0007").write_text("")
    assert used_instead(tmp_path) == "SHA256SUMS cannot be read (Not a directory)"
    written(tmp_path, 7)
    assert newest(tmp_path)[0].epoch == 7


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("{", "record.json cannot be understood (JSONDecodeError("),
        ("[1]", "record.json cannot be understood (TypeError("),
        ("[" * 100_000, "record.json cannot be understood (RecursionError("),
        ('{"schema_version": 1, "record": {}}', "record.json cannot be understood (KeyError('epoch'))"),
        ('{"schema_version": 1, "epoch": 7}', "record.json cannot be understood (KeyError('record'))"),
        ('{"schema_version": 2}', "it has schema_version 2, and this digitedge reads 1"),
    ],
)
def test_a_record_with_the_right_digest_and_another_content_is_passed_over(tmp_path, record, why):
    path = written(tmp_path, 6, 7) / "epoch-0007"
    (path / RECORD).write_text(record)
    sums = ["sha256sum", RECORD, STATE, "state.index"]
    (path / DIGESTS).write_bytes(subprocess.run(sums, cwd=path, capture_output=True, check=True).stdout)
    assert used_instead(tmp_path).startswith(why)


def test_nothing_but_damaged_checkpoints_is_an_error(tmp_path):
    written(tmp_path, 6, 7)
    for name in names(tmp_path):
        (tmp_path / name / STATE).unlink()
    with pytest.raises(ContentError) as error:
        newest(tmp_path)
    assert str(error.value) == (
        f"no checkpoint in {tmp_path} can be used: epoch-0007: {STATE} is missing; epoch-0006: {STATE} is missing. "
        "Type --overwrite instead of --resume to train anew."
    )


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ContentError, match=r"checkpoint cannot be read: Not a directory\. It must be a folder that"):
        newest(tmp_path / "checkpoint")
    with pytest.raises(UsageError, match=r"epoch-0001 cannot be written: a file is in the way\. Choose a folder"):
        written(tmp_path / "checkpoint", 1)


def test_a_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)  # the administrator may write anywhere
    with pytest.raises(UsageError) as error:
        written(tmp_path, 1)
    assert str(error.value) == (
        f"{tmp_path / 'epoch-0001'} cannot be written: Permission denied. Choose a folder that you may write."
    )


class ResourceExhaustedError(Exception):
    """As TensorFlow's, which is no OSError."""


FULL = "No space left on device"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, FULL), ResourceExhaustedError(f"a/b; {FULL} [Op:SaveV2]")])
def test_a_full_disk_costs_no_older_checkpoint(tmp_path, error):
    def half(folder):
        (folder / STATE).write_bytes(b"half")
        raise error

    written(tmp_path, 5, 6)
    with pytest.raises(UsageError) as refused:
        write(tmp_path, 7, {}, half)
    assert str(refused.value) == (
        f"{tmp_path / 'epoch-0007'} cannot be written: {FULL}. Free some space, or choose a folder on another disk."
    )
    assert names(tmp_path) == ["epoch-0005", "epoch-0006"]
    assert newest(tmp_path)[0].epoch == 6


@pytest.mark.parametrize("error", [ResourceExhaustedError("out of GPU memory"), KeyboardInterrupt()])
def test_any_other_failure_goes_on_and_leaves_nothing(tmp_path, error):
    def fail(folder):
        save(folder)
        raise error

    written(tmp_path, 6)
    with pytest.raises(type(error)):
        write(tmp_path, 7, {}, fail)
    assert names(tmp_path) == ["epoch-0006"]


def test_a_record_that_is_not_strict_json_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(tmp_path / "checkpoint", 1, {"loss": float("nan")}, save)
    assert names(tmp_path) == []


def test_settings_that_are_the_same_differ_in_nothing(tmp_path):
    settings = {"epochs": 12, "size": (28, 28), "patience": None, "augment": {"name": "digits", "zoom": 0.1}}
    write(tmp_path, 1, {"settings": settings}, save)
    recorded = newest(tmp_path)[0].record["settings"]
    assert differences(recorded, settings) == ()
    refuse_changed(tmp_path, recorded, settings)


@pytest.mark.parametrize(
    ("recorded", "asked", "difference"),
    [
        ({"epochs": 12}, {"epochs": 30}, "epochs: 12 before, 30 now"),
        ({"schedule": "cosine"}, {"schedule": "plateau"}, 'schedule: "cosine" before, "plateau" now'),
        ({"patience": None}, {"patience": 3}, "patience: none before, 3 now"),
        ({"patience": None}, {}, "patience: none before, not there now"),
        ({}, {"zoom": 0.1}, "zoom: not there before, 0.1 now"),
        ({"size": [28, 28]}, {"size": (32, 28)}, "size: [28, 28] before, [32, 28] now"),
        ({"augment": {"a": 1, "zoom": 0.1}}, {"augment": {"a": 1, "zoom": 0}}, "augment.zoom: 0.1 before, 0 now"),
        ({"seed": "5"}, {"seed": 5}, 'seed: "5" before, 5 now'),
    ],
)
def test_a_setting_that_differs_is_told_with_both_values(recorded, asked, difference):
    assert differences(recorded, asked) == (difference,)


def test_changed_settings_are_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError) as error:
        refuse_changed(tmp_path, {"epochs": 12, "seed": 0, "data": "mnist"}, {"epochs": 30, "seed": 1, "data": "mnist"})
    assert str(error.value) == (
        f"the settings of {tmp_path} have changed: epochs: 12 before, 30 now; seed: 0 before, 1 now. "
        "Type the same settings, or name another folder with --out."
    )
