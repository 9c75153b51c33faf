"""Documents of benchmarks that are none, or whose benchmark did not end well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digitedge.bench.documents import read_document, require_finished
from digitedge.errors import ContentError

PATH, CURE = Path("some.json"), "Name another."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            {"kind": "stopped", "message": "x"},
            "some.json is of a benchmark that was interrupted: its rows are not whole.",
        ),
        ({"kind": "usage", "message": "No GPU."}, "some.json is of a benchmark that failed: No GPU."),
        ({"kind": "usage"}, "some.json is of a benchmark that failed: it does not say how."),
        ("broken", "some.json is of a benchmark that failed: it does not say how."),
    ],
)
def test_one_that_did_not_end_well_is_refused(error: Any, words: str) -> None:
    with pytest.raises(ContentError) as raised:
        require_finished(PATH, {"error": error, "results": []}, CURE)
    assert (raised.value.message, raised.value.hint) == (words, CURE)


def test_a_whole_one_is_not() -> None:
    require_finished(PATH, {"results": []}, CURE)


def test_a_folder_is_told_from_a_document(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"is a folder\. Name another\. The one of a run folder is bench\.json\."):
        read_document(tmp_path, CURE)
    (tmp_path / "bench.json").write_text('{"results": []}')
    assert read_document(tmp_path / "bench.json", CURE) == {"results": []}
