from rich.console import Console

from digitedge.report.steps.layers import step, verdict


def layer(name, own=40.0, departs=None, **more):
    return {
        "layer": name, "kind": "Conv2D", "own_sqnr_db": own, "least_sqnr_db": 28.0, "own_max_abs": 0.1, "shift": 0.0,
        "clipped_db": None, "sqnr_db": 36.04, "max_abs": 0.2, "step": 0.01, "labels": 3, "moves": 0.0137,
        "not_finite": 0, "departs": departs,
    } | more  # fmt: skip


def entry(*layers, first=None, most="conv2", note=None):
    return {
        "path": "/runs/classic/classic.int8.onnx", "format": "onnx", "precision": "int8", "images": 200,
        "layers": list(layers), "first_departing": first, "contributes_most": most, "note": note,
    }  # fmt: skip


def printed(*entries):
    console = Console(width=100, record=True)
    console.print(step({"layers": list(entries)}).layout())
    return console.export_text()


WRONG = entry(layer("conv1", None), layer("conv2", 9.0, "own SQNR 9 dB, at least 28 expected"), first="conv2")


def test_the_layer_that_departs_stands_in_a_sentence():
    said = "departs first at conv2 (own SQNR 9 dB, at least 28 expected)"
    assert verdict(WRONG) == f"classic.int8.onnx {said}, which contributes most."
    assert verdict(WRONG | {"contributes_most": "dense"}) == f"classic.int8.onnx {said}; dense contributes most."
    assert verdict(WRONG | {"contributes_most": None}) == f"classic.int8.onnx {said}."


def test_a_right_file_and_one_without_layers():
    right = "classic.int8.onnx: no layer departs by more than its precision explains"
    assert verdict(entry(layer("conv1"))) == f"{right}; conv2 contributes most."
    assert verdict(entry(layer("conv1"), most=None)) == f"{right}."
    assert verdict(entry(note="it keeps none.")) == "classic.int8.onnx: it keeps none."


def test_the_table_has_a_row_for_each_layer_and_fits_the_page():
    long = "convolution_of_a_long_name + batch_normalization_12 + activation_12"
    text = printed(
        entry(layer(long, 9.0, "why", kind="GlobalAveragePooling2D"), layer("b", None, moves=0.0), first=long)
    )
    rows = [line.split() for line in text.splitlines()]
    assert ["convolution_...ctivation_12", "GlobalAverag", "9.0", "28.0", "36.0", "3", "1.37", "%"] in rows
    assert ["b", "Conv", "exact", "28.0", "36.0", "3"] in rows
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text, "no figure is cut"


def test_what_is_not_finite_is_said_and_what_is_not_known_is_a_dash():
    unknown = dict.fromkeys(("own_sqnr_db", "least_sqnr_db", "sqnr_db", "max_abs", "labels", "moves"))
    text = printed(entry(layer("a", departs="3 of its values are not finite", not_finite=3, **unknown), first="a"))
    assert any(line.split() == ["a", "Conv", "NaN", "–", "–", "–", "–"] for line in text.splitlines())  # noqa: RUF001 (dashes)


def test_the_last_line_counts_files():
    assert step({"layers": [WRONG, entry(layer("a"))]}).last.plain == "1 of 2 files departs in a layer."
    assert step({"layers": [WRONG, WRONG]}).last.plain == "2 of 2 files depart in a layer."
    right = "No layer of 1 file departs by more than its precision explains."
    assert step({"layers": [entry(layer("a"))]}).last.plain == right
    assert step({"layers": [entry(note="none.")]}).last.plain == "No file has layers that can be looked at."


def test_the_departing_row_is_red():
    (table, sentence) = step({"layers": [WRONG]}).body
    assert [row.style for row in table.rows] == ["", "red"]
    assert sentence.style == "red"
