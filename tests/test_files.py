import errno
import json
import os
import signal
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge import files
from digitedge.errors import ContentError, OutputExistsError, UsageError


def test_what_is_written_is_read_back(tmp_path):
    path = files.write_bytes(tmp_path / "new" / "folder" / "x.bin", b"\x00\xff")
    assert files.read_bytes(path) == b"\x00\xff"


def test_a_block_that_raises_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = files.write_text(tmp_path / "x.txt", "old")
    with pytest.raises(RuntimeError, match="in the middle"), files.replacing(path) as temporary:
        temporary.write_text("half of the ne")
        raise RuntimeError("in the middle")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_lies_beside_the_target_and_has_its_suffix(tmp_path):
    with files.replacing(tmp_path / "x.keras") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".keras")


WRITER = """
import sys
from pathlib import Path
from digitedge.files import replacing
with replacing(Path(sys.argv[1])) as temporary, temporary.open("wb") as stream:
    stream.write(b"half of the new")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_a_kill_in_the_middle_leaves_the_old_content(tmp_path):
    path = files.write_text(tmp_path / "x.txt", "old")
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert path.read_text() == "old"


def test_a_result_is_as_readable_as_any_other_file(tmp_path):
    before = os.umask(0o027)
    try:
        path = files.write_text(tmp_path / "x.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("write", [lambda path: files.write_text(path / "x", ""), files.make_folder])
def test_a_folder_that_is_a_file_cannot_be_written(tmp_path, write):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file.* cannot be written: .*\. Choose a folder that you may write\."):
        write(tmp_path / "file")


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="x cannot be written: Is a directory"):
        files.write_text(tmp_path / "x", "")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_a_folder_appears_with_all_that_lies_in_it(tmp_path):
    with files.replacing_folder(tmp_path / "new" / "x") as temporary:
        assert temporary.parent == tmp_path / "new"
        assert temporary.name.startswith(".x.")
        (temporary / "inner").mkdir()
        (temporary / "inner" / "file").write_text("whole")
        assert not (tmp_path / "new" / "x").exists()
    assert list((tmp_path / "new").rglob("*.*")) == []
    assert (tmp_path / "new" / "x" / "inner" / "file").read_text() == "whole"


@pytest.mark.parametrize("error", [RuntimeError("in the middle"), OSError(errno.ENOSPC, "No space left on device")])
def test_a_folder_that_is_not_finished_leaves_the_old_one(tmp_path, error):
    files.write_text(tmp_path / "x" / "file", "old")
    with pytest.raises((RuntimeError, UsageError)), files.replacing_folder(tmp_path / "x") as temporary:
        (temporary / "file").write_text("new")
        raise error
    assert (tmp_path / "x" / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_a_finished_folder_replaces_the_old_one(tmp_path):
    files.write_text(tmp_path / "x" / "old", "old")
    with files.replacing_folder(tmp_path / "x") as temporary:
        (temporary / "new").write_text("new")
    assert list(tmp_path.rglob("*")) == [tmp_path / "x", tmp_path / "x" / "new"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_answered_with_its_cure(tmp_path, number):
    with pytest.raises(UsageError) as error, files.replacing(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert str(error.value) == (
        f"{tmp_path / 'x'} cannot be written: {os.strerror(number)}. "
        "Free some space, or choose a folder on another disk."
    )


def test_what_is_removed_leaves_nothing(tmp_path):
    files.write_text(tmp_path / "x" / "inner" / "file", "")
    files.write_text(tmp_path / "y", "")
    files.remove(tmp_path / "x")
    files.remove(tmp_path / "y")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match=r"x cannot be removed: No such file or directory\. Check"):
        files.remove(tmp_path / "x")


def test_json_is_strict(tmp_path):
    path = tmp_path / "x.json"
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(path, {"x": float("nan")})
    assert not path.exists()


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_any_json_object_comes_back(tmp_path_factory, document):
    path = files.write_json(tmp_path_factory.getbasetemp() / "any.json", document)
    assert files.read_json(path) == document
    assert path.read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.json is empty"),
        (b'{"x": ', "x.json is not JSON"),
        (b"\xff\xfe\x00", "x.json is not JSON"),
        (b"[1]", "x.json is not a JSON object"),
        (b"[" * 100_000, "x.json is not JSON"),
    ],
)
def test_damaged_json_is_named(tmp_path, content, message):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ContentError, match=message):
        files.read_json(tmp_path / "x.json")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ContentError, match=r"nothing does not exist\. Check the path\."):
        files.read_bytes(tmp_path / "nothing")
    with pytest.raises(ContentError, match="cannot be read: Is a directory"):
        files.read_bytes(tmp_path)


def test_an_existing_output_is_refused_unless_it_may_be_replaced(tmp_path):
    path = files.write_text(tmp_path / "x", "old")
    files.refuse_existing(path, overwrite=True)
    files.refuse_existing(tmp_path / "new", overwrite=False)
    with pytest.raises(OutputExistsError, match="exists already"):
        files.refuse_existing(path, overwrite=False)


def test_a_moved_file_takes_its_empty_folder_along(tmp_path):
    first, second = (files.write_text(tmp_path / "rejected" / name, name) for name in ("a", "b"))
    assert files.move(first, tmp_path / "a").read_text() == "a"
    assert (tmp_path / "rejected").is_dir()
    files.move(second, tmp_path / "b")
    assert not (tmp_path / "rejected").exists()


def test_the_digest_is_sha256():
    assert files.sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_document_has_two_spaces_of_indent(tmp_path):
    assert (
        files.write_json(tmp_path / "x", {"a": 1}).read_text()
        == '{\n  "a": 1\n}\n'
        == json.dumps({"a": 1}, indent=2) + "\n"
    )


def test_a_large_file_is_read_piece_by_piece(tmp_path):
    (tmp_path / "x").write_bytes(b"abcdef")
    with files.reading(tmp_path / "x") as stream:
        assert (stream.read(4), stream.read(4), stream.read(4)) == (b"abcd", b"ef", b"")


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "does not exist. Check"), ("empty", "is empty. Make"), ("", "cannot be read: Is a")],
)
def test_a_file_that_cannot_be_read_is_refused_when_it_is_opened(tmp_path, name, message):
    (tmp_path / "empty").touch()
    with pytest.raises(ContentError, match=f"{tmp_path / name} {message}"), files.reading(tmp_path / name):
        raise AssertionError("it was opened")
