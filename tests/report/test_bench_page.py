"""What the page says of a benchmark."""

import html
import re

import pytest

from digitedge.errors import ContentError
from digitedge.report.page import write

USUAL = {"threads": 1, "spinning": True, "arena": True, "pattern": True, "level": "all", "layout": "blocked"}
NASTY = "<script>alert(1)</script>"


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page[page.index("<h2>How fast") :])).split())


def compared(path, result, ratio=None, **changes):
    return {
        "path": str(path), "old_path": str(path), "provider": "cpu", "threads": 1, "batch": 1, "result": result,
        "ratio": ratio, "ratio_low": ratio and ratio - 0.01, "ratio_high": ratio and ratio + 0.01,
        "measured_again": True, "p50_us": 66.0, "old_p50_us": 60.0, "drift": 1.0, "reason": None, **changes,
    }  # fmt: skip


def tuned(path, gain, **changes):
    best = {**USUAL, "arena": False}
    return {
        "path": str(path), "options": best, "p50_us": 40.0, "p50_low_us": 39.0, "p50_high_us": 41.0, "gain": gain,
        "gain_low": gain and gain - 0.1, "gain_high": gain and gain + 0.1, "proved": False, "usual_options": USUAL,
        "usual_p50_us": 60.0, "usual_p50_low_us": 59.0, "usual_p50_high_us": 61.0, "words": "1 thread, no arena",
        "code": None, "screened": [{"options": best, "p50_us": 41.0}, {"options": USUAL, "p50_us": None}],
        "reason": None, **changes,
    }  # fmt: skip


def profiled(path, operators, **changes):
    return {
        "path": str(path), "format": "onnx", "provider": "cpu", "threads": 1, "batch": 1, "calls": 500,
        "call_us": 90.0, "p50_us": 60.0, "operators": operators, "reason": None, **changes,
    }  # fmt: skip


def operators(*shares):
    return [
        {"name": "n", "operator": f"Op{place}", "provider": "x", "mean_us": 100 * share, "share": share, "layer": None}
        for place, share in enumerate(shares)
    ]


CONTEXT = {
    "cpu": "Chip <1>", "architecture": "x86_64", "flags": [], "governor": "powersave", "cores": 2, "cpu_limit": 1.5,
    "os": "Linux", "memory_limit_bytes": 2_000_000_000, "providers": ["cpu"],
    "before": {"load_1min": 0.5, "temperature_c": 40.0, "clock_mhz": None, "throttled_ms": 1.0, "steal_ms": 10.0},
    "after": {"load_1min": 1.5, "temperature_c": 61.0, "clock_mhz": None, "throttled_ms": 9.0, "steal_ms": 10.0},
    "versions": {"onnxruntime": "1.31.1", "tensorflow": None},
}  # fmt: skip


@pytest.fixture
def shown(run_folder, rewrite):
    """shown(key=...) is the section of the page on a benchmark with these keys, as text and as HTML."""

    def make(**changes):
        rewrite(run_folder / "bench.json", **changes)
        page = write(run_folder).read_text()
        return text_of(page), page

    return make


@pytest.fixture
def rows(bench_document):
    return bench_document["results"]


def test_an_older_document_shows_no_empty_part(shown):
    text, _ = shown()
    for absent in (
        "Against the benchmark",
        "Other settings",
        "operators take",
        "Images a second",
        "governor",
        "timed by",
    ):
        assert absent not in text, absent
    assert "energy" not in text
    assert "How fast On the CPU, 1 thread, batch 1" in text


def test_the_fastest_row_comes_first_with_its_interval(shown):
    text, page = shown()
    assert text.index("classic.fp32.tflite") < text.index("classic.fp32.onnx")
    assert "49 µs 48.5 to 49.5 µs" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert page.count('<svg class="mark"') == 2


def test_rows_that_are_not_valid_come_last_without_any_figure(shown, rows):
    text, page = shown(results=[rows[0], {**rows[1], "valid": False, "reason": f"2 of 5 nodes {NASTY}"}])
    table = page[page.index("<h2>How fast") :]
    line = table[table.index('<tr class="bad">') :]
    line = line[: line.index("</tr>")]
    assert "classic.fp32.tflite" in line
    assert "µs" not in line
    assert line.endswith("invalid</td>")
    assert f"classic.fp32.tflite on cpu: 2 of 5 nodes {NASTY}." in text
    assert NASTY not in page


def test_a_missing_percentile_says_why(shown, rows):
    why = {"p99_us": "662 calls are needed; there were 400"}
    text, page = shown(results=[{**rows[0], "percentiles_missing": why}, rows[1]])
    assert "* p99 of classic.fp32.onnx: 662 calls are needed; there were 400." in text
    assert f'title="{why["p99_us"]}"' in page


def test_of_many_missing_percentiles_only_the_number_is_told(shown, rows):
    missing = {"p99_us": "662 calls are needed; there were 400", "p999_us": "6,635 calls are needed; there were 400"}
    results = [{**row, "percentiles_missing": missing, "threads": threads} for row in rows for threads in (1, 2)]
    text, _ = shown(results=results)
    assert "* p99.9 of 4 rows: 6,635 calls are needed; how many there were stands below" in text


def test_several_batches_are_apart_and_their_rates_side_by_side(shown, rows):
    more = [{**row, "batch": 8, "images_per_s": 50_000.0, "p50_us": 160.0} for row in rows]
    text, page = shown(results=[*rows, *more])
    assert text.index("1 thread, batch 1") < text.index("1 thread, batch 8")
    assert "file on batch 1 batch 8 by batch, from 0" in text
    assert "classic.fp32.onnx cpu 16,667 50,000" in text
    assert page.count("<polyline") == 2
    assert "With 1 thread, batch 1." in text
    costs = text[text.index("costs besides") : text.index("How it was measured")]
    assert costs.count("classic.fp32.onnx") == 1


def test_how_an_accelerator_was_called_stands_beside_it_and_it_is_drawn_once(shown, rows):
    cuda = [{**rows[0], "provider": "cuda", "io": io, "p50_us": 20.0} for io in ("copies", "device", "graph")]
    crossover = [
        {"path": "a.onnx", "provider": "cuda", "io": "graph", "batch": 8, "ratio": 0.5, "ratio_low": 0.4,
         "ratio_high": 0.6, "batches": [1, 8]},
        {"path": "b.onnx", "provider": "cuda", "io": "copies", "batch": None, "ratio": 1.5, "ratio_low": 1.4,
         "ratio_high": 1.6, "batches": [1, 64]},
    ]  # fmt: skip
    text, page = shown(results=[*rows, *cuda], crossover=crossover)
    assert "cuda, graph" in text
    assert "cuda, no copies" in text
    assert "a.onnx on cuda, graph beats the CPU from a batch of 8 on: 2.0x at 8." in text
    assert "b.onnx on cuda does not beat the CPU at any batch up to 64." in text
    assert ">onnx fp32 cuda<" in page
    assert ">onnx fp32 cuda, graph<" not in page


def test_a_comparison_is_a_forest_around_one(shown):
    text, page = shown(
        compare=[
            compared("a.onnx", "faster", 0.8),
            compared("b.onnx", "slower", 1.3),
            compared("c.onnx", "not comparable", reason=f"other CPU {NASTY}"),
        ]
    )
    assert "1 slower (b.onnx 1.30x), 1 faster (a.onnx 0.80x), 1 not comparable." in text
    assert "0.80x 0.79 to 0.81 faster" in text
    assert f"c.onnx: other CPU {NASTY}." in text
    assert NASTY not in page
    assert page.count('stroke-dasharray="2 2"') == 3


def test_where_nothing_is_comparable_no_scale_is_drawn(shown):
    text, page = shown(compare=[compared("c.onnx", "not comparable", reason="other CPU")])
    assert "1 not comparable." in text
    assert "stroke-dasharray" not in page


def test_settings_that_were_tried(shown):
    code = f"options.enable = '{NASTY}'"
    text, page = shown(
        tune=[
            tuned("a.onnx", 1.5, proved=True, code=code),
            tuned("b.onnx", 1.01),
            tuned("c.onnx", None, options=None, words=None, p50_us=None, screened=[], reason="its process crashed"),
        ]
    )
    assert "A gain is proved for 1 of 3 files; a.onnx gains most, 1.50x with 1 thread, no arena." in text
    assert "no proved gain" in text
    assert "its process crashed" in text
    assert f"# a.onnx {code}" in text
    assert "1 thread (usual)" in text
    assert NASTY not in page
    marks = re.findall(r'<rect x="([\d.]+)" y="4.5" width="7" height="7" fill="var\(--(\w+)\)"', page)
    assert [kind for _, kind in marks] == ["good", "faint"]
    assert float(marks[0][0]) < float(marks[1][0]) < 75  # faster is left


def test_operators_and_that_their_times_are_not_the_latency(shown):
    shares = [0.5, *[0.5 / 19] * 19]
    text, _ = shown(
        profile=[
            profiled("a.onnx", operators(*shares)),
            profiled("b.tflite", None, format="tflite", calls=None, call_us=None, reason="it tells no times"),
        ]
    )
    assert "Writing down every operator costs a few microseconds each" in text
    assert "Op0 – 50 % 50 µs" in text.replace("\N{NO-BREAK SPACE}", " ")  # noqa: RUF001
    assert "8 more" in text
    assert "500 calls; one took 90 µs while it was profiled, and 60 µs without." in text.replace("\xa0", " ")
    assert "b.tflite: it tells no times." in text


def test_circumstances_and_what_was_measured_apart(shown, rows):
    origin = {
        "path": "/x/gpu.json", "digitedge": "0.1.0", "machine": {}, "context": CONTEXT,
        "rows": [{"path": "a.onnx", "provider": "openvino"}],
    }  # fmt: skip
    seen = {"engine": f"ONNX {NASTY}", "timed_by": "Python call", "processes": 10, "departure": 0.0}
    more = {"same_image_ratio": 0.991, "energy_uj": 840.0, "floor_p50_us": 0.03}
    results = [{**rows[0], **seen, **more}, rows[1]]
    text, page = shown(results=results, context=CONTEXT, loop_overhead_us=0.06, merged=[origin])
    for words in (
        "CPU Chip <1>, 2 cores",
        "governor powersave",
        "limit of the container 1.5 cores, 2.0 GB",
        "load 0.50 before, 1.50 after",
        "temperature 40 °C before, 61 °C after",
        "kept waiting by the container's limit 8 ms",
        "timing loop 0.06 µs a call, which is not subtracted",
        "versions onnxruntime 1.31.1",
        "Measured apart, for gpu.json, with onnxruntime 1.31.1, load 0.5: a.onnx on openvino.",
        "< 0.1 µs same bits 99 %",
        "840 µJ",
        "timed by a Python call",
    ):
        assert words in text.replace("\xa0", " "), words
    assert "clock" not in text
    assert "by the host" not in text
    assert NASTY not in page


def test_a_figure_that_is_no_number_is_refused(shown, rows):
    with pytest.raises(ContentError, match="cannot be understood"):
        shown(results=[{**rows[0], "p50_us": NASTY}, rows[1]])
    with pytest.raises(ContentError, match="cannot be understood"):
        shown(results=[{**rows[0], "p50_us": 0.0}, {**rows[1], "p50_us": 0.0}])


def test_an_interrupted_benchmark_is_never_in_the_page(run_folder, bench_document, rewrite):
    page = write(run_folder).read_text()
    half = {"error": {"kind": "interrupted", "message": "Ctrl-C.", "hint": ""}}
    (run_folder / "bench.interrupted.json").write_text((run_folder / "bench.json").read_text())
    rewrite(run_folder / "bench.interrupted.json", **half, verdict="never")
    assert write(run_folder).read_text() == page
    rewrite(run_folder / "bench.json", **half)
    with pytest.raises(ContentError, match=r"bench.json is of a digitedge bench that ended early: Ctrl-C. Make it"):
        write(run_folder)
