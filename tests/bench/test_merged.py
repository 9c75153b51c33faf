"""What a document of several benchmarks says beside its rows."""

import copy
from pathlib import Path

import pytest

from digitedge.bench.merged import blocks, cautious
from digitedge.bench.merging import BLOCKS, Source, merge
from digitedge.bench.verdict import faster_by
from digitedge.files import sha256

MACHINE = {"cpu": "C", "architecture": "x86_64", "flags": ["avx2"], "cores": 2, "cpu_limit": None}


def row(name, provider="cpu", p50_us=100.0, **more):
    return {
        "path": f"/run/{name}", "format": "onnx", "precision": "fp32", "provider": provider, "threads": 1, "batch": 1,
        "p50_us": p50_us, "p50_low_us": p50_us - 1, "p50_high_us": p50_us + 1, "sha256": sha256(name.encode()),
        "size_bytes": 9, "stable": True, "valid": True, "reason": None,
    } | more  # fmt: skip


def source(name, rows, **more):
    document = {"machine": MACHINE, "results": rows, **more}
    return Source(Path(name), document, tuple(copy.deepcopy(rows)))


def compared(name, provider="cpu", result="slower"):
    return {"path": f"/run/{name}", "provider": provider, "threads": 1, "batch": 1, "result": result}


def test_entries_of_all_documents_are_kept_with_their_rows():
    here = source("here", [row("a.onnx"), row("b.onnx")], compare=[compared("a.onnx"), compared("b.onnx")], tune=None)
    there = source("there", [row("a.onnx", "openvino")], profile=[{"path": "/run/a.onnx", "provider": "openvino"}])
    found = blocks([here, there])
    assert found["compare"] == here.document["compare"]
    assert found["tune"] is None
    assert found["profile"] == there.document["profile"]


def test_an_entry_goes_with_the_row_that_was_replaced():
    here = source(
        "here",
        [row("a.onnx"), row("b.onnx"), row("a.onnx", "openvino")],
        compare=[compared("a.onnx"), compared("b.onnx"), compared("a.onnx", "openvino")],
        tune=[{"path": "/run/a.onnx", "gain": 1.2}, {"path": "/run/b.onnx", "gain": 1.3}],
        profile=[{"path": "/run/a.onnx", "provider": "cpu", "threads": 1, "batch": 1}],
    )
    newer = source("newer", [row("a.onnx")], compare=[compared("a.onnx", result="faster")])
    found = blocks([here, newer])
    assert [(entry["path"], entry["provider"], entry["result"]) for entry in found["compare"]] == [
        ("/run/b.onnx", "cpu", "slower"),
        ("/run/a.onnx", "openvino", "slower"),
        ("/run/a.onnx", "cpu", "faster"),
    ]
    assert [entry["path"] for entry in found["tune"]] == ["/run/b.onnx"]
    assert found["profile"] is None


def test_another_provider_or_another_number_of_threads_replaces_nothing():
    blocks_of_one = {key: [compared("a.onnx")] for key in BLOCKS}
    here = source("here", [row("a.onnx")], **blocks_of_one)
    there = source("there", [row("a.onnx", "openvino"), row("a.onnx", threads=2), row("a.onnx", batch=8)])
    assert blocks([here, there]) == blocks_of_one


def test_an_entry_of_one_way_is_not_replaced_by_a_row_of_another():
    ways = [compared("a.onnx", "cuda") | {"io": io} for io in ("copies", "device", "graph")]
    here = source("here", [row("a.onnx", "cuda", io=way["io"]) for way in ways], compare=ways)
    there = source("there", [row("a.onnx", "cuda"), row("a.onnx", "cuda", io="graph")])
    assert blocks([here, there])["compare"] == [ways[1]]


def test_an_old_row_without_a_file_of_today_is_kept():
    gone = compared("x.onnx") | {"path": None, "result": "not comparable"}
    found = blocks([source("here", [row("a.onnx")], compare=[gone]), source("there", [row("a.onnx")])])
    assert found["compare"] == [gone]


def test_a_run_that_was_moved_takes_its_entries_along():
    here = source("here", [row("a.onnx")], tune=[{"path": "/run/a.onnx"}])
    moved = Source(here.path, here.document, ({**here.rows[0], "path": "/moved/a.onnx"},))
    assert blocks([moved])["tune"] == [{"path": "/moved/a.onnx"}]


@pytest.mark.parametrize(("p50_us", "proved"), [(105.0, False), (109.0, False), (120.0, True)])
def test_between_documents_a_difference_below_that_of_stable_processes_proves_nothing(p50_us, proved):
    here, there = source("here", [row("a.onnx")]), source("there", [row("a.onnx", "openvino", p50_us)])
    ours, theirs = cautious(merge([here, there]), here)
    assert (faster_by(ours, theirs) is not None) is proved
    assert theirs.p50_us == p50_us
    within = source("within", [row("a.onnx"), row("a.onnx", "openvino", p50_us)])
    ours, theirs = cautious(merge([within]), within)
    assert faster_by(ours, theirs) is not None, "rows of one benchmark took turns"


def test_what_was_merged_before_is_still_of_another_time():
    rows = [row("a.onnx"), row("a.onnx", "openvino", 105.0)]
    origin = {"path": "x", "rows": [{"path": "/run/a.onnx", "provider": "openvino"}]}
    record = source("record", rows, merged=[origin])
    ours, theirs = cautious(merge([record, source("more", [row("b.onnx")])]), record)[:2]
    assert faster_by(ours, theirs) is None
    assert (ours.p50_low_us, theirs.p50_high_us) == (99.0, pytest.approx(106.0 * 1.1))


def test_a_row_without_times_has_no_interval_to_widen():
    nothing = row("a.onnx", "cuda", 1.0) | {
        "p50_us": None, "p50_low_us": None, "p50_high_us": None, "valid": False, "reason": "no GPU",
    }  # fmt: skip
    here, there = source("here", [row("a.onnx")]), source("there", [nothing])
    assert cautious(merge([here, there]), here)[1].p50_low_us is None
