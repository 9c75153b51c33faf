"""Every layer of small networks, beside that of the original: right exports depart nowhere."""

from dataclasses import replace

import keras as keras3
import numpy as np
import pytest

from digitedge.artifact import Golden
from digitedge.commands.judging import Reference
from digitedge.commands.layering import layered
from digitedge.commands.verifying import Entry, Work
from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export import c99 as to_c99
from digitedge.export.source import make_source
from digitedge.runtime.keras import load

# Keras 3.15 saves as NumPy before 2.0 was asked: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("form", ["onnx", "tflite"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-weights", "int8"])
def test_a_right_export_departs_in_no_layer(branching, folder, precision, form):
    entry = branching.look(folder / "net.keras", folder / f"net.{precision}.{form}")
    assert [(row["layer"], row["departs"]) for row in entry["layers"] if row["departs"]] == []
    assert (entry["first_departing"], entry["note"], entry["images"]) == (None, None, 50)
    assert (entry["format"], entry["precision"]) == (form, precision)
    parts = {part for row in entry["layers"] for part in row["layer"].split(" + ")}
    assert parts >= {"stem", "stem_bn", "apart", "down", "deep", "sum", "both", "pool", "hidden", "answer", "softmax"}
    assert not parts & {"flat", "drop"}
    assert (entry["contributes_most"] is None) == (precision == "fp32")


@pytest.mark.parametrize(("form", "precision"), [("onnx", "fp32"), ("tflite", "fp32"), ("onnx", "int8")])
def test_layers_of_keras_3_are_found_by_the_names_of_its_scopes(branching, tmp_path, form, precision):
    branching.network(keras3).save(tmp_path / "net.keras")
    branching.export(tmp_path, (precision,), (form,))
    entry = branching.look(tmp_path / "net.keras", tmp_path / f"net.{precision}.{form}")
    parts = [part for row in entry["layers"] for part in row["layer"].split(" + ")]
    assert parts == [
        "image", "stem", "stem_bn", "stem_relu", "apart", "apart_bn", "apart_relu", "down", "deep", "sum", "both",
        "pool", "hidden", "answer", "softmax",
    ]  # fmt: skip
    assert min(row["own_sqnr_db"] or 999.0 for row in entry["layers"]) > (100.0 if precision == "fp32" else 30.0)
    assert entry["first_departing"] is None


def test_of_the_first_200_images_and_of_every_file_somebody_hears(branching, folder):
    golden = Golden(branching.images(210, 4), None, np.zeros((210, 5), np.float32), branching.CLASSES, "", "patterns")
    heard = []
    loaded = branching.described(folder / "net.fp32.onnx")
    twice = (Entry(None, loaded.target, loaded), Entry(None, loaded.target, replace(loaded, engine="another")))
    entries = layered(Work(twice, Reference(folder / "net.keras", golden), None, {}), lambda *told: heard.append(told))
    assert [entry["images"] for entry in entries] == [200]
    assert heard == [(0, 1, "net.fp32.onnx")]


def test_only_a_keras_model_can_be_cut(branching, folder):
    with pytest.raises(
        ContentError, match=r"net\.fp32\.onnx is no Keras model: it cannot be asked for more than its scores"
    ):
        branching.look(folder / "net.fp32.onnx", folder / "net.int8.onnx", 5)
    with pytest.raises(ContentError, match=r"golden\.npz is no Keras model.*--reference MODEL\.keras"):
        branching.look(folder / "golden.npz", folder / "net.int8.onnx", 5)


def test_a_saved_model_has_no_layers(branching, folder, tmp_path):
    load(folder / "net.keras").network.export(str(tmp_path / "saved"))
    with pytest.raises(ContentError, match=r"the layers of .*saved cannot be looked at: it is a SavedModel"):
        branching.look(tmp_path / "saved", folder / "net.fp32.onnx", 5)


def test_a_file_without_layers_says_so(branching, folder, tmp_path):
    made = to_c99.convert(
        make_source("net", load(folder / "net.keras"), "probabilities"), "fp32", branching.CONFIG, None
    )
    (tmp_path / "net.fp32.c").write_bytes(made.data)
    for suffix, data in made.companions.items():
        (tmp_path / f"net.fp32{suffix}").write_bytes(data)
    entry = branching.look(folder / "net.keras", tmp_path / "net.fp32.c", 5)
    assert (entry["layers"], entry["first_departing"], entry["contributes_most"]) == ([], None, None)
    assert "a C source keeps none of its layers' results" in entry["note"]


@pytest.mark.parametrize("form", ["onnx", "tflite"])
@pytest.mark.parametrize(("given", "output"), [("uint8", "probabilities"), ("float32", "logits"), ("float32", "label")])
def test_other_inputs_and_outputs_depart_no_more(branching, folder, tmp_path, form, given, output):
    source = make_source("net", load(folder / "net.keras"), output)
    made = branching.MAKERS[form].convert(source, "fp32", ExportConfig((form,), input=given, output=output), None)
    path = tmp_path / f"net.{form}"
    path.write_bytes(made.data)
    entry = branching.look(folder / "net.keras", path, 20)
    assert entry["first_departing"] is None
    assert ("softmax" in [row["layer"] for row in entry["layers"]]) == (output == "probabilities")
    assert "answer" in [row["layer"] for row in entry["layers"]]
