from digitedge.report.steps import profile


def operator(name, layer, share, mean_us):
    return {"name": name, "operator": name, "layer": layer, "share": share, "mean_us": mean_us, "provider": "CPU"}


ONNX = {
    "path": "/runs/tiny.fp32.onnx", "provider": "cpu", "calls": 500, "call_us": 64.0, "p50_us": 25.2, "reason": None,
    "operators": [
        operator("Conv", "conv1", 0.5, 20.0),
        operator("Gemm", "dense\x1b", 0.26, 10.4),
        *[operator("Relu", None, 0.04, 1.6)] * 6,
    ],
}  # fmt: skip
TFLITE = {
    "path": "/runs/tiny.fp32.tflite", "provider": "cpu", "calls": None, "call_us": None, "p50_us": 22.0,
    "operators": None, "reason": "LiteRT tells nothing",
}  # fmt: skip


def test_the_largest_operators_and_what_the_rest_takes(printed):
    out = printed(profile.step({"profile": [ONNX, TFLITE]}))
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "profile tiny.fp32.onnx layer share time"
    assert lines[1] == "Conv conv1 50 % 20 µs"
    assert lines[2] == r"Gemm dense\x1b 26 % 10 µs"
    assert lines[7] == "2 more – 8 % 3.2 µs"  # noqa: RUF001
    assert lines[8] == "500 calls; a call took 64 µs while it was profiled, 25 µs without."
    assert "tiny.fp32.tflite: LiteRT tells nothing." in lines
    assert "small models look slower" in " ".join(lines)
    assert max(map(len, out.splitlines())) <= 100


def test_quiet_is_the_heaviest_operator(printed):
    assert printed(profile.step({"profile": [ONNX]}), quiet=True) == (
        "Most of all takes Conv (conv1) in tiny.fp32.onnx: 50 %.\n"
    )
    out = printed(profile.step({"profile": [TFLITE]}))
    assert "No operators are known of 1 file." in out
    assert "small models" not in out
