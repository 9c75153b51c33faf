from digitedge.report.steps import explain

CONV = {
    "layer": "conv1", "operator": "Conv", "sqnr_db": 38.14, "max_abs": 0.02, "low": 0.0, "high": 0.9941,
    "weight_bits": 8, "saturates": True, "macs": 432_000,
}  # fmt: skip
POOL = {
    "layer": "pool\x1b[1m", "operator": "MaxPool", "sqnr_db": None, "max_abs": 0.0, "low": -2.8, "high": 7.03,
    "weight_bits": None, "saturates": False, "macs": 0,
}  # fmt: skip


def test_each_file_has_a_table_of_its_layers(printed):
    document = {"explain": [{"path": f"/runs/tiny.{kind}.onnx", "layers": [CONV, POOL]} for kind in ("fp16", "int8")]}
    lines = [" ".join(line.split()) for line in printed(explain.step(document)).splitlines()]
    assert lines[0] == "layers tiny.fp16.onnx operator SQNR off by values bits MACs"
    assert lines[1] == "conv1 Conv 38.1 dB 0.02 0 to 0.994 8 432,000 saturates"
    assert lines[2] == r"pool\x1b[1m MaxPool exact 0 -2.8 to 7.03 –"  # noqa: RUF001
    assert lines[3].startswith("tiny.int8.onnx operator")
