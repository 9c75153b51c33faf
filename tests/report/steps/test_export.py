from digitedge.report.steps import export


def test_export(printed, export_document, tmp_path):
    lines = printed(export.step(export_document)).splitlines()
    assert " ".join(lines[1].split()) == "classic.fp32.onnx 818 kB 5 12 of 12 83.33 % 2.4e-07 passed"
    assert " ".join(lines[2].split()) == "classic.fp32.tflite 214 kB 5 12 of 12 83.33 % 2.4e-07 unchanged"
    assert lines[3:5] == ["          needs any", f"          {tmp_path}"]


def test_a_rejected_file_has_no_size_and_the_step_ends_in_the_verdict(printed, export_document, failed_document):
    document = export_document | {
        "artifacts": export_document["artifacts"][:1],
        "verify": failed_document,
        "passed": False,
    }
    lines = printed(export.step(document)).splitlines()
    assert " ".join(lines[2].split()) == "classic.fp32.tflite – – 9 of 12 83.33 % 2.4e-07 failed"  # noqa: RUF001
    assert lines[-2] == "          1 of 2 files failed."


PASSES = [
    {"name": "tf2onnx", "nodes": 14, "transposes": 2, "bytes": 819_000},
    {"name": "drop_transposes", "nodes": 12, "transposes": 0, "bytes": 819_000},
    {"name": "pad_channels", "nodes": 9, "transposes": 0, "bytes": 870_000},
]


def test_a_rewritten_graph_is_shown_before_and_after(printed, export_document):
    export_document["artifacts"][0]["facts"] = {"passes": PASSES}
    out = " ".join(printed(export.step(export_document)).split())
    assert "graph rewritten, losing nothing nodes transposes weights" in out
    assert "classic.fp32.onnx 14 → 9 2 → 0 819 kB → 870 kB" in out
    assert "classic.fp32.tflite 14" not in out


def test_what_did_not_change_is_said_once(printed, export_document):
    export_document["artifacts"][0]["facts"] = {"passes": [PASSES[1], PASSES[1]]}
    assert "classic.fp32.onnx 12 0 819 kB needs" in " ".join(printed(export.step(export_document)).split())


INT8 = {
    "recipe": {"name": "s7-channel", "chosen_on": 2_000, "candidates": [{}, {}, {}]},
    "size_ratio": 0.26,
    "int8_weights_share": 1.0,
    "int8_macs_share": 0.9991,
    "proved_on": {
        "vnni_or_arm": {"cpu": "VNNI, AMX or ARM", "by": "integer evaluation", "n": 2_000, "flips": 0},
        "avx2_or_avx512": {"cpu": "AVX2", "by": "no two weights can saturate 16 bits", "n": 2_000, "flips": 3},
    },
}
SENSITIVITY = [
    {"layer": "conv1", "sqnr_db": 11.26, "kept_in_float": True, "accuracy": 0.99, "size_bytes": 300_000},
    {"layer": "dense", "sqnr_db": None, "kept_in_float": False, "accuracy": None, "size_bytes": None},
]


def test_an_int8_file_says_how_it_was_made_and_where_that_is_proved(printed, export_document):
    export_document["artifacts"][0] |= {"precision": "int8", "facts": INT8}
    lines = [" ".join(line.split()) for line in printed(export.step(export_document)).splitlines()]
    assert "int8 recipe s7-channel, the best of 3 on 2,000 images that are not for testing" in lines[3]
    assert lines[4] == "in int8: 100.0 % of the weights, 99.9 % of the arithmetic"
    assert "VNNI, AMX or ARM 2,000 of 2,000 integer evaluation" in lines
    assert "AVX2 1,997 of 2,000 no two weights can" in lines
    assert not any("SQNR" in line for line in lines)


def test_int8_that_is_larger_than_float_says_so(printed, export_document):
    export_document["artifacts"][0] |= {"precision": "int8", "facts": INT8 | {"size_ratio": 1.5}}
    assert "larger than in float" in printed(export.step(export_document))
    export_document["artifacts"][0]["facts"]["size_ratio"] = 0.9
    assert "larger than in float" not in printed(export.step(export_document))


def test_an_int8_file_that_failed_says_what_helps(printed, export_document, failed_document):
    document = export_document | {"verify": failed_document, "passed": False}
    assert "--max-drop" not in printed(export.step(document))
    document["verify"]["results"][1]["precision"] = "int8"
    assert "--explain shows in which layers int8 loses; --max-drop keeps" in printed(export.step(document))


def test_layers_that_stayed_in_float_are_shown(printed, export_document):
    export_document["artifacts"][0] |= {"precision": "int8", "facts": INT8 | {"sensitivity": SENSITIVITY}}
    lines = [" ".join(line.split()) for line in printed(export.step(export_document)).splitlines()]
    assert "conv1 11.3 dB float 99.00 % 300 kB" in lines
    assert "dense – int8 – –" in lines  # noqa: RUF001


def test_everything_fits_a_hundred_columns(printed, export_document):
    export_document["artifacts"][0] |= {"precision": "int8", "facts": INT8 | {"sensitivity": SENSITIVITY}}
    export_document["artifacts"][1] |= {"precision": "fp32", "facts": {"passes": PASSES}}
    assert max(len(line) for line in printed(export.step(export_document)).splitlines()) <= 100


def test_a_c_source_says_what_it_takes_in_a_device(printed, export_document):
    sizes = {"flash_bytes": 206_000, "arena_bytes": 6_656, "macs": 1_035_900}
    export_document["artifacts"][0]["facts"] = {"sizes": sizes}
    assert "206 kB of flash for the weights · 6.7 kB of RAM · 1,035,900 multiply-accumulates" in " ".join(
        printed(export.step(export_document)).split()
    )
