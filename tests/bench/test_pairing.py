"""Which rows belong together, and which old file is there to be measured again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from digitedge.bench.earlier import Earlier, EarlierRow
from digitedge.bench.pairing import plan
from digitedge.config import BenchConfig
from earlier_rows import row_then

if TYPE_CHECKING:
    from pathlib import Path

    from digitedge.bench.target import Target

CONFIG, SHAPE = BenchConfig(), (4, 4, 1)


def earlier_of(folder: Path, *rows: EarlierRow) -> Earlier:
    return Earlier(folder / "bench.json", rows, {}, None)


def test_an_old_file_that_exists_is_measured_again(old: Path, new: Target) -> None:
    (pair,) = plan(earlier_of(old.parent, row_then(old)), [new], CONFIG, SHAPE).pairs
    assert (pair.now, pair.reason) == (new, None)
    assert pair.again == replace(new, path=old, is_earlier=True)


def test_the_very_same_file_is_measured_twice(new: Target) -> None:
    planned = plan(earlier_of(new.path.parent, row_then(new.path)), [new], CONFIG, SHAPE)
    assert planned.again == (replace(new, is_earlier=True),)
    assert planned.again[0] != new


def test_a_run_folder_that_has_moved_is_found_by_its_bench_json(old: Path, new: Target, tmp_path: Path) -> None:
    recorded = row_then(old, path=str(tmp_path / "elsewhere" / old.name))
    (pair,) = plan(earlier_of(old.parent, recorded), [new], CONFIG, SHAPE).pairs
    assert pair.again is not None
    assert pair.again.path == old


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "/nowhere/tiny.fp32.onnx"}, "the old file does not exist any more"),
        ({"sha256": "1" * 64}, "the old file has been replaced by another"),
        ({"sha256": None}, "the sha256 of the old file was not recorded"),
    ],
)
def test_an_old_file_that_is_not_the_one_is_not_measured(
    old: Path, new: Target, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    (pair,) = plan(earlier_of(tmp_path / "none", row_then(old, **changes)), [new], CONFIG, SHAPE).pairs
    assert (pair.now, pair.again, pair.reason) == (new, None, reason)


def test_an_old_file_for_other_images_or_a_damaged_one_is_not_measured(old: Path, new: Target) -> None:
    (pair,) = plan(earlier_of(old.parent, row_then(old)), [new], CONFIG, (8, 8, 3)).pairs
    assert (pair.again, pair.reason) == (None, "the old file takes images of 4x4x1")
    old.write_bytes(old.read_bytes()[:100])
    (pair,) = plan(earlier_of(old.parent, row_then(old)), [new], CONFIG, SHAPE).pairs
    assert pair.again is None
    assert pair.reason is not None
    assert pair.reason.startswith(f"the old file cannot be loaded: {old} ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "/old/other.fp32.onnx"}, "no file of that name is measured now"),
        ({"precision": "int8"}, "it was int8 then, and fp32 now"),
        ({"provider": "openvino"}, "other engine: it ran on openvino then, and runs on cpu now"),
        ({"threads": 2}, "other threads or batch: 2 and 1 then, 1 and 1 now"),
        ({"batch": 8}, "other threads or batch: 1 and 8 then, 1 and 1 now"),
    ],
)
def test_what_has_no_counterpart_is_not_comparable_and_not_measured(
    old: Path, new: Target, changes: dict[str, Any], reason: str
) -> None:
    planned = plan(earlier_of(old.parent, row_then(old, **changes)), [new], CONFIG, SHAPE)
    assert planned.again == ()
    assert (planned.pairs[0].now, planned.pairs[0].reason) == (None, reason)


def test_of_two_files_of_one_name_that_of_the_same_path_is_taken_or_none(old: Path, new: Target) -> None:
    same = replace(new, path=old)
    (pair,) = plan(earlier_of(old.parent, row_then(old)), [new, same], CONFIG, SHAPE).pairs
    assert pair.now == same
    recorded = row_then(old, path="/gone/tiny.fp32.onnx")
    (pair,) = plan(earlier_of(old.parent, recorded), [new, same], CONFIG, SHAPE).pairs
    assert (pair.now, pair.reason) == (None, "2 files of that name are measured now")


def test_images_in_the_memory_of_a_provider_are_compared_with_such_alone(old: Path, new: Target) -> None:
    bound = replace(new, io="device")
    then = earlier_of(old.parent, row_then(old, io="device"))
    (pair,) = plan(then, [new, bound], CONFIG, SHAPE).pairs
    assert (pair.now, pair.again) == (bound, replace(bound, path=old, is_earlier=True))
    (alone,) = plan(then, [new], CONFIG, SHAPE).pairs
    assert (alone.now, alone.reason) == (None, "it was measured with io 'device' on cpu then, and is not now")
