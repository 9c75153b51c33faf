"""What the user says that a model of his own takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.errors import UsageError
from digitedge.input_range import RANGES, Scaling, parse_channels, parse_range, per_channel, range_text, scaling


@pytest.mark.parametrize(("text", "values"), [("0..1", (0, 1)), ("0..255", (0, 255)), ("-1..1", (-1, 1))])
def test_a_range_is_read_and_written_alike(text, values):
    assert parse_range(text) == values
    assert range_text(parse_range(text)) == text


@pytest.mark.parametrize("text", ["", "0-1", "0..2", "255..0", "0...1", "0 .. 1", "nan..1"])
def test_another_range_is_answered_with_those_that_there_are(text):
    with pytest.raises(UsageError, match=r"^--input-range is .*\. Choose from: 0\.\.1, 0\.\.255, -1\.\.1\.$"):
        parse_range(text)


def test_one_number_stands_for_every_channel():
    assert parse_channels("--mean", "0.5") == (0.5,)
    assert per_channel("--mean", (0.5,), 3, 0.0) == (0.5, 0.5, 0.5)
    assert per_channel("--mean", None, 3, 0.0) == (0.0, 0.0, 0.0)


def test_three_numbers_are_for_three_channels():
    values = parse_channels("--mean", "0.485, 0.456,0.406")
    assert per_channel("--mean", values, 3, 0.0) == (0.485, 0.456, 0.406)
    with pytest.raises(
        UsageError, match=r"--mean has 3 numbers and the model takes images of 1 channel\. Give one numb"
    ):
        per_channel("--mean", values, 1, 0.0)


@pytest.mark.parametrize("text", ["", "a", "1,2", "1,2,3,4", "0.5,", "nan", "inf,1,1", "1;2;3"])
def test_what_is_no_number_a_channel_is_refused(text):
    with pytest.raises(
        UsageError, match=r"^--std is .*\. It must be one number, or one for each channel: --std 0\.485"
    ):
        parse_channels("--std", text)


@pytest.mark.parametrize("text", ["0", "-1", "1,0,1"])
def test_nothing_is_divided_by_zero_or_less(text):
    assert len(parse_channels("--mean", text)) in (1, 3)
    with pytest.raises(UsageError, match=r"--std is .*\. Images are divided by it: it must be above zero"):
        parse_channels("--std", text, above_zero=True)


@given(st.text(max_size=12))
def test_any_text_is_understood_or_refused(text):
    for parse in (parse_range, lambda given: parse_channels("--mean", given)):
        try:
            assert all(isinstance(value, float) for value in parse(text))
        except UsageError as error:
            assert error.hint


def test_what_is_not_said_is_none():
    assert scaling(None, None, None) == Scaling(None, None, None)
    assert not scaling(None, None, None).said
    assert scaling("0..255", None, "2") == Scaling(RANGES["0..255"], None, (2.0,))
    assert scaling(None, "0", None).said
