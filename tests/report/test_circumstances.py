"""In what circumstances a benchmark ran."""

from digitedge.report.circumstances import circumstances, merged

MOMENT = {"load_1min": 0.5, "temperature_c": None, "clock_mhz": None, "throttled_ms": None, "steal_ms": 7.0}
CONTEXT = {
    "cpu": None, "architecture": "riscv64", "governor": None, "cores": 4, "cpu_limit": None, "os": "Linux",
    "memory_limit_bytes": None, "providers": ["cpu"], "before": MOMENT, "after": MOMENT, "versions": {"numpy": "2"},
}  # fmt: skip


def test_what_could_not_be_read_is_left_out():
    assert circumstances({}) == {}
    assert circumstances({"context": CONTEXT}) == {
        "CPU": "riscv64, 4 cores",
        "system": "Linux",
        "providers": "cpu",
        "load": "0.50 before, 0.50 after",
        "versions": "numpy 2",
    }


def test_what_only_grows_is_told_by_how_much_it_grew():
    after = {**MOMENT, "steal_ms": 1_207.0}
    assert circumstances({"context": {**CONTEXT, "after": after}})["kept waiting by the host"] == "1,200 ms"


def test_rows_of_another_document_are_named_even_without_its_context():
    origin = {"path": "/x/there.json", "context": None, "rows": [{"path": "/r/a.onnx", "provider": "openvino"}] * 2}
    assert merged({}) == []
    assert merged({"merged": [origin]}) == ["Measured apart, for there.json: a.onnx on openvino."]
