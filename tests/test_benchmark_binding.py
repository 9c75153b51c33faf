"""benchmarks/binding.py: our times of an .onnx file against those of another program, in Node."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
LOCK = json.loads((BENCHMARKS / "binding" / "package-lock.json").read_text())


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmark_binding", BENCHMARKS / "binding.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def work(script, tmp_path_factory):
    """A folder with both packages from their indexes."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not found: install Node 20 or newer")
    folder = tmp_path_factory.mktemp("binding")
    script.install(folder)
    return folder


def a_document(script, *, rounds=10, ours_us=20.0):
    """Ours takes 20 and its call of nothing 4; Node takes 30 and 10: without the call, 16 against 20."""
    noise = 0.01 * np.arange(rounds)
    medians = {
        (script.NOTHING, script.OURS): 4.0,
        (script.NOTHING, script.THEIRS): 10.0,
        ("fp32 .onnx", script.OURS): ours_us,
        ("fp32 .onnx", script.THEIRS): 30.0,
    }
    return {
        "rows": [
            {"name": name, "by": by, "versions": f"{by} 1.0", "medians_us": (p50 + noise).tolist()}
            for (name, by), p50 in medians.items()
        ]
    }


def test_the_cost_of_a_call_is_subtracted_from_each_before_they_are_compared(script):
    header, _, ours, theirs = script.table(a_document(script)).splitlines()
    assert "99 % interval" in header
    assert ours == "| fp32 .onnx | digitedge 1.0 | 20.0 µs | 4.0 µs | 16.0 µs | 0.800, 0.800 to 0.800 |"
    assert theirs == "| fp32 .onnx | onnxruntime-node 1.0 | 30.0 µs | 10.0 µs | 20.0 µs |  |"


def test_a_wrong_time_of_ours_is_seen(script):
    right, wrong = (script.ratios(a_document(script, ours_us=us)) for us in (24.0, 28.8))
    assert right["fp32 .onnx", script.OURS].value == pytest.approx(1.0)
    assert wrong["fp32 .onnx", script.OURS].low > 1.15


def test_a_few_rounds_prove_no_ratio(script):
    document = a_document(script, rounds=3)
    assert script.ratios(document) == {("fp32 .onnx", script.OURS): None}
    assert script.table(document).splitlines()[2].endswith("| 16.0 µs |  |")


def test_our_times_are_those_of_another_program_within_15_percent(script):
    document = json.loads((BENCHMARKS / "results" / "binding.json").read_text())
    found = script.ratios(document)
    assert len(found) == 4, "two files, with two versions of ONNX Runtime"
    assert all(0.85 <= ratio.low <= ratio.high <= 1.15 for ratio in found.values()), found
    assert document["rounds"] >= 10
    assert all(row["largest_difference_of_a_score"] < 1e-6 for row in document["rows"]), "the very same file"


def test_what_is_fetched_is_pinned_by_digest_and_by_no_address():
    (version,) = json.loads((BENCHMARKS / "binding" / "package.json").read_text())["dependencies"].values()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    packages = {path: package for path, package in LOCK["packages"].items() if path}
    assert packages["node_modules/onnxruntime-node"]["version"] == version
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "://" not in json.dumps(LOCK)


def test_without_node_it_says_what_to_install(script, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="node and npm not found: install Node 20 or newer"):
        script.install(tmp_path / "work")


@pytest.mark.install
def test_node_runs_the_same_files_and_gives_our_scores(script, work, tiny_run):
    document = script.measure(tiny_run, work, rounds=2, seconds=0.05)
    assert [(row["name"], row["by"]) for row in document["rows"]] == [
        (name, by)
        for name in (script.NOTHING, "fp32 .onnx", "int8 .onnx")
        for by in (script.OURS, script.OURS_SAME_VERSION, script.THEIRS)
    ]
    pinned = LOCK["packages"]["node_modules/onnxruntime-node"]["version"]
    for row in document["rows"]:
        assert row["n"] >= 2
        assert all(0 < median < 1e5 for median in row["medians_us"])
        assert row["largest_difference_of_a_score"] <= script.LARGEST_DIFFERENCE
        assert row["by"] == script.OURS or row["versions"].endswith(pinned)
    assert script.table(document).count("ONNX Runtime") == 4


@pytest.mark.install
def test_scores_that_are_not_ours_are_refused(script, work, tiny_run, tmp_path):
    other = tmp_path / "node"
    other.mkdir()
    (other / "node_modules").symlink_to(work / "node" / "node_modules")
    (tmp_path / "python").symlink_to(work / "python")
    program, right = (work / "node" / "time_onnx.mjs").read_text(), "await session.run(feed))[output]"
    assert right in program
    (other / "time_onnx.mjs").write_text(program.replace(right, "await session.run(feeds[0]))[output]"))
    with pytest.raises(SystemExit, match=r"Node's scores of .* are .* from ours: it timed something else"):
        script.measure(tiny_run, tmp_path, rounds=1, seconds=0.05)
