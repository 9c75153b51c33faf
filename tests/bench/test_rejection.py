"""A verify.json speaks of the bytes that it was made of, and of no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from digitedge.bench.rejection import rejections
from digitedge.errors import ContentError
from digitedge.files import sha256, write_json

if TYPE_CHECKING:
    from pathlib import Path

BYTES = b"a model"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.int8.onnx"
    path.write_bytes(BYTES)
    return path


def judged(path: Path, *, passed: bool, of: bytes = BYTES, **more: Any) -> None:
    row = {"path": str(path), "passed": passed, "reason": "5 labels differ", "engine": "ONNX Runtime 1", **more}
    write_json(path.parent / "verify.json", {"results": [{**row, "sha256": sha256(of)}]})


def test_without_a_verification_nothing_is_rejected(path: Path) -> None:
    assert rejections([path]) == {}


def test_what_failed_is_rejected_with_the_reason(path: Path) -> None:
    judged(path, passed=False)
    assert rejections([path, path]) == {path: "5 labels differ (ONNX Runtime 1)"}


def test_what_passed_is_not(path: Path) -> None:
    judged(path, passed=True)
    assert rejections([path]) == {}


def test_a_verification_of_other_bytes_says_nothing(path: Path) -> None:
    judged(path, passed=False, of=b"what was there before")
    assert rejections([path]) == {}


def test_a_record_that_keeps_no_digests_says_nothing(path: Path) -> None:
    write_json(path.parent / "verify.json", {"results": [{"passed": False, "reason": "x", "engine": "y"}]})
    assert rejections([path]) == {}


def test_a_copied_folder_keeps_its_verdict(path: Path, tmp_path: Path) -> None:
    judged(path, passed=False)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("verify.json", path.name):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    assert list(rejections([copy / path.name])) == [copy / path.name]


def test_a_record_that_cannot_be_understood_is_an_error(path: Path) -> None:
    for document in ({}, {"results": [{"reason": "x"}]}, {"results": [None]}):
        write_json(path.parent / "verify.json", document)
        with pytest.raises(ContentError, match=r"verify\.json does not say whether tiny\.int8\.onnx passed"):
            rejections([path])
