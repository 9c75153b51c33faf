"""Physical cores in made-up machines."""

import pytest

from digitedge.measure import cores
from digitedge.measure.cores import physical_cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine("0,2", "1,3", ...): the siblings of each logical CPU; None for one that does not tell."""

    def make(*siblings):
        for number, text in enumerate(siblings):
            if text is not None:
                topology = tmp_path / f"cpu{number}" / "topology"
                topology.mkdir(parents=True)
                (topology / "thread_siblings_list").write_text(f"{text}\n")
        monkeypatch.setattr(cores, "CPUS", tmp_path)
        monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(len(siblings))))

    return make


def test_two_threads_of_a_core_are_one_core(machine):
    machine("0,2", "1,3", "0,2", "1,3")
    assert physical_cores() == 2


def test_without_a_topology_each_cpu_is_a_core(machine):
    machine(None, None, None)
    assert physical_cores() == 3


@pytest.mark.parametrize(("limit", "number"), [(None, 4), (16.0, 4), (2.5, 2), (0.5, 1)])
def test_the_limit_of_a_container_counts(machine, limit, number):
    machine("0", "1", "2", "3")
    assert physical_cores(limit) == number
