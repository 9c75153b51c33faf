"""An older bench.json is read, or refused in one line; and its figures stand beside today's only where they may."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import earlier_rows
from digitedge.bench.earlier import Earlier, circumstances_apart, floors_apart, read_earlier
from digitedge.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MACHINE = {**earlier_rows.MACHINE, "load_1min": 0.1}
VERSIONS = {"onnxruntime": "1.2", "numpy": "2.0", "ai-edge-litert": "2.1", "tensorflow": None, "tf-keras": None}
CONTEXT = {"versions": VERSIONS, "before": {"load_1min": 0.1}}
ROW = {
    "path": "/r/a.fp32.onnx",
    "format": "onnx",
    "precision": "fp32",
    "provider": "cpu",
    "threads": 1,
    "batch": 1,
    "p50_us": 60.0,
    "p50_low_us": 59.0,
    "p50_high_us": 61.0,
    "floor_p50_us": 3.0,
    "valid": True,
    "reason": None,
    "sha256": "0" * 64,
    "unknown_key_of_a_later_version": 1,
}
DOCUMENT = {"schema_version": 1, "command": "bench", "machine": MACHINE, "context": CONTEXT, "results": [ROW]}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Writes a document as bench.json."""

    def write_document(document: Any) -> Path:
        path = tmp_path / "bench.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write_document


def without(document: dict[str, Any], *keys: Any) -> dict[str, Any]:
    """A copy that lacks what the keys lead to."""
    copied = copy.deepcopy(document)
    *way, last = keys
    inner: Any = copied
    for key in way:
        inner = inner[key]
    del inner[last]
    return copied


def test_it_is_read(write: Callable[[Any], Path]) -> None:
    earlier = read_earlier(write(DOCUMENT))
    (row,) = earlier.rows
    assert (row.path, row.p50_us, row.sha256, row.engine) == ("/r/a.fp32.onnx", 60.0, "0" * 64, None)
    assert earlier.context == CONTEXT


def test_one_without_the_newer_keys_is_read_too(write: Callable[[Any], Path]) -> None:
    earlier = read_earlier(write(without(without(DOCUMENT, "context"), "results", 0, "sha256")))
    assert (earlier.rows[0].sha256, earlier.context) == (None, None)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ({}, "is no document of digitedge bench"),
        ({**DOCUMENT, "command": "verify"}, "is no document of digitedge bench"),
        ({**DOCUMENT, "schema_version": 2}, "has schema_version 2; this digitedge reads 1"),
        ({**DOCUMENT, "error": {"kind": "usage"}}, "is of a benchmark that failed: it does not say how"),
        ({**DOCUMENT, "results": []}, "holds no results to compare with"),
        ({**DOCUMENT, "results": None}, "cannot be understood"),
        ({**DOCUMENT, "results": ["a"]}, "cannot be understood"),
        ({**DOCUMENT, "results": [{**ROW, "p50_us": -1.0}]}, "p50_us is -1.0"),
        ({**DOCUMENT, "results": [{**ROW, "p50_us": float("nan")}]}, "p50_us is nan"),
        ({**DOCUMENT, "results": [{**ROW, "path": None}]}, "path is None"),
        ({**DOCUMENT, "results": [{**ROW, "format": "vhdl"}]}, "format is 'vhdl'"),
        (without(DOCUMENT, "results"), "cannot be understood: KeyError('results')"),
        (without(DOCUMENT, "results", 0, "p50_low_us"), "cannot be understood: KeyError('p50_low_us')"),
        (without(DOCUMENT, "machine"), "cannot be understood: KeyError('machine')"),
        (without(DOCUMENT, "machine", "flags"), "cannot be understood: KeyError('flags')"),
        (without(DOCUMENT, "context", "before"), "cannot be understood: KeyError('before')"),
        (without(DOCUMENT, "context", "versions", "numpy"), "cannot be understood: KeyError('numpy')"),
    ],
)
def test_anything_else_is_one_line(write: Callable[[Any], Path], document: Any, message: str) -> None:
    path = write(document)
    with pytest.raises(ContentError) as caught:
        read_earlier(path)
    assert str(caught.value).startswith(f"{path} ")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_one_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"old\.json does not exist\. Check the path\."):
        read_earlier(tmp_path / "old.json")


@pytest.fixture
def earlier(write: Callable[[Any], Path]) -> Earlier:
    return read_earlier(write(DOCUMENT))


def apart(earlier: Earlier, machine: Any = MACHINE, context: Any = CONTEXT) -> str | None:
    return circumstances_apart(earlier.rows[0], earlier, machine, context)


def test_equal_circumstances_are_not_apart(earlier: Earlier) -> None:
    assert apart(earlier) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cpu": "B"}, "other CPU: A then, B now"),
        ({"cpu": None}, "other CPU: A then, unknown now"),
        ({"flags": ["avx2", "avx512_vnni"]}, "other CPU flags: fewer then, avx512_vnni now"),
        ({"governor": "powersave"}, "other governor: unknown then, powersave now"),
        ({"cpu_limit": 0.5}, "other limit of the container: unknown then, 0.5 now"),
        ({"os": "Linux 7"}, "other system: Linux 6 then, Linux 7 now"),
    ],
)
def test_another_machine_is(earlier: Earlier, changes: dict[str, Any], reason: str) -> None:
    assert apart(earlier, {**MACHINE, **changes}) == reason


def test_another_version_of_the_engine_is_and_one_of_another_engine_is_not(earlier: Earlier) -> None:
    newer = {**CONTEXT, "versions": {**VERSIONS, "onnxruntime": "1.3"}}
    assert apart(earlier, context=newer) == "other version: onnxruntime 1.2 then, 1.3 now"
    other = {**CONTEXT, "versions": {**VERSIONS, "ai-edge-litert": "2.2"}}
    assert apart(earlier, context=other) is None


@pytest.mark.parametrize(("load", "same"), [(0.9, True), (1.1, True), (1.2, False), (None, True)])
def test_another_load_is_where_it_is_more_than_half_a_core_apart(
    earlier: Earlier, load: float | None, *, same: bool
) -> None:
    found = apart(earlier, context={**CONTEXT, "before": {"load_1min": load}})
    assert found == (None if same else "other load: 0.1 then, 1.2 now, on 2 cores")


def test_circumstances_that_were_not_recorded_are(earlier: Earlier) -> None:
    assert apart(replace(earlier, context=None)) == "its versions and its load were not recorded"


@pytest.mark.parametrize(("now", "same"), [(3.0, True), (3.2, True), (3.4, False), (2.5, False), (None, True)])
def test_the_floor_tells_whether_the_machine_is_in_the_same_state(now: float | None, *, same: bool) -> None:
    assert (floors_apart(3.0, now) is None) == same


def test_an_older_row_of_another_provider_has_no_floor_since_it_was_that_of_the_cpu(
    write: Callable[[Any], Path],
) -> None:
    rows = [ROW, ROW | {"provider": "openvino"}, ROW | {"provider": "openvino", "floor": "identity.onnx"}]
    earlier = read_earlier(write(DOCUMENT | {"results": rows}))
    assert [row.floor_p50_us for row in earlier.rows] == [3.0, None, 3.0]
