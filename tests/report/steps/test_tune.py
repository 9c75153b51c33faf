from digitedge.report.steps import tune

PROVED = {
    "path": "/runs/tiny.fp32.onnx", "words": "2 threads", "usual_p50_us": 25.2, "p50_us": 17.1, "gain": 1.474,
    "gain_low": 1.41, "gain_high": 1.52, "proved": True, "reason": None,
    "code": "options = onnxruntime.SessionOptions()\noptions.intra_op_num_threads = 2",
}  # fmt: skip
UNPROVED = {
    "path": "/runs/tiny.int8.onnx", "words": "1 thread, no arena", "usual_p50_us": 33.0, "p50_us": 32.4, "gain": 1.018,
    "gain_low": 0.97, "gain_high": 1.05, "proved": False, "reason": None, "code": None,
}  # fmt: skip
LOST = {
    "path": "/runs/tiny\x1b.onnx", "words": None, "usual_p50_us": None, "p50_us": None, "gain": None, "gain_low": None,
    "gain_high": None, "proved": False, "reason": "it did not return within 3 s", "code": None,
}  # fmt: skip


def test_the_table_the_lines_to_paste_and_a_sentence(printed):
    out = printed(tune.step({"tune": [PROVED, UNPROVED]}))
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "tune file usual best gain 95 % interval settings"
    assert lines[1] == "tiny.fp32.onnx 25 µs 17 µs 1.47x 1.41–1.52x 2 threads"  # noqa: RUF001
    assert lines[2] == "tiny.int8.onnx 33 µs 32 µs 1.02x 0.97–1.05x 1 thread, no arena (not"  # noqa: RUF001
    assert lines[3] == "proved)"
    assert "options.intra_op_num_threads = 2" in lines
    sentence = "A gain is proved for 1 of 2 files; tiny.fp32.onnx gains most, 1.47x with 2 threads."
    assert sentence in " ".join(lines)
    assert printed(tune.step({"tune": [PROVED, UNPROVED]}), quiet=True) == f"{sentence}\n"
    assert max(map(len, out.splitlines())) <= 100


def test_without_a_proof_nothing_is_to_be_pasted(printed):
    out = printed(tune.step({"tune": [UNPROVED, LOST]}))
    assert "onnxruntime" not in out
    assert "No other setting is proved faster than the usual session, for any of 2 files." in " ".join(out.split())
    assert r"tiny\x1b.onnx: it did not return within 3 s." in out
    assert "\x1b" not in out


def test_settings_that_are_fast_now_and_then_are_said(printed):
    unsteady = [{"words": "2 threads", "p50_least_us": 17.5, "p50_most_us": 31.2}]
    out = " ".join(printed(tune.step({"tune": [UNPROVED | {"unsteady": unsteady}]})).split())
    said = "tiny.int8.onnx with 2 threads took 18 µs to 31 µs from process to process: no steady gain on this machine."
    assert said in out
    assert "No other setting is proved faster than the usual session." in out
