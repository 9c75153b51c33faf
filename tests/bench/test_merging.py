"""Documents of made-up rows about two files that really lie there."""

import copy
import json

import pytest

from digitedge.bench.merging import folder_of, identity, merge, read_source, row_from
from digitedge.errors import ContentError
from digitedge.files import sha256

MACHINE = {"cpu": "C", "architecture": "x86_64", "flags": ["avx2"], "cores": 2, "cpu_limit": None, "load_1min": 0.1}


@pytest.fixture
def folder(tmp_path):
    """One with a.onnx and b.tflite."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.onnx").write_bytes(b"aaaa")
    (tmp_path / "run" / "b.tflite").write_bytes(b"bb")
    return tmp_path / "run"


@pytest.fixture
def row(folder):
    """row("a.onnx", "cpu", 10.0) -> a row as bench.json has it."""

    def make(name, provider="cpu", p50_us=10.0, **more):
        path = folder / name
        data = path.read_bytes() if path.is_file() else b"?"
        made = {
            "path": str(path), "format": path.suffix[1:], "precision": "fp32", "provider": provider, "threads": 1,
            "batch": 1, "p50_us": p50_us, "p50_low_us": p50_us, "p50_high_us": p50_us, "sha256": sha256(data),
            "size_bytes": len(data), "stable": True, "valid": p50_us is not None, "reason": None,
        }  # fmt: skip
        return made | more

    return make


@pytest.fixture
def source(tmp_path):
    """source("x.json", rows, machine=...) -> Source, as read from a file."""

    def write(name, rows, **more):
        document = {"schema_version": 1, "command": "bench", "digitedge": "0", "machine": MACHINE, "results": rows}
        (tmp_path / name).write_text(json.dumps(document | more))
        return read_source(tmp_path / name)

    return write


def test_rows_of_two_environments_stand_in_one_table(source, row):
    merged = merge([
        source("here.json", [row("a.onnx"), row("b.tflite")]),
        source("there.json", [row("a.onnx", "openvino", 20.0)]),
    ])  # fmt: skip
    assert [(entry["provider"], entry["p50_us"]) for entry in merged] == [
        ("cpu", 10.0),
        ("cpu", 10.0),
        ("openvino", 20.0),
    ]


def test_of_the_same_thing_the_newer_stands_in_the_place_of_the_older(source, row):
    merged = merge([
        source("old.json", [row("a.onnx", p50_us=10.0), row("b.tflite")]),
        source("new.json", [row("a.onnx", p50_us=30.0), row("a.onnx", p50_us=40.0, threads=2)]),
    ])  # fmt: skip
    assert [(entry["threads"], entry["p50_us"]) for entry in merged] == [(1, 30.0), (1, 10.0), (2, 40.0)]


def test_a_row_of_a_version_without_end_to_end_is_of_the_engine_alone(row):
    assert identity(row("a.onnx")) == identity(row("a.onnx") | {"end_to_end": False})
    assert row_from(row("a.onnx")).end_to_end is False


@pytest.mark.parametrize(("name", "value"), [("provider", "x"), ("threads", 2), ("batch", 8), ("end_to_end", True)])
def test_what_makes_two_things(row, name, value):
    assert identity(row("a.onnx")) != identity(row("a.onnx") | {name: value})


def test_a_row_without_times_is_merged_too(source, row):
    refused = row("a.onnx", "cuda", None, reason="2 of 12 nodes did not run on cuda")
    merged = merge([source("here.json", [row("a.onnx")]), source("there.json", [refused])])
    assert [entry["p50_us"] for entry in merged] == [10.0, None]
    assert row_from(merged[1]).reason == "2 of 12 nodes did not run on cuda"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("cpu", "D", r"other CPU \(C and D\)"),
        ("cores", 8, r"other number of cores \(2 and 8\)"),
        ("flags", ["avx2", "avx512_vnni"], r"other CPU flags \(avx512_vnni\)"),
        ("cpu_limit", 1.5, r"other limit of the container \(unknown and 1\.5\)"),
        ("architecture", "aarch64", r"other architecture \(x86_64 and aarch64\)"),
    ],
)
def test_two_machines_are_refused(source, row, key, value, words):
    sources = [source("a.json", [row("a.onnx")]), source("b.json", [row("a.onnx")], machine=MACHINE | {key: value})]
    with pytest.raises(ContentError, match=rf"a\.json and .*b\.json are of two machines: {words}"):
        merge(sources)


def test_the_load_makes_no_other_machine(source, row):
    busy = source("b.json", [row("a.onnx", "openvino")], machine=MACHINE | {"load_1min": 9.0})
    assert len(merge([source("a.json", [row("a.onnx")]), busy])) == 2


@pytest.mark.parametrize(("first", "other"), [(False, True), (True, False), (None, True)])
def test_the_whole_way_and_the_engine_alone_are_not_mixed(source, row, first, other):
    ours = row("a.onnx") if first is None else row("a.onnx", end_to_end=first)
    sources = [source("a.json", [ours]), source("b.json", [row("b.tflite", end_to_end=other)])]
    words = {
        False: r"a\.json is timed of the engine alone, and b\.tflite in .*b\.json from pixels to labels\.",
        True: r"a\.json is timed from pixels to labels, and b\.tflite in .*b\.json of the engine alone\.",
    }
    with pytest.raises(ContentError, match=words[bool(first)]):
        merge(sources)
    assert len(merge([sources[1], source("c.json", [row("a.onnx", end_to_end=other)])])) == 2


def test_files_of_another_folder_are_refused(source, row, tmp_path):
    strange = row("a.onnx") | {"path": str(tmp_path / "other" / "a.onnx")}
    with pytest.raises(
        ContentError, match=r"b\.json is of other files than .*a\.json: .*other/a\.onnx lies in another"
    ):
        merge([source("a.json", [row("a.onnx")]), source("b.json", [strange])])


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"sha256": None, "size_bytes": 5}])
def test_other_bytes_of_the_same_name_are_refused(source, row, change):
    with pytest.raises(ContentError, match=r"a\.onnx has changed since it was measured"):
        merge([source("a.json", [row("a.onnx")]), source("b.json", [row("a.onnx", "openvino") | change])])


def test_without_digests_the_sizes_decide(source, row):
    old = {"sha256": None}
    assert len(merge([source("a.json", [row("a.onnx")]), source("b.json", [row("a.onnx", "x") | old])])) == 2


def test_a_file_that_was_exported_again_since_is_refused(source, row, folder):
    sources = [source("a.json", [row("b.tflite")]), source("b.json", [row("a.onnx", "openvino")])]
    (folder / "a.onnx").write_bytes(b"cccc")
    with pytest.raises(ContentError, match=r"a\.onnx has changed since it was measured for .*b\.json"):
        merge(sources)


def test_files_that_are_gone_do_not_matter(source, row, folder):
    sources = [source("a.json", [row("a.onnx")]), source("b.json", [row("a.onnx", "openvino")])]
    (folder / "a.onnx").unlink()
    assert len(merge(sources)) == 2


def test_a_run_that_was_moved_is_found_beside_its_document(row, folder, tmp_path):
    entry = row("a.onnx")
    document = {"schema_version": 1, "command": "bench", "digitedge": "0", "machine": MACHINE, "results": [entry]}
    (folder / "bench.json").write_text(json.dumps(document))
    moved = folder.rename(tmp_path / "moved")
    assert read_source(moved / "bench.json").rows[0]["path"] == str(moved / "a.onnx")
    (moved / "a.onnx").write_bytes(b"other")
    assert read_source(moved / "bench.json").rows[0]["path"] == entry["path"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"command": "verify"}, "is no document of this version of digitedge bench"),
        ({"schema_version": 2}, "is no document of this version of digitedge bench"),
        ({"error": {"kind": "x", "message": "no GPU."}}, r"is of a benchmark that failed: no GPU\."),
        ({"error": {"kind": "stopped", "message": "?"}}, "is of a benchmark that was interrupted"),
        ({"results": []}, "holds no results"),
        ({"results": [{}]}, "cannot be understood"),
        ({"results": 7}, "cannot be understood"),
        ({"machine": {}}, "cannot be understood"),
        ({"compare": [{"result": "slower"}]}, "cannot be understood"),
        ({"tune": ["a.onnx"]}, "cannot be understood"),
        ({"merged": [{"path": "x"}]}, "cannot be understood"),
    ],
)
def test_what_is_no_benchmark_is_refused(source, row, more, words):
    with pytest.raises(ContentError, match=rf"x\.json {words}"):
        source("x.json", [row("a.onnx")], **more)


@pytest.mark.parametrize("lacking", ["path", "provider", "size_bytes", "stable", "valid", "p50_us"])
def test_a_row_that_lacks_something_is_refused(source, row, lacking):
    broken = copy.copy(row("a.onnx"))
    del broken[lacking]
    with pytest.raises(ContentError, match="cannot be understood"):
        source("x.json", [broken])


@pytest.mark.parametrize("p50_us", [None, 0, -1.0, "fast"])
def test_a_valid_row_has_a_time(source, row, p50_us):
    with pytest.raises(ContentError, match="cannot be understood"):
        source("x.json", [row("a.onnx") | {"p50_us": p50_us, "valid": True}])


def test_the_folder_of_the_files(row, folder, tmp_path):
    rows = [row("a.onnx"), row("b.tflite")]
    assert folder_of(rows) == folder
    assert folder_of([*rows, {"path": str(tmp_path / "c.onnx")}]) is None


def test_the_ways_of_a_provider_are_rows_of_their_own_and_older_rows_were_with_copies(source, row):
    old = source("old.json", [row("a.onnx", "cuda", 30.0)])
    new = source("new.json", [row("a.onnx", "cuda", 20.0, io="copies"), row("a.onnx", "cuda", 10.0, io="graph")])
    merged = merge([old, new])
    assert [(entry["io"], entry["p50_us"]) for entry in merged] == [("copies", 20.0), ("graph", 10.0)]
    assert [row_from(entry).io for entry in (*old.rows, *merged)] == ["copies", "copies", "graph"]
