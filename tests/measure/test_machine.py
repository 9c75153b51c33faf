"""What is read of a machine, on this one and on files written as other machines would."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from digitedge.measure import machine

if TYPE_CHECKING:
    from pathlib import Path

PI = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41

processor\t: 1
"""
ZEN3 = """processor\t: 0
model name\t: AMD EPYC 7763
flags\t\t: fpu sse2 avx fma avx2 sha_ni

processor\t: 1
model name\t: another
"""


def described(**changes: Any) -> dict[str, Any]:
    return {**machine.describe(), "cpu": "AMD EPYC", "cores": 2, "cpu_limit": None, "flags": ["avx2"], **changes}


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    return tmp_path / "cpuinfo"


def test_the_description_is_json_and_cheap() -> None:
    machine.describe()
    begin = time.perf_counter()
    document = machine.describe()
    assert time.perf_counter() - begin < 0.010
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["cores"] >= 1
    assert list(document)[:4] == ["cpu", "architecture", "cores", "cpu_limit"]


def test_every_key_of_the_description_is_documented() -> None:
    for key in machine.describe():
        assert f"        {key}: " in str(machine.describe.__doc__)


def test_the_first_core_speaks_for_all(cpuinfo: Path) -> None:
    cpuinfo.write_text(ZEN3)
    document = machine.describe()
    assert document["cpu"] == "AMD EPYC 7763"
    assert document["flags"] == ["avx", "avx2", "fma"]
    assert machine.has_int8_instructions(document) is False


def test_a_raspberry_pi_is_named_by_its_board(cpuinfo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo.write_text(PI)
    (tmp_path / "model").write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    monkeypatch.setattr(machine, "BOARD", tmp_path / "model")
    document = machine.describe()
    assert document["cpu"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert machine.has_int8_instructions(document) is True
    assert "NEON dot product" in machine.summary(document)


def test_what_cannot_be_read_is_null(cpuinfo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOARD", "GOVERNOR", "QUOTA", "QUOTA_V1", "PERIOD_V1"):
        monkeypatch.setattr(machine, name, tmp_path / "missing")
    document = machine.describe()
    assert [document[key] for key in ("cpu", "flags", "governor", "cpu_limit")] == [None] * 4
    assert machine.has_int8_instructions(document) is None
    assert machine.summary(document).startswith(document["architecture"])


@pytest.mark.parametrize(("text", "limit"), [("150000 100000\n", 1.5), ("max 100000\n", None)])
def test_the_limit_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, limit: float | None
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(machine, "QUOTA", tmp_path / "cpu.max")
    assert machine.describe()["cpu_limit"] == limit


@pytest.mark.parametrize(("quota", "limit"), [("50000", 0.5), ("-1", None)])
def test_the_limit_of_an_older_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, limit: float | None
) -> None:
    monkeypatch.setattr(machine, "QUOTA", tmp_path / "missing")
    for name, text in (("QUOTA_V1", quota), ("PERIOD_V1", "100000")):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(machine, name, tmp_path / name)
    assert machine.describe()["cpu_limit"] == limit


@pytest.mark.parametrize(
    ("flags", "line", "int8"),
    [
        (["avx2", "avx512_vnni", "avx512f"], "AMD EPYC, 2 cores, AVX-512 VNNI", True),
        (["avx2", "avx_vnni"], "AMD EPYC, 2 cores, AVX2 VNNI", True),
        (["avx2", "avx512f"], "AMD EPYC, 2 cores, AVX-512 (no VNNI)", False),
        (["avx2"], "AMD EPYC, 2 cores, AVX2 (no VNNI)", False),
        (["asimd", "asimddp"], "AMD EPYC, 2 cores, NEON dot product", True),
        (["asimd"], "AMD EPYC, 2 cores, NEON (no dot product)", False),
        ([], "AMD EPYC, 2 cores, no vector instructions (no VNNI)", False),
        (None, "AMD EPYC, 2 cores", None),
    ],
)
def test_the_line_for_people(flags: list[str] | None, line: str, int8: bool | None) -> None:
    document = described(flags=flags)
    assert machine.summary(document) == line
    assert machine.has_int8_instructions(document) is int8


def test_the_line_says_a_limit_that_is_below_the_cores() -> None:
    assert machine.summary(described(cores=8, cpu_limit=1.5)) == "AMD EPYC, 8 cores (limited to 1.5), AVX2 (no VNNI)"
    assert machine.summary(described(cores=1, cpu_limit=4.0)) == "AMD EPYC, 1 core, AVX2 (no VNNI)"
