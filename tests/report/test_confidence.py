"""What more seconds of timing have bought, in words."""

import pytest

from digitedge.report.confidence import confidence


def row(mean_us, *, n=300_000, valid=True, confident=("p90_us", "p99_us")):
    return {"mean_us": mean_us, "n": n, "valid": valid, "confident": list(confident) if valid else None}


P90 = ("p90_us",)


def test_of_the_usual_number_of_seconds_or_an_older_document_nothing_is_said():
    for document in ({"seconds": 2.0}, {"seconds": 0.1}, {"seconds": None}, {}):
        assert confidence({"results": [row(10.0)], **document}) == ""


def test_every_row():
    assert confidence({"seconds": 30.0, "results": [row(10.0), row(20.0)]}) == (
        "Every p99 has 99 % confidence, as MLPerf counts it: 270,336 calls or more."
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(100.0, confident=P90)], "0 of 1"),
        ([row(10.0), row(100.0, confident=P90)], "1 of 2"),
        ([row(10.0), row(10.0), row(100.0, confident=())], "2 of 3"),
    ],
)
def test_what_would_buy_it_for_the_slowest(rows, words):
    # 270,336 calls of 100 us take 27.03 s, and a tenth more is 29.7.
    assert confidence({"seconds": 10.0, "results": rows}) == (
        f"Rows with the 270,336 calls that MLPerf asks for a p99 with 99 % confidence: {words}. "
        "With --seconds 30 all have them."
    )


def test_what_no_number_of_seconds_buys():
    said = confidence({"seconds": 10.0, "results": [row(10.0), row(100_000.0, confident=())]})
    assert said.endswith("1 of 2. The slowest would take 8 hours, and --seconds ends at 3600.")


def test_rows_without_a_time_do_not_count():
    document = {"seconds": 30.0, "results": [row(10.0), row(None, valid=False)]}
    assert confidence(document).startswith("Every p99 has")
    assert confidence({"seconds": 30.0, "results": [row(None, valid=False)]}) == ""
