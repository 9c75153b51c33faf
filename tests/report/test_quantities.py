from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.report import quantities


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (5, "5 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (5_432, "5.4 kB"),
        (9_949, "9.9 kB"),
        (9_960, "10 kB"),
        (818_123, "818 kB"),
        (999_499, "999 kB"),
        (999_600, "1.0 MB"),
        (31_000_000, "31 MB"),
        (5e15, "5,000 TB"),
    ],
)
def test_size(size_bytes, text):
    assert quantities.size(size_bytes) == text


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0.04, "0.0 µs"), (9.44, "9.4 µs"), (9.96, "10 µs"), (60.4, "60 µs"), (1_234, "1.2 ms"), (3_100_000, "3.1 s")],
)
def test_duration_us(microseconds, text):
    assert quantities.duration_us(microseconds) == text


def test_duration_ms():
    assert quantities.duration_ms(1.25) == "1.2 ms"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.85, "7.8 s"), (41, "41 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3720, "1 h 02 min")],
)
def test_duration(seconds, text):
    assert quantities.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(7, "0:07"), (754, "12:34"), (3723, "1:02:03"), (59.7, "1:00")])
def test_clock(seconds, text):
    assert quantities.clock(seconds) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0.992, "99.20 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (0.99999, "99.999 %"), (1e-6, "0.0001 %")],
)
def test_percent(part, text):
    assert quantities.percent(part) == text


@given(st.floats(min_value=1e-8, max_value=1 - 1e-8))
def test_percent_never_says_all_or_nothing_of_what_is_neither(part):
    assert 0 < float(quantities.percent(part).removesuffix(" %")) < 100


@given(st.floats(min_value=0, max_value=1e14))
def test_a_size_never_shows_four_digits(size_bytes):
    figure = quantities.size(size_bytes).split()[0]
    assert len(figure.replace(".", "")) <= 3


@pytest.mark.parametrize(("part", "text"), [(0.987, "98.7 %"), (0.9996, "> 99.9 %"), (1.0, "> 99.9 %")])
def test_confidence_is_never_certainty(part, text):
    assert quantities.confidence(part) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.2134, "0.21"), (2.44e-7, "2.4e-07"), (0.001, "0.001")])
def test_difference(value, text):
    assert quantities.difference(value) == text


def test_counts():
    assert quantities.count(9_996) == "9,996"
    assert quantities.share(9_996, 10_000) == "9,996 of 10,000"
    assert [quantities.plural(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert quantities.plural(2, "class", "classes") == "2 classes"
    assert quantities.rate(3_100.4) == "3,100 images/s"
    assert quantities.rate(4.25) == "4.2 images/s"


def test_what_was_not_measured_is_a_dash_and_zero_is_not():
    assert quantities.maybe(None, quantities.size) == quantities.MISSING
    assert quantities.maybe(0, quantities.size) == "0 bytes"


def test_place_is_relative_where_that_is_shorter_to_type(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert quantities.place(tmp_path / "runs" / "classic") == str(Path("runs") / "classic")
    assert quantities.place(tmp_path) == str(tmp_path)
    assert quantities.place("/elsewhere/x") == "/elsewhere/x"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.99961, 1.0, "99.96–100 %"),  # noqa: RUF001
        (0.999434, 0.999982, "99.94–99.998 %"),  # noqa: RUF001
        (0.0, 0.0037, "0.00–0.37 %"),  # noqa: RUF001
    ],
)
def test_an_interval_never_says_all_of_what_is_not_all(low, high, text):
    assert quantities.interval(low, high) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.00"), (0.0454, "0.05"), (0.0042, "0.004"), (0.0009, "< 0.001"), (0.0, "< 0.001")]
)
def test_p_value(value, text):
    assert quantities.p_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0031, "+0.31"), (-0.012, "-1.20"), (4e-5, "< 0.01"), (-4e-5, "< 0.01"), (0.0, "0")]
)
def test_points(value, text):
    assert quantities.points(value) == text


@pytest.mark.parametrize(("value", "text"), [(13, "13"), (10_000.0, "10,000"), (0.213, "0.21"), (2.4e-7, "2.4e-07")])
def test_figure(value, text):
    assert quantities.figure(value) == text


def test_decibels():
    assert quantities.decibels(41.26) == "41.3 dB"
    assert quantities.decibels(138.6, 0) == "139 dB"
