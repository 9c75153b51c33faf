"""The tables in the documents are those that the committed raw results give."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from digitedge.measure.limits import table
from digitedge.mutation.every import mutations

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def script(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("epochs", "benchmarks/README.md"),
        ("training", "benchmarks/README.md"),
        ("resume", "benchmarks/README.md"),
        ("int8_across_cpus", "benchmarks/README.md"),
        ("latency", "benchmarks/README.md"),
        ("binding", "benchmarks/README.md"),
        ("compare", "benchmarks/README.md"),
        ("verification", "benchmarks/README.md"),
        ("whole_way", "README.md"),
    ],
)
def test_the_table_is_made_of_the_raw_results(name, document):
    table = script(name).table(json.loads((RESULTS / f"{name}.json").read_text()))
    assert len(table.splitlines()) > 3
    assert table in (ROOT / document).read_text()


@pytest.mark.parametrize("name", ["latency", "binding"])
def test_readme_says_in_a_sentence_what_the_table_says(name):
    document = json.loads((RESULTS / f"{name}.json").read_text())
    said = " ".join((ROOT / "README.md").read_text().split())
    assert script(name).sentence(document) in said


def test_readme_shows_what_the_terminal_showed():
    assert (RESULTS / "whole_way.txt").read_text() in (ROOT / "README.md").read_text()


def test_compare_found_what_was_there_and_nothing_else():
    document = json.loads((RESULTS / "compare.json").read_text())
    whole = [all(entry["result"] == "no difference" for entry in trial) for trial in document["whole"]]
    assert len(whole) >= 10
    assert sum(whole) >= 0.9 * len(whole)
    trials = {}
    for trial in document["slowed"]:
        right = "slower" if trial["factor"] > 1 else "no difference"
        trials.setdefault((trial["format"], trial["factor"]), []).append(trial["result"] == right)
    assert trials.keys() == {(name, factor) for name in ("onnx", "tflite") for factor in (1.0, 1.1)}
    assert all(len(found) >= 10 and sum(found) >= 0.9 * len(found) for found in trials.values())


def test_full_8_bit_weights_are_seen_to_fail_where_ours_do_not():
    rows = json.loads((RESULTS / "int8_across_cpus.json").read_text())["rows"]
    flips = {(row["recipe"], row["cpu"]): row["flips"] for row in rows}
    assert flips["8 bits", "Haswell"] > 2 * flips["8 bits", "host"]
    assert flips["7 bits (digitedge)", "Haswell"] == flips["7 bits (digitedge)", "host"]


def test_every_wrong_file_was_caught_by_its_own_check():
    controls = json.loads((RESULTS / "verification.json").read_text())["self_test"]["verify"]["self_test"]
    applicable = [row for row in controls["results"] if row["applicable"]]
    assert len({row["mutation"] for row in applicable}) >= 20
    assert all(row["expects"] in row["failed"] for row in applicable)


def test_the_reasons_of_all_limits_stand_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for row in table():
        assert f"| {row.check} | {row.precision} | {row.limit} | {row.why} |" in text


def test_readme_counts_the_wrong_files_that_there_are():
    assert f"spoils every file in up to {len(mutations())} ways" in (ROOT / "README.md").read_text()


def test_every_killed_training_ended_in_the_same_weights():
    trials = json.loads((RESULTS / "resume.json").read_text())["trials"]
    assert len(trials) == 20
    assert all(trial["same_weights"] and trial["same_history"] for trial in trials)
    assert len({trial["epochs_saved"] for trial in trials}) > 3, "kills at one moment alone prove little"


def test_no_result_names_a_path_of_the_machine_it_was_made_on():
    for path in RESULTS.iterdir():
        if path.suffix in {".json", ".txt"}:
            assert not re.search(r'"/\w', path.read_text()), path
