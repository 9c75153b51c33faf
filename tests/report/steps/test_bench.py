from digitedge.report.steps import bench


def test_bench(printed, bench_document):
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[0] == " bench    on the CPU · 1 thread · batch 1 · 20,000 calls each"
    assert " ".join(lines[1].split()) == "file p50 p99 first memory size accuracy"
    assert " ".join(lines[2].split()) == "classic.fp32.onnx 60 µs – 1.2 ms 31 MB 818 kB 83.33 %"  # noqa: RUF001
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
    assert lines[0] == " bench    on the CPU · 1 thread · 20,000 calls each"
    assert " ".join(lines[1].split()) == "file batch p50 p99 images/s accuracy"
    assert " ".join(lines[2].split()) == "classic.fp32.onnx 1 60 µs – 16,667 83.33 %"  # noqa: RUF001
    assert " ".join(lines[3].split()).endswith("64 49 µs – 123,457 83.33 %")  # noqa: RUF001
    bench_document["results"][0] |= {"threads": 2}
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[0] == " bench    on the CPU · 20,000 calls each"
    assert " ".join(lines[1].split()) == "file threads batch p50 p99 images/s accuracy"
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


def test_how_images_came_stands_beside_the_provider(printed, bench_document):
    first = bench_document["results"][0] | {"provider": "cuda"}
    ways = [first | {"io": io} for io in ("copies", "device", "graph")]
    ways[2] |= {"valid": False, "reason": "cuda does not run it as a graph"}
    bench_document["results"] = ways
    lines = printed(bench.step(bench_document)).splitlines()
    starts = [" ".join(line.split())[:40] for line in lines[2:5]]
    assert starts[0].startswith("classic.fp32.onnx cuda 60")
    assert starts[1].startswith("classic.fp32.onnx cuda, no copies 60")
    assert starts[2].startswith("classic.fp32.onnx cuda, graph 60")
    assert "classic.fp32.onnx on cuda, graph: cuda does not run it as a graph." in " ".join(lines)
    assert max(map(len, lines)) <= 100


def test_the_batch_from_which_an_accelerator_wins_is_a_sentence(printed, bench_document):
    entry = {"path": "/r/a.onnx", "provider": "cuda", "io": "copies", "batch": 8, "ratio": 1 / 2.3, "batches": [1, 8]}
    never = entry | {"io": "graph", "batch": None, "ratio": 1.2, "batches": [1, 8, 2560]}
    said = printed(bench.step(bench_document | {"crossover": [entry, entry | {"ratio": 1 / 1.204}, never]}))
    assert "a.onnx on cuda beats the CPU from a batch of 8 on: 2.3x at 8.\n" in said
    assert "a.onnx on cuda beats the CPU from a batch of 8 on: 1.20x at 8.\n" in said
    assert "a.onnx on cuda, graph does not beat the CPU at any batch up to 2,560.\n" in said
    for nothing in ({}, {"crossover": None}):
        assert "beat the CPU" not in printed(bench.step(bench_document | nothing))


def test_two_providers_take_the_place_of_the_size(printed, bench_document):
    bench_document["results"][1] |= {"provider": "openvino"}
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[0] == " bench    1 thread · batch 1 · 20,000 calls each"
    assert " ".join(lines[1].split()) == "file provider p50 p99 first memory accuracy"
    for row in bench_document["results"]:
        row["provider"] = "openvino"
    assert printed(bench.step(bench_document)).startswith(" bench    on openvino · 1 thread")


def test_without_labels_the_agreement_stands_there_and_without_a_reference_neither(printed, bench_document):
    for row in bench_document["results"]:
        row |= {"accuracy": None, "agreement": 0.9999}
    lines = printed(bench.step(bench_document)).splitlines()
    assert lines[1].split()[-1] == "agreement"
    assert lines[2].endswith("99.99 %")
    for row in bench_document["results"]:
        row["agreement"] = None
    assert printed(bench.step(bench_document)).splitlines()[1].split()[-1] == "size"


def test_of_a_c_file_the_size_is_what_a_device_stores(printed, bench_document):
    bench_document["results"][0] |= {"flash_bytes": 214_000}
    assert "214 kB" in printed(bench.step(bench_document)).splitlines()[2]
