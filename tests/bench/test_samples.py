"""Every sample goes in and comes out again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitedge.bench.samples import Sampled, Timed, read_samples, write_samples
from digitedge.errors import ContentError
from digitedge.files import read_bytes, sha256

if TYPE_CHECKING:
    from pathlib import Path

TIMED = Timed("/runs/a/ä.onnx", "0" * 64, "onnx", "cpu", 1, 1, "result")
FLOOR = Timed("identity.onnx", None, "onnx", "cpu", 1, 1, "floor")


def sampled() -> list[Sampled]:
    random = np.random.default_rng(0)
    return [
        Sampled(TIMED, tuple(random.normal(60.0, 1.0, n) for n in (5, 1, 700))),
        Sampled(FLOOR, (np.array([3.25]),)),
    ]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    digest = write_samples(tmp_path / "bench.samples.npz", sampled())
    assert digest == sha256(read_bytes(tmp_path / "bench.samples.npz"))
    read = read_samples(tmp_path / "bench.samples.npz")
    assert [one.timed for one in read] == [TIMED, FLOOR]
    for one, original in zip(read, sampled(), strict=True):
        assert len(one.processes) == len(original.processes)
        for samples, written in zip(one.processes, original.processes, strict=True):
            assert samples.dtype == np.float64
            np.testing.assert_array_equal(samples, written)


def test_it_is_as_documented_for_those_who_have_numpy_alone(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.npz", sampled())
    with np.load(tmp_path / "s.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {
            *("schema_version", "rows"),
            *("samples_us_0", "processes_0", "samples_us_1", "processes_1"),
        }
        assert arrays["processes_0"].tolist() == [5, 1, 700]
        assert int(arrays["schema_version"]) == 1


def test_nothing_timed_is_a_file_too(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.npz", [])
    assert read_samples(tmp_path / "s.npz") == ()


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    write_samples(path, sampled())
    whole = path.read_bytes()
    for damaged in (whole[:-30], b"garbage", whole[:40] + bytes(60) + whole[100:]):
        path.write_bytes(damaged)
        with pytest.raises(ContentError, match=r"s\.npz holds no samples: .*Measure again\."):
            read_samples(path)


def test_another_version_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", schema_version=np.array(2), rows=np.array("[]"))
    with pytest.raises(ContentError, match="has schema_version 2; this digitedge reads 1"):
        read_samples(tmp_path / "s.npz")


def test_counts_that_do_not_fit_the_samples_are_refused(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.npz", sampled())
    with np.load(tmp_path / "s.npz") as arrays:
        np.savez(tmp_path / "s.npz", **{**arrays, "processes_0": np.array([5, 1])})
    with pytest.raises(ContentError, match="row 0 has 706 samples and the processes of it 6"):
        read_samples(tmp_path / "s.npz")


def test_how_images_came_is_kept_and_older_files_knew_only_copies(tmp_path: Path) -> None:
    bound = replace(TIMED, io="device")
    write_samples(tmp_path / "s.npz", [replace(one, timed=bound) for one in sampled()[:1]])
    assert read_samples(tmp_path / "s.npz")[0].timed == bound
    with np.load(tmp_path / "s.npz") as arrays:
        contents = dict(arrays)
    rows = [{name: value for name, value in row.items() if name != "io"} for row in json.loads(str(contents["rows"]))]
    np.savez_compressed(tmp_path / "old.npz", **{**contents, "rows": np.array(json.dumps(rows))})
    assert read_samples(tmp_path / "old.npz")[0].timed == TIMED
