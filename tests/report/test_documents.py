import json

import numpy as np
import pytest

from digitedge import __version__
from digitedge.errors import UnknownNameError
from digitedge.report.documents import envelope, failure, to_text


def test_an_envelope_says_where_it_comes_from():
    document = envelope("verify", {"passed": True})
    assert list(document) == ["schema_version", "command", "digitedge", "machine", "passed"]
    assert (document["schema_version"], document["command"], document["digitedge"]) == (1, "verify", __version__)
    assert document["machine"]["cores"] >= 1
    assert json.loads(to_text(document)) == document


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_a_figure_that_is_none_is_refused_by_its_place(value):
    with pytest.raises(ValueError, match=r"^bench\.results\[1\]\.p50_us is -?(nan|inf): say null, and why$"):
        envelope("bench", {"results": [{"p50_us": 1.0}, {"p50_us": value}]})


def test_text_is_strict_even_for_a_document_that_went_round_the_envelope():
    with pytest.raises(ValueError, match="Out of range float values"):
        to_text({"p50_us": float("nan")})


def test_text_is_ascii():
    assert to_text({"label": "二"}).isascii()


def test_a_body_cannot_replace_the_machine():
    with pytest.raises(ValueError, match="a bench document may not hold machine"):
        envelope("bench", {"machine": {}})


def test_a_failure_holds_kind_message_and_hint():
    document = failure("train", UnknownNameError("model", "clasic", ["classic", "edge"]))
    assert document["command"] == "train"
    assert document["error"] == {
        "kind": "unknown_name",
        "message": "unknown model: clasic.",
        "hint": "Did you mean classic? Choose from: classic, edge.",
    }


def test_a_bug_is_called_one():
    error = failure("train", ZeroDivisionError("division\nby zero"))["error"]
    assert (error["kind"], error["message"]) == ("bug", "ZeroDivisionError: division by zero")
    assert "--debug" in error["hint"]
