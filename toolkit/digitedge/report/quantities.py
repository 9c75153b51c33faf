"""Figures as people read them: no more digits than they mean, always a unit, a dash for what was not measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MISSING = "–"  # noqa: RUF001 (an en dash on purpose: it stands in a column of figures)


def maybe(value: T | None, spell: Callable[[T], str]) -> str:
    """What `spell` makes of a figure; a dash where it was not measured."""
    return MISSING if value is None else spell(value)


def count(number: int) -> str:
    """`9,996`."""
    return f"{number:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 image`, `2 images`."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def share(part: int, whole: int) -> str:
    """`9,996 of 10,000`."""
    return f"{part:,} of {whole:,}"


def percent(part: float, digits: int = 2) -> str:
    """A share in [0, 1] as `99.20 %`.

    More digits are given where rounding would say 0 or 100 % of what is not all or nothing: 0.99999 is `99.999 %`.
    """
    text = f"{part * 100:.{digits}f}"
    while digits < 9 and float(text) in (0.0, 100.0) and part not in (0.0, 1.0):  # noqa: PLR2004 (what a float64 resolves)
        digits += 1
        text = f"{part * 100:.{digits}f}"
    return f"{text} %"


def interval(low: float, high: float) -> str:
    """Two shares in [0, 1] as `99.94–99.998 %`."""  # noqa: RUF002 (an en dash on purpose)
    ends = (percent(end).removesuffix(" %").replace("100.00", "100") for end in (low, high))
    return f"{'–'.join(ends)} %"  # noqa: RUF001 (an en dash on purpose)


def decibels(value: float, digits: int = 1) -> str:
    """A ratio of signal to noise: `41.3 dB`."""
    return f"{value:.{digits}f} dB"


def p_value(value: float) -> str:
    """A probability that something is chance: `0.42`, `0.004`, `< 0.001`."""
    if value < 0.001:  # noqa: PLR2004 (smaller ones say no more)
        return "< 0.001"
    return f"{value:.2f}" if value >= 0.01 else f"{value:.3f}"  # noqa: PLR2004


def points(value: float) -> str:
    """A change of a share as percentage points with its sign: `+0.31`, `-1.20`, `< 0.01` of either sign, `0`."""
    if value == 0:
        return "0"
    return f"{value * 100:+.2f}" if abs(value) >= 5e-5 else "< 0.01"  # noqa: PLR2004


def confidence(part: float) -> str:
    """A probability that a network gives, as `98.7 %`. None is shown as certain: from 0.9995 on it is `> 99.9 %`."""
    return "> 99.9 %" if part >= 0.9995 else f"{part * 100:.1f} %"  # noqa: PLR2004


def size(size_bytes: float) -> str:
    """Bytes as `818 kB`; a kB is 1,000 bytes, as on the label of a flash chip."""
    return _scaled(size_bytes, ("bytes", "kB", "MB", "GB", "TB"), whole_units=True)


def duration_us(microseconds: float) -> str:
    """A latency as `9.4 µs`, `60 µs`, `1.2 ms` or `3.1 s`."""
    return _scaled(microseconds, ("µs", "ms", "s"))


def duration_ms(milliseconds: float) -> str:
    """The same for milliseconds."""
    return duration_us(milliseconds * 1000)


def energy_uj(microjoules: float) -> str:
    """Energy as `840 µJ`, `1.2 mJ` or `3.1 J`."""
    return _scaled(microjoules, ("µJ", "mJ", "J"))


def duration(seconds: float) -> str:
    """A length of time for people: `7.9 s`, `41 s`, `3 min 05 s`, `1 h 02 min`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 (seconds in a minute)
        return duration_us(seconds * 1e6)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 (minutes in an hour)
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def clock(seconds: float) -> str:
    """Time left, as a clock shows it: `0:07`, `12:34`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def difference(value: float) -> str:
    """A difference of two scores: `0.21`, `2.4e-07`; `0` where there is none."""
    return f"{value:.2g}" if value == 0 or value >= 1e-3 else f"{value:.1e}"  # noqa: PLR2004


def figure(value: float) -> str:
    """A figure of any kind: `13`, `0.21`, `2.4e-07`."""
    return count(int(value)) if value == int(value) else difference(value)


def rate(per_second: float) -> str:
    """`3,100 images/s`."""
    return f"{per_second:,.0f} images/s" if per_second >= 10 else f"{per_second:.1f} images/s"  # noqa: PLR2004


def place(path: str | Path) -> str:
    """A path as short as it can be typed here: relative to the working folder if it lies in it."""
    path = Path(path)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) and path != here else str(path)


def _scaled(value: float, units: tuple[str, ...], *, whole_units: bool = False) -> str:
    """Two digits below 10, none after the point from there on; the next unit as soon as four would be needed."""
    for position, unit in enumerate(units):
        digits = 1 if round(value, 1) < 10 and not (whole_units and position == 0) else 0  # noqa: PLR2004
        if round(value, digits) < 1000 or unit == units[-1]:  # noqa: PLR2004
            return f"{value:,.{digits}f} {unit}"
        value /= 1000
    raise AssertionError(units)
