import re

import numpy as np
import pytest

from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.onnx import optimized
from digitedge.export.quantize.choosing import Candidate, decisions
from digitedge.export.quantize.onnx_int8 import prepare
from digitedge.export.quantize.ranges import whole_ranges
from digitedge.export.quantize.recipes import RECIPES
from digitedge.export.quantize.sensitivity import rank, relax


def chosen(ranges):
    (recipe,) = (recipe for recipe in RECIPES if recipe.name == "s7-channel")
    return Candidate(recipe, None, ranges, (), None, None)


@pytest.fixture(scope="module")
def bad(badly_scaled, images):
    """(prepared graph, candidate) of the network that int8 hurts."""
    prepared = prepare(optimized(badly_scaled, ExportConfig(), pad_channels=False)[0])
    return prepared, chosen(whole_ranges(prepared, images.calibration))


def test_the_layers_around_the_badly_scaled_channels_are_the_most_sensitive(bad, images):
    prepared, candidate = bad
    ranked = rank(prepared, candidate, images.held_out)
    worst, next_worst, *rest = [(name.split("/")[1], sqnr_db) for name, sqnr_db in ranked]
    assert {worst[0], next_worst[0]} == {"conv1", "depthwise"}
    assert next_worst[1] < 10.0
    assert [name for name, _ in rest] == [name for name, _ in sorted(rest, key=lambda one: one[1])]
    assert min(sqnr_db for _, sqnr_db in rest) > 25.0


def test_keeping_the_worst_layers_in_float_mends_a_network_that_int8_hurts(bad, images):
    prepared, candidate = bad
    relaxed = relax(prepared, candidate, images.held_out, images.labels, 1.0)
    assert relaxed.judged_by == "accuracy"
    assert relaxed.accuracy_int8 < relaxed.accuracy_float - 0.2, "else there is nothing to mend"
    assert relaxed.accuracy >= relaxed.accuracy_float - 0.01
    assert [row.kept_in_float for row in relaxed.rows] == [True, True, False, False]
    assert {row.layer for row in relaxed.rows[:2]} == {"conv1", "depthwise"}
    assert relaxed.rows[1].accuracy == relaxed.accuracy
    assert relaxed.rows[1].size_bytes == relaxed.model.ByteSize()
    assert [(row.accuracy, row.size_bytes) for row in relaxed.rows[2:]] == [(None, None)] * 2
    assert (decisions(relaxed.model, images.held_out) == images.labels).mean() == pytest.approx(
        relaxed.accuracy, abs=0.02
    )


def test_without_labels_agreement_is_judged(bad, images):
    relaxed = relax(*bad, images.held_out, None, 1.0)
    assert (relaxed.judged_by, relaxed.accuracy_float) == ("agreement", 1.0)
    assert relaxed.accuracy >= 0.99


def test_a_network_that_keeps_its_accuracy_keeps_every_layer_in_integers(prepared, ranges, images):
    relaxed = relax(prepared, chosen(ranges), images.held_out, images.labels, 0.0)
    assert relaxed.accuracy == relaxed.accuracy_int8 == relaxed.accuracy_float
    assert not any(row.kept_in_float for row in relaxed.rows)


def test_a_goal_that_no_layer_in_integers_reaches_is_an_error(bad, images):
    prepared, candidate = bad
    narrow = {name: (low / 1_000, high / 1_000) for name, (low, high) in candidate.ranges.items()}
    message = (
        r"int8 loses at least \d+\.\d\d points however many layers stay in float, and 0\.5 were allowed: only a float"
    )
    with pytest.raises(ContentError, match=message) as raised:
        relax(prepared, chosen(narrow), images.held_out, images.labels, 0.5)
    assert re.search("--max-drop", raised.value.hint)


def test_a_layer_that_changes_nothing_stands_last(images):
    from onnx import numpy_helper, parser

    model = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 1, 28, 28] image) => (float[N, 10] scores) {
        flat = Flatten(image)
        hidden = MatMul(flat, zeros)
        nothing = MatMul(hidden, square)
        some = MatMul(flat, weights)
        scores = Add(nothing, some)
    }""")
    random = np.random.default_rng(0)
    arrays = {
        "zeros": np.zeros((784, 4)),
        "square": random.normal(size=(4, 10)),
        "weights": random.normal(size=(784, 10)),
    }
    model.graph.initializer.extend(numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items())
    for node in model.graph.node:
        node.name = node.output[0]
    prepared = prepare(model)
    ranked = rank(prepared, chosen(whole_ranges(prepared, images.calibration)), images.held_out)
    assert ranked[0][0] == "some"
    assert ranked[-1][1] is None
