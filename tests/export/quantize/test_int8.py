import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from digitedge.analysis.coverage import Coverage
from digitedge.analysis.integers import evaluate
from digitedge.analysis.saturation import saturating_layers
from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.onnx import convert
from digitedge.export.quantize import int8
from digitedge.export.quantize.choosing import decisions
from digitedge.export.quantize.int8 import Images, require_integers, to_int8
from digitedge.measure.cpus import labels
from digitedge.runtime.onnx import load


@pytest.fixture(scope="module")
def made(plain, images):
    return to_int8(plain, images)


def test_all_weights_and_all_arithmetic_are_in_integers(made):
    _, facts = made
    assert (facts["int8_weights_share"], facts["int8_macs_share"], facts["float_islands"]) == (1.0, 1.0, [])


def test_the_result_cannot_saturate(made):
    assert saturating_layers(made[0]) == ()


def test_it_decides_as_the_float_network_on_every_class_of_cpu(made, plain, images):
    model, facts = made
    reference = decisions(plain, images.held_out)
    assert np.array_equal(labels(evaluate(model, images.held_out)), reference)
    assert np.array_equal(decisions(model, images.held_out), reference)
    proofs = facts["proved_on"]
    assert set(proofs) == {"vnni_or_arm", "avx2_or_avx512", "this_machine"}
    assert [(proof["n"], proof["flips"]) for proof in proofs.values()] == [(100, 0)] * 3


def test_the_manifest_says_which_recipe_and_against_which_others(made):
    recipe = made[1]["recipe"]
    assert (recipe["name"], recipe["bits"], recipe["per_channel"], recipe["ranges"]) == (
        "s7-channel",
        7,
        True,
        "minmax",
    )
    assert (recipe["calibrated_on"], recipe["chosen_on"]) == (100, 100)
    assert len({one["name"] for one in recipe["candidates"]}) == 7
    json.dumps(made[1], allow_nan=False)


def test_a_net_with_enough_weights_is_about_a_quarter_as_big():
    model = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 784] image) => (float[N, 10] scores) {
        hidden = MatMul(image, a)
        rectified = Relu(hidden)
        scores = MatMul(rectified, b)
    }""")
    random = np.random.default_rng(0)
    for name, shape in {"a": (784, 60), "b": (60, 10)}.items():
        model.graph.initializer.append(numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name))
    for number, node in enumerate(model.graph.node):
        node.name = f"node{number}"
    pixels = random.random((40, 784), np.float32)
    _, facts = to_int8(model, Images(pixels[:20], pixels[20:], None))
    assert 0.25 < facts["size_ratio"] < 0.30


def test_layers_that_int8_hurts_stay_in_float_and_the_rest_does_not(badly_scaled, calibration, tmp_path):
    hurt = convert(badly_scaled, "int8", ExportConfig(int8=True), calibration)
    mended = convert(badly_scaled, "int8", ExportConfig(int8=True, max_drop=1.0), calibration)
    accuracies = []
    for name, file in {"hurt": hurt, "mended": mended}.items():
        (tmp_path / f"{name}.onnx").write_bytes(file.data)
        scores = load(tmp_path / f"{name}.onnx")(calibration.held_out)
        accuracies.append(float((scores.argmax(axis=1) == calibration.labels).mean()))
    assert accuracies[0] < 0.8
    assert accuracies[1] >= 0.97
    assert "sensitivity" not in hurt.facts
    assert [row["layer"] for row in mended.facts["sensitivity"] if not row["kept_in_float"]] == [
        "probabilities",
        "conv2",
    ]
    assert mended.facts["max_drop"]["goal_points"] == 1.0
    assert mended.facts["max_drop"]["accuracy"] >= mended.facts["max_drop"]["accuracy_float"] - 0.01
    assert (hurt.facts["int8_weights_share"], hurt.facts["int8_macs_share"]) == (1.0, 1.0)
    assert 1.0 > mended.facts["int8_weights_share"] > 0.9
    assert 0.0 < mended.facts["int8_macs_share"] < 0.1, "the convolutions with most places are in float"


def test_a_model_without_a_layer_that_can_be_quantized_is_refused():
    softmax = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 4] image) => (float[N, 4] probabilities) { probabilities = Softmax(image) }""")
    pixels = np.random.default_rng(0).random((4, 4), np.float32)
    with pytest.raises(
        ContentError, match=r"nothing in this model can be quantized to int8\. Export it without --int8\."
    ):
        to_int8(softmax, Images(pixels[:2], pixels[2:], None))


def covered(weights, macs, *names):
    return lambda model: Coverage(weights, macs, names, ())


def test_a_file_that_is_int8_in_name_only_is_refused(monkeypatch):
    monkeypatch.setattr(int8, "coverage", covered(0.94, 0.19, "net/conv1", "net/conv2"))
    message = "only 94% of the weights and 19% of the arithmetic would be in int8; in float stays net/conv1, net/conv2."
    with pytest.raises(ContentError, match=re.escape(message)):
        require_integers(None, all_of_it=True)
    assert require_integers(None, all_of_it=False).macs_share == 0.19


def test_of_a_file_that_may_keep_floats_half_of_something_must_be_in_integers(monkeypatch):
    monkeypatch.setattr(int8, "coverage", covered(0.49, 0.4, "net/conv1"))
    with pytest.raises(
        ContentError, match=r"only 49% of the weights and 40% of the arithmetic .* Allow more with --max-drop"
    ):
        require_integers(None, all_of_it=False)
    monkeypatch.setattr(int8, "coverage", covered(0.0, 0.0, "net/conv1"))
    with pytest.raises(ContentError, match="nothing in this model can be quantized"):
        require_integers(None, all_of_it=False)


AGAIN = """
import sys, hashlib, numpy, onnx
from digitedge.export.quantize.int8 import Images, to_int8
held = numpy.load(sys.argv[2])
model, _ = to_int8(onnx.load(sys.argv[1]), Images(held["calibration"], held["held_out"], None))
print(hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest())
"""


def test_another_process_gives_the_same_bytes(plain, images, tmp_path):
    onnx.save(plain, tmp_path / "plain.onnx")
    np.savez(tmp_path / "images.npz", calibration=images.calibration, held_out=images.held_out)
    command = [sys.executable, "-c", AGAIN, str(tmp_path / "plain.onnx"), str(tmp_path / "images.npz")]
    path = os.pathsep.join(filter(None, sys.path))
    started = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate(timeout=120)[0] for process in started)
    assert first == second
    assert len(first.strip()) == 64
