"""A made-up /sys/class/powercap: which counters count, and what happens when they begin anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.measure.energy import Counter, Meter, counters


@pytest.fixture
def zone(tmp_path):
    """zone("intel-rapl:0", "package-0", 100): one counter, at that many microjoules."""

    def make(folder, name, energy_uj, *, range_uj=1000):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{energy_uj}\n")
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        return path / "energy_uj"

    return make


def test_packages_and_their_memory_count_and_nothing_twice(zone, tmp_path):
    counted = [
        zone("intel-rapl:0", "package-0", 1),
        zone("intel-rapl:0:1", "dram", 2),
        zone("intel-rapl:1", "package-1", 3),
    ]
    zone("intel-rapl:0:0", "core", 5)
    zone("intel-rapl:2", "psys", 7)
    zone("intel-rapl-mmio:0", "package-0", 11)
    (tmp_path / "intel-rapl").mkdir()
    assert [counter.path for counter in counters(tmp_path)] == counted


def test_a_machine_without_counters_has_none(tmp_path):
    assert counters(tmp_path) == counters(tmp_path / "missing") == ()
    with Meter(()) as meter:
        pass
    assert meter.spent_uj is None


@pytest.mark.parametrize("broken", ["name", "energy_uj", "max_energy_range_uj"])
def test_half_of_the_counters_are_none(zone, tmp_path, broken):
    """A sum that lacks a package would be wrong by a factor, and look right."""
    zone("intel-rapl:0", "package-0", 1)
    (zone("intel-rapl:1", "package-1", 1).parent / broken).unlink()
    assert counters(tmp_path) == ()


def test_a_counter_that_holds_no_number_is_none(zone, tmp_path):
    zone("intel-rapl:0", "package-0", "many")
    assert counters(tmp_path) == ()


def test_what_is_done_inside_is_measured(zone, tmp_path):
    package, memory = zone("intel-rapl:0", "package-0", 100), zone("intel-rapl:0:0", "dram", 990)
    meter = Meter(counters(tmp_path))
    with meter:
        package.write_text("150\n")
        memory.write_text("9\n")  # 990 to 1000, then 0 to 9: 20 steps
    assert meter.spent_uj == 50 + 20
    with meter:
        pass
    assert meter.spent_uj == 0


def test_a_counter_that_vanishes_meanwhile_gives_nothing(zone, tmp_path):
    path = zone("intel-rapl:0", "package-0", 100)
    meter = Meter(counters(tmp_path))
    with meter:
        path.unlink()
    assert meter.spent_uj is None


@given(st.integers(1, 10**12), st.data())
def test_beginning_anew_is_allowed_for(range_uj, data):
    before, spent = data.draw(st.integers(0, range_uj)), data.draw(st.integers(0, range_uj))
    after = (before + spent) % (range_uj + 1)
    assert Counter(None, range_uj).since(before, after) == spent
