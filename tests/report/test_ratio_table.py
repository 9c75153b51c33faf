"""Ratios of times as forest plots."""

from digitedge.report.ratio_table import compared, tuned

USUAL = {"threads": 1, "spinning": True, "arena": True, "pattern": True, "level": "all", "layout": "blocked"}


def test_a_file_without_a_successor_is_named_by_its_old_path_and_has_no_ratio():
    entry = {
        "path": None, "old_path": "/old/a.onnx", "result": "not comparable", "ratio": None, "ratio_low": None,
        "ratio_high": None,
    }  # fmt: skip
    table = compared([entry])
    assert (table["axis"], table["rows"][0]["file"], table["rows"][0]["chart"]) == ("", "a.onnx", "")


def test_the_settings_that_were_tried_the_fastest_first_and_the_lost_last():
    screened = [
        {"options": {**USUAL, "threads": 2}, "p50_us": None},
        {"options": USUAL, "p50_us": 30.0},
        {"options": {**USUAL, "arena": False}, "p50_us": 20.0},
    ]
    entry = {
        "path": "/r/a.onnx", "gain": 1.01, "gain_low": 0.99, "gain_high": 1.03, "proved": False, "reason": None,
        "usual_options": USUAL, "screened": screened, "words": "1 thread, no arena",
    }  # fmt: skip
    (row,) = tuned([entry])["rows"]
    assert [one["words"] for one in row["tried"]] == ["1 thread, no arena", "1 thread (usual)", "2 threads"]
    assert [bool(one["bar"]) for one in row["tried"]] == [True, True, False]
    assert row["verdict"] == "no proved gain"
    assert "var(--faint)" in row["chart"]
