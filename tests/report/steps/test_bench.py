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
    assert "batch 1 · 3 to 20,000 calls each" in out
    assert "unstable\n" in out
    assert "invalid\n" in out
    assert "classic.fp32.onnx on cpu: the processes differ by 30 %." in out
    assert "classic.fp32.tflite on cpu: only 3 calls." in out


def test_what_varies_has_a_column_and_throughput_takes_the_place_of_memory(printed, bench_document):
    bench_document["results"][1] |= {"batch": 64, "images_per_s": 123_456.7}
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[0] == " bench    1 thread · 20,000 calls each"
    assert " ".join(lines[1].split()) == "file provider batch p50 p90 p99 images/s"
    assert " ".join(lines[2].split()) == "classic.fp32.onnx cpu 1 60 µs 66 µs – 16,667"  # noqa: RUF001
    assert " ".join(lines[3].split()).endswith("64 49 µs 54 µs – 123,457")  # noqa: RUF001
    bench_document["results"][0] |= {"threads": 2}
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[0] == " bench    20,000 calls each"
    assert " ".join(lines[1].split()) == "file provider threads batch p50 p90 p99 images/s"
    assert max(map(len, lines)) <= 100


def test_rows_of_fewer_processes_are_said(printed, bench_document):
    for row, processes in zip(bench_document["results"], (10, 5), strict=True):
        row["processes"] = processes
    assert "batch 1 · 5 to 10 processes · 20,000 calls each" in printed(bench.step(bench_document))


def test_the_whole_way_is_said(printed, bench_document):
    for row in bench_document["results"]:
        row["end_to_end"] = True
    assert "1 thread · batch 1 · from pixels to labels · 20,000 calls each" in printed(bench.step(bench_document))


def test_energy_is_said_where_it_could_be_read_and_nowhere_else(printed, bench_document):
    assert "Energy" not in printed(bench.step(bench_document))
    bench_document["results"][0] |= {"energy_uj": 840.4}
    said = " ".join(printed(bench.step(bench_document)).split())
    assert "with what it takes while idle: classic.fp32.onnx 840 µJ." in said
