from digitedge.report.steps import bench


def test_bench(printed, bench_document):
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[0] == " bench    1 thread · batch 1 · 20,000 calls each"
    assert " ".join(lines[1].split()) == "file provider p50 p90 p99 load first memory"
    assert " ".join(lines[2].split()) == "classic.fp32.onnx cpu 60 µs 66 µs – 8.0 ms 1.2 ms 31 MB"  # noqa: RUF001
    assert lines[-2] == " verdict  Ship classic.fp32.tflite."
    assert printed(bench.step(bench_document), quiet=True) == "Ship classic.fp32.tflite.\n"


def test_bench_says_what_not_to_trust(printed, bench_document):
    bench_document["results"][0] |= {"stable": False, "reason": "the processes differ by 30 %"}
    bench_document["results"][1] |= {"valid": False, "reason": "only 3 calls", "n": 3, "threads": 2}
    out = printed(bench.step(bench_document))
    assert "1 thread and 2 threads · batch 1 · 3 to 20,000 calls each" in out
    assert "unstable\n" in out
    assert "invalid\n" in out
    assert "classic.fp32.onnx on cpu: the processes differ by 30 %." in out
    assert "classic.fp32.tflite on cpu: only 3 calls." in out
