"""The circumstances of a benchmark, on this machine and on files written as other kernels would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from digitedge.measure import context as measured

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of all that the kernel tells."""
    for name in ("THERMAL", "CPUS", "CPUINFO", "STAT", "CGROUP"):
        monkeypatch.setattr(measured, name, tmp_path / name)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_on_this_machine_it_is_json() -> None:
    before = measured.moment()
    found = measured.context(before, measured.moment(), {"numpy": "2.0"}, ["cpu"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["before"].keys() == {"load_1min", "temperature_c", "clock_mhz", "throttled_ms", "steal_ms"}
    assert found["before"].keys() == found["after"].keys()
    assert (found["versions"], found["providers"]) == ({"numpy": "2.0"}, ["cpu"])
    assert found["cores"] >= 1


def test_what_cannot_be_read_is_null(system: Path) -> None:
    found = measured.moment()
    assert {found[key] for key in ("temperature_c", "clock_mhz", "throttled_ms", "steal_ms")} == {None}
    assert measured.context(found, found, {}, [])["memory_limit_bytes"] is None


def test_the_hottest_sensor_counts_and_a_broken_one_does_not(system: Path) -> None:
    write(system / "THERMAL" / "thermal_zone0" / "temp", "41500\n")
    write(system / "THERMAL" / "thermal_zone1" / "temp", "63250\n")
    (system / "THERMAL" / "thermal_zone2" / "temp").mkdir(parents=True)  # reading it fails, as of a sensor that sleeps
    assert measured.moment()["temperature_c"] == 63.25


def test_the_clock_is_that_of_the_fastest_core(system: Path) -> None:
    write(system / "CPUINFO", "processor\t: 0\ncpu MHz\t\t: 1200.5\n\nprocessor\t: 1\ncpu MHz\t\t: 2400.25\n")
    assert measured.moment()["clock_mhz"] == 2400.25
    write(system / "CPUS" / "cpu0" / "cpufreq" / "scaling_cur_freq", "1800000\n")
    write(system / "CPUS" / "cpu1" / "cpufreq" / "scaling_cur_freq", "3100000\n")
    assert measured.moment()["clock_mhz"] == 3100.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cpu.stat", "usage_usec 99\nthrottled_usec 2500\n"),
        ("cpu/cpu.stat", "nr_periods 3\nthrottled_time 2500000\n"),
    ],
)
def test_the_time_that_a_container_was_held_back(system: Path, name: str, text: str) -> None:
    write(system / "CGROUP" / name, text)
    assert measured.moment()["throttled_ms"] == 2.5


def test_the_time_that_the_host_took(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_CLK_TCK": 100}[name])
    write(system / "STAT", "cpu  1 2 3 4 5 6 7 250 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n")
    assert measured.moment()["steal_ms"] == 2500


@pytest.mark.parametrize(
    ("name", "text", "limit"),
    [
        ("memory.max", "536870912\n", 536_870_912),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "268435456\n", 268_435_456),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
    ],
)
def test_the_memory_that_a_container_may_use(system: Path, name: str, text: str, limit: int | None) -> None:
    write(system / "CGROUP" / name, text)
    assert measured.context({}, {}, {}, [])["memory_limit_bytes"] == limit
