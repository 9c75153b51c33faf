import pytest

from digitedge.data import memory
from digitedge.errors import ContentError

MEMINFO = "MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(meminfo, *container) writes what the system would say; None or nothing leaves it silent."""

    def make(meminfo=None, *container):
        if meminfo is not None:
            (tmp_path / "meminfo").write_text(meminfo)
        files = [tmp_path / name for name in ("limit", "used", "stat")]
        for path, text in zip(files, container, strict=False):
            path.write_text(text)
        monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
        monkeypatch.setattr(memory, "CONTROL_GROUPS", (tuple(map(str, files)),))

    return make


def test_this_machine_says_how_much_there_is():
    assert 2**26 < memory.available_bytes() < 2**50


def test_what_the_page_cache_would_give_back_counts_as_available(machine):
    machine(MEMINFO)
    assert memory.available_bytes() == 8_000_000 * 1024
    assert memory.resident_limit_bytes() == 2_000_000 * 1024


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (("3000000000\n", "1000000000\n", "anon 5\ninactive_file 250000000\n"), 2_250_000_000),
        (("3000000000\n", "1000000000\n"), 2_000_000_000),
        (("3000000000\n", "3500000000\n"), 0),
        (("max\n", "1000000000\n"), 8_192_000_000),
        (("9223372036854771712\n", "1000000000\n"), 8_192_000_000),
    ],
)
def test_a_container_may_have_less_than_the_machine(machine, container, expected):
    machine(MEMINFO, *container)
    assert memory.available_bytes() == expected


def test_where_only_the_size_of_the_memory_is_known_it_is_that(machine, monkeypatch):
    machine()
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__, raising=False)
    assert memory.available_bytes() == 4_096_000


def test_where_nothing_is_known_nothing_is_limited(machine, monkeypatch):
    machine()
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory.available_bytes() is None
    assert memory.resident_limit_bytes() is None
    memory.require(10**18, "x")


def test_what_cannot_fit_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000_000)
    memory.require(1_000_000_000, "x")
    with pytest.raises(ContentError) as caught:
        memory.require(12_345_000_000, "x.npz")
    message = "x.npz takes 12.3 GB of memory, and 1.0 GB are free."
    assert str(caught.value) == f"{message} Divide it, or use a machine with more memory."


@pytest.mark.parametrize(("size", "text"), [(0, "0.0 MB"), (4_512_345, "4.5 MB"), (12_345_678_901, "12.3 GB")])
def test_sizes_for_people(size, text):
    assert memory.spelled(size) == text
