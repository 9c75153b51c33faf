import re

from digitedge.report.layer_chart import layers, layers_png


def layer(name, own=40.0, **more):
    return {
        "layer": name, "kind": "Conv2D", "own_sqnr_db": own, "least_sqnr_db": 28.0, "sqnr_db": 36.0, "max_abs": 0.2,
        "not_finite": 0, "departs": None,
    } | more  # fmt: skip


def entry(*rows, first=None, name="net.int8.onnx"):
    return {"path": f"/runs/{name}", "layers": list(rows), "first_departing": first}


ENTRIES = [
    entry(layer("stem"), layer("pool", None), name="net.int8.tflite"),
    entry(layer("stem"), layer("deep", 9.0, departs="why"), first="deep"),
    entry(layer("stem", None, max_abs=None, sqnr_db=None, not_finite=2, departs="why"), first="stem", name="nan.onnx"),
]


def test_every_file_and_every_layer_is_named():
    svg = layers(ENTRIES)
    texts = re.findall(r">\s*([^<>]+?)\s*</text>", svg)
    assert {"net.int8.tflite", "net.int8.onnx", "nan.onnx", "stem", "pool", "deep", "exact", "not finite"} <= set(texts)
    assert 'aria-label="Signal to noise of every layer of 3 files, of which 2 depart in a layer"' in svg


def test_what_departs_is_in_the_colour_of_what_is_wrong():
    assert "var(--bad)" in layers(ENTRIES)
    assert "var(--bad)" not in layers(ENTRIES[:1])


def test_without_layers_there_is_no_chart():
    assert layers([entry()]) is None
    assert layers_png([]) is None


def test_the_png_is_one():
    assert layers_png(ENTRIES)[:8] == b"\x89PNG\r\n\x1a\n"
