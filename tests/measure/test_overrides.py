"""Limits that somebody sets for a run: by the name of a check, and never by guessing."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.errors import UnknownNameError, UsageError
from digitedge.measure.limits import CHECKS, LIMITS, Limits, limits_of, parse_limits


def changed(precision: str, **overrides: float) -> dict[str, object]:
    """The fields that other overrides than none change."""
    usual, ours = LIMITS[precision], limits_of(precision, overrides=overrides)
    return {
        field.name: getattr(ours, field.name)
        for field in fields(Limits)
        if getattr(ours, field.name) != getattr(usual, field.name)
    }


def test_each_override_changes_its_own_bound_alone() -> None:
    assert changed("int8", labels=7) == {"flips_count": 7}
    assert changed("int8", accuracy=0.5) == {"max_drop": 0.005, "chance_excuses": False}
    assert changed("int8", scores=0.25) == {"max_abs": 0.25}
    assert changed("int8", confidence=0.125) == {"max_drift": 0.125}
    assert changed("int8", batch=0.5) == {"max_batch_abs": 0.5}
    assert changed("int8", probabilities=0.5) == {"max_sum_abs": 0.5, "max_sum_abs_per_class": 0.0}
    assert changed("int8", cpus=3) == {"max_cpu_labels": 3}
    assert changed("fp32") == {}


def test_an_override_can_narrow_what_a_wish_has_widened() -> None:
    assert limits_of("int8", 5.0, {"labels": 3, "accuracy": 0.0}) == replace(
        limits_of("int8", 5.0), flips_count=3, max_drop=0.0, chance_excuses=False
    )


def test_texts_become_numbers() -> None:
    assert parse_limits(["labels=5", "accuracy=0.25", "scores=1e-3"]) == {
        "labels": 5.0,
        "accuracy": 0.25,
        "scores": 1e-3,
    }
    assert parse_limits([]) == {}


@given(st.sampled_from([name for name in CHECKS if name not in ("finite", "labels", "cpus")]), st.floats(0, 1e6))
def test_any_number_that_is_printed_is_read_back(name: str, value: float) -> None:
    assert parse_limits([f"{name}={value!r}"]) == {name: value}


def test_every_check_but_one_can_be_overridden() -> None:
    assert list(parse_limits([f"{name}=1" for name in CHECKS if name != "finite"])) == list(CHECKS)[1:]


def test_nothing_makes_a_nan_pass() -> None:
    with pytest.raises(UsageError, match="finite has no limit to set: a NaN or an infinity always fails"):
        parse_limits(["finite=1"])


def test_an_unknown_name_is_never_guessed_and_the_choices_are_listed() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown limit: lables\. Did you mean labels\? Choose from: accuracy, ba"
    ):
        parse_limits(["lables=3"])
    with pytest.raises(UnknownNameError, match="unknown limit: flips"):
        limits_of("int8", overrides={"flips": 1})


@pytest.mark.parametrize("number", ["-1", "nan", "inf", "-inf", "1e999"])
def test_a_limit_is_a_finite_number_from_zero_on(number: str) -> None:
    with pytest.raises(UsageError, match=r"the limit scores cannot be .* It is a finite number, 0 or more"):
        parse_limits([f"scores={number}"])
    with pytest.raises(UsageError, match="the limit scores cannot be"):
        limits_of("fp32", overrides={"scores": float(number)})


@pytest.mark.parametrize("name", ["labels", "cpus"])
def test_images_are_counted_whole(name: str) -> None:
    with pytest.raises(UsageError, match=f"the limit {name} cannot be 2.5. It is a whole number of images"):
        parse_limits([f"{name}=2.5"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["labels"], "labels is no limit. Write NAME=NUMBER, such as labels=5"),
        (["labels=many"], "labels=many is no limit: many is not a number"),
        (["labels="], "labels= is no limit"),
        (["=3"], "unknown limit: "),
        (["labels=3", "labels=4"], "the limit labels is given twice"),
    ],
)
def test_what_cannot_be_read_is_said(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_limits(texts)
