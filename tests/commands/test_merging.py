"""digitedge bench --merge."""

import json
import shutil

import pytest

from digitedge.bench import measuring


@pytest.fixture
def document(own_run, digitedge):
    """document(provider, p50_us, **more) -> the path of a bench document about the .onnx files of `own_run`."""
    from digitedge.files import sha256
    from digitedge.report.documents import envelope

    def write(name, provider="cpu", p50_us=10.0, **more):
        rows = [
            {
                "path": str(path), "format": "onnx", "precision": path.name.split(".")[1], "provider": provider,
                "threads": 1, "batch": 1, "n": 2000, "p50_us": p50_us, "p50_low_us": p50_us, "p50_high_us": p50_us,
                "p90_us": None, "p99_us": None, "load_ms": None, "first_ms": None, "rss_bytes": None,
                "sha256": sha256(path.read_bytes()), "size_bytes": path.stat().st_size, "flash_bytes": None,
                "accuracy": 0.99, "agreement": 1.0, "disagreement": None, "stable": True, "valid": True,
                "reason": None, "engine": f"engine of {name}",
            }
            for path in sorted(own_run.glob("*.onnx"))
        ]  # fmt: skip
        made = envelope("bench", {"results": rows, "verdict": "?", "samples": {"path": "x", "sha256": "y"}}) | more
        path = own_run / name
        path.write_text(json.dumps(made))
        return path

    return write


@pytest.fixture(autouse=True)
def nothing_is_measured(monkeypatch):
    monkeypatch.setattr(measuring, "run_job", lambda *_, **__: pytest.fail("something was measured"))


def test_the_rows_join_those_of_the_run_under_one_verdict(digitedge, own_run, document):
    document("bench.json", "cpu", 20.0)
    there = document("there.json", "openvino", 10.0)
    ended = digitedge("bench", "--merge", there, "--json")
    assert ended.code == 0, ended.err
    found = ended.document
    assert [row["provider"] for row in found["results"]] == ["cpu", "cpu", "openvino", "openvino"]
    assert [row["engine"] for row in found["results"]] == ["engine of bench.json"] * 2 + ["engine of there.json"] * 2
    assert found["verdict"].startswith("Ship tiny.fp32.onnx on openvino: 10.0 µs")
    assert [entry["path"] for entry in found["merged"]] == [str(there)]
    assert found["samples"] == {"path": "x", "sha256": "y"}
    assert json.loads((own_run / "bench.json").read_text()) == found


def test_the_page_of_the_run_shows_the_rows_that_joined(digitedge, own_run, document):
    document("bench.json", "cpu", 20.0)
    (own_run / "report.html").write_text("old")
    assert digitedge("bench", "--merge", document("there.json", "openvino", 10.0)).code == 0
    page = (own_run / "report.html").read_text()
    assert "<td>openvino</td>" in page
    assert "Measured apart, for there.json: tiny.fp32.onnx on openvino, tiny.int8.onnx on openvino." in page


def test_twice_is_as_once_and_a_newer_row_replaces_the_older(digitedge, own_run, document):
    document("bench.json", "cpu", 20.0)
    there = document("there.json", "openvino", 10.0)
    digitedge("bench", "--merge", there)
    found = digitedge("bench", "--merge", there, "--json").document
    assert len(found["results"]) == 4
    newer = document("newer.json", "cpu", 5.0)
    found = digitedge("bench", "--merge", newer, "--json").document
    assert [(row["provider"], row["p50_us"]) for row in found["results"]] == [
        ("cpu", 5.0), ("cpu", 5.0), ("openvino", 10.0), ("openvino", 10.0),
    ]  # fmt: skip
    assert found["samples"] is None, "they were of rows that are gone"
    assert [row["engine"] for row in found["results"]][:2] == ["engine of newer.json"] * 2


def test_the_record_itself_may_be_named(digitedge, own_run, document):
    record, there = document("bench.json"), document("there.json", "openvino")
    found = digitedge("bench", "--merge", there, record, "--json").document
    assert [row["provider"] for row in found["results"]] == ["cpu", "cpu", "openvino", "openvino"]


def test_without_a_record_the_first_begins_one(digitedge, own_run, document):
    assert digitedge("bench", "--merge", document("a.json"), document("b.json", "openvino")).code == 0
    assert len(json.loads((own_run / "bench.json").read_text())["results"]) == 4


def test_files_of_no_run_are_merged_and_nothing_is_written(digitedge, own_run, document):
    paths = document("a.json"), document("b.json", "openvino")
    (own_run / "manifest.json").unlink()
    ended = digitedge("bench", "--merge", *paths, "--json")
    assert (ended.code, len(ended.document["results"])) == (0, 4)
    assert not (own_run / "bench.json").exists()


def test_the_table_names_the_providers_and_fits(digitedge, document):
    document("bench.json")
    ended = digitedge("bench", "--merge", document("there.json", "openvino"))
    assert ended.code == 0
    assert "openvino" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100


def test_the_machine_of_the_document_is_that_of_the_figures(digitedge, document):
    raspberry = {"cpu": "Cortex-A76", "architecture": "aarch64", "flags": [], "cores": 4, "cpu_limit": None}
    paths = document("a.json", machine=raspberry), document("b.json", "xnnpack", machine=raspberry)
    assert digitedge("bench", "--merge", *paths, "--json").document["machine"] == raspberry


def whole_way(path):
    """The same document, of --end-to-end."""
    made = json.loads(path.read_text())
    made["results"] = [row | {"end_to_end": True} for row in made["results"]]
    path.write_text(json.dumps(made))
    return path


def test_documents_of_the_whole_way_are_shown_without_the_record_which_stays(digitedge, own_run, document):
    record = document("bench.json").read_text()
    paths = whole_way(document("a.json")), whole_way(document("b.json", "openvino"))
    ended = digitedge("bench", "--merge", *paths, "--json")
    assert ended.code == 0, ended.err
    assert [row["end_to_end"] for row in ended.document["results"]] == [True] * 4
    assert (own_run / "bench.json").read_text() == record


def test_the_whole_way_beside_the_engine_alone_is_3_and_leaves_the_record_alone(digitedge, own_run, document):
    record = document("bench.json").read_text()
    for paths in [
        (document("a.json"), whole_way(document("b.json", "openvino"))),
        (whole_way(document("b.json", "openvino")), own_run / "bench.json"),
    ]:
        ended = digitedge("bench", "--merge", *paths)
        assert (ended.code, ended.out) == (3, "")
        assert ended.error.endswith("Merge those with --end-to-end apart from those without.")
    assert (own_run / "bench.json").read_text() == record


def test_a_verdict_across_documents_needs_more_than_one_within_a_document(digitedge, own_run, document):
    document("bench.json", "cpu", 10.6)
    found = digitedge("bench", "--merge", document("there.json", "openvino", 10.0), "--json").document
    assert "no difference to " in found["verdict"]
    assert {row["p50_low_us"] for row in found["results"]} == {10.6, 10.0}, "what was measured stays as it is"


def test_what_was_found_of_a_row_goes_with_it(digitedge, own_run, document):
    fp32, int8 = sorted(own_run.glob("*.onnx"))
    entry = {"path": str(fp32), "old_path": "x", "provider": "cpu", "threads": 1, "batch": 1, "result": "slower"}
    document("bench.json", compare=[entry], tune=[{"path": str(int8)}])
    there = document("there.json", "openvino", profile=[{"path": str(fp32), "provider": "openvino"}])
    found = digitedge("bench", "--merge", there, "--json").document
    assert (found["compare"], found["tune"]) == ([entry], [{"path": str(int8)}])
    assert [one["provider"] for one in found["profile"]] == ["openvino"]
    found = digitedge("bench", "--merge", document("newer.json"), "--json").document
    assert (found["compare"], found["tune"]) == (None, None), "they were of rows that are gone"
    assert digitedge("bench", "--merge", there, "--strict").code == 0


def test_the_seconds_are_told_where_they_are_those_of_all(digitedge, document):
    paths = document("a.json", seconds=30.0), document("b.json", "openvino", seconds=30.0)
    assert digitedge("bench", "--merge", *paths, "--json").document["seconds"] == 30.0
    assert digitedge("bench", "--merge", document("c.json", "x", seconds=2.0), "--json").document["seconds"] is None


def test_another_machine_is_3_and_leaves_the_record_alone(digitedge, own_run, document):
    record = document("bench.json").read_text()
    there = json.loads(document("there.json", "openvino").read_text())
    there["machine"]["cpu"] = "another"
    (own_run / "there.json").write_text(json.dumps(there))
    ended = digitedge("bench", "--merge", own_run / "there.json")
    assert (ended.code, ended.out) == (3, "")
    assert "are of two machines: other CPU" in ended.error
    assert (own_run / "bench.json").read_text() == record


def test_files_of_another_run_are_3(digitedge, own_run, document, tmp_path):
    there = document("there.json", "openvino")
    shutil.copytree(own_run, tmp_path / "runs" / "other")
    shutil.copy(document("bench.json"), tmp_path / "runs" / "other" / "bench.json")
    ended = digitedge("bench", "--merge", there, tmp_path / "runs" / "other" / "bench.json")
    assert ended.code == 3
    assert "lies in another folder. Merge what was measured of one run." in ended.error


def test_without_documents_is_2(digitedge):
    ended = digitedge("bench", "--merge")
    assert (ended.code, ended.error) == (2, "--merge needs documents. Type: digitedge bench --merge FILE.json ...")


@pytest.mark.parametrize("option", [("--provider", "openvino"), ("--seconds", "9"), ("--compare", "x.json")])
def test_an_option_that_means_nothing_is_2(digitedge, document, option):
    ended = digitedge("bench", "--merge", document("a.json"), *option)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith("--merge measures nothing. ")


def test_what_is_no_document_is_3(digitedge, own_run):
    ended = digitedge("bench", "--merge", own_run / "tiny.fp32.onnx")
    assert ended.code == 3
    assert ended.error.startswith(f"{own_run / 'tiny.fp32.onnx'} ")


def test_strict_judges_the_merged_rows(digitedge, own_run, document):
    path = document("a.json")
    broken = json.loads(path.read_text())
    broken["results"][0] |= {"stable": False, "reason": "its processes disagree"}
    path.write_text(json.dumps(broken))
    assert digitedge("bench", "--merge", path).code == 0
    assert digitedge("bench", "--merge", path, "--strict").code == 1
