"""On which CPUs a quantized file decides how: differences between CPUs are found, and rounding is not called one."""

import numpy as np
import onnx
import pytest
from onnx import helper

from digitedge.analysis import cpus
from digitedge.analysis.cpus import EXACT_CPUS, PAIRING_CPUS, cpu_labels, proved_on
from digitedge.analysis.integers import evaluate
from digitedge.config import ExportConfig
from digitedge.errors import ContentError
from digitedge.export.onnx import convert
from digitedge.export.source import make_source
from digitedge.measure.cpus import labels
from digitedge.runtime.loading import load, score
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.spec import Spec, counted

SHAPE, CLASSES = (4, 9, 8), 7
ENGINE = "ONNX Runtime 9"
SPEC = Spec(
    "image", (9, 8, 4), "float32", "NCHW", (-1.0, 1.0), (0.0,) * 4, (1.0,) * 4, "y", "probabilities", counted(CLASSES)
)


@pytest.fixture
def pictures():
    """uint8 (40, 9, 8, 4), seeded."""
    return np.random.default_rng(1).integers(0, 256, (40, 9, 8, 4), np.uint8)


def taken(pictures):
    """As the files below take them."""
    return (pictures.astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)


@pytest.fixture
def file(graph, quantized, pictures, tmp_path):
    """file(**options of quantize_static) -> path of an int8 .onnx file, whose weights are large and all of a sign."""

    def write(**options):
        random = np.random.default_rng(0)
        tensors = {"v": random.normal(0, 0.5, (4, 4, 1, 1)), "w": random.normal(1.5, 0.5, (288, CLASSES))}
        tensors["b"] = np.zeros(CLASSES)
        nodes = [
            helper.make_node("Conv", ["image", "v"], ["c"]), helper.make_node("Flatten", ["c"], ["f"]),
            helper.make_node("Gemm", ["f", "w", "b"], ["y"], name="layer"),
        ]  # fmt: skip
        plain = graph(nodes, {name: array.astype(np.float32) for name, array in tensors.items()}, "y")
        model = quantized(plain, taken(pictures), **options)
        helper.set_model_props(model, {KEY: to_json(Embedded(SPEC, "0" * 64, "int8", "1"))})
        onnx.save(model, tmp_path / "made.int8.onnx")
        return tmp_path / "made.int8.onnx"

    return write


def both(path, pictures):
    """The scores of CPUs that add up in 32 bits, and of those that add up pairs in 16."""
    model, inputs = onnx.load(path), taken(pictures)
    return evaluate(model, inputs), evaluate(model, inputs, saturating=True)


def counts(rows):
    return {row.cpu: (row.n, row.flips, row.differs) for row in rows[1:]}


THIS = "this machine, summing in 32 bits"


def test_a_file_that_can_saturate_differs_on_cpus_without_vnni(file, pictures):
    path = file(reduce_range=False)
    exact, pairs = both(path, pictures)
    changed = int((labels(exact) != labels(pairs)).sum())
    assert changed > 0, "what follows would prove nothing"
    rows = cpu_labels(path, pictures, exact, exact, precise=exact, engine=ENGINE)
    assert (rows[0].by, rows[0].n, rows[0].flips, rows[0].differs) == (ENGINE, 40, 0, 0)
    assert counts(rows) == {THIS: (40, 0, 0), EXACT_CPUS: (40, 0, 0), PAIRING_CPUS: (40, changed, changed)}
    assert [row.by for row in rows[1:]] == [
        f"{ENGINE} with session.x64quantprecision=1", "integer evaluation", "16-bit saturation emulated",
    ]  # fmt: skip


@pytest.mark.parametrize("asked", [True, False])
def test_on_a_cpu_without_vnni_it_is_the_others_that_differ(file, pictures, asked):
    path = file(reduce_range=False)
    exact, pairs = both(path, pictures)
    changed = int((labels(exact) != labels(pairs)).sum())
    rows = cpu_labels(path, pictures, pairs, exact, precise=exact if asked else None, engine=ENGINE)
    assert (rows[0].flips, rows[0].differs) == (changed, 0)
    told = {THIS: (40, 0, changed)} if asked else {}
    assert counts(rows) == {**told, EXACT_CPUS: (40, 0, changed), PAIRING_CPUS: (40, changed, 0)}


def test_weights_of_seven_bits_prove_that_none_differs(file, pictures, monkeypatch):
    path = file(reduce_range=True)
    here, _ = both(path, pictures)
    monkeypatch.setattr(cpus, "evaluate", only_exact)
    rows = cpu_labels(path, pictures, here, here, precise=here, engine=ENGINE)
    assert {row.differs for row in rows} == {0}
    assert rows[-1].by == "no two weights can saturate 16 bits"


def only_exact(model, inputs, *, saturating=False):
    assert not saturating, "what cannot differ need not be computed"
    return evaluate(model, inputs)


def test_another_rounding_of_the_engine_is_no_difference_between_cpus(file, pictures):
    path = file(reduce_range=True)
    exact, _ = both(path, pictures)
    here = exact.copy()
    here[:3] = np.roll(here[:3], 1, axis=1)  # three labels other than the evaluator's
    rows = cpu_labels(path, pictures, here, here, precise=here, engine=ENGINE)
    assert counts(rows) == {THIS: (40, 0, 0), EXACT_CPUS: (40, 3, 0), PAIRING_CPUS: (40, 3, 0)}
    assert rows[2].by == "integer evaluation, which rounds 3 labels otherwise than ONNX Runtime 9 here"


def test_images_that_lie_elsewhere_are_read_in_blocks(file, pictures, elsewhere):
    path = file(reduce_range=True)
    here, _ = both(path, pictures)
    far = elsewhere(pictures)
    assert cpu_labels(path, far, here, here, precise=here, engine=ENGINE) == cpu_labels(
        path, pictures, here, here, precise=here, engine=ENGINE
    )
    assert sum(far.reads) == 40


def test_of_a_large_network_some_images_are_evaluated_evenly_spread(file, pictures, elsewhere, monkeypatch):
    path = file(reduce_range=False)
    exact, _ = both(path, pictures)
    reference = exact.copy()
    reference[::4] = np.roll(reference[::4], 1, axis=1)
    monkeypatch.setattr(cpus, "affordable", lambda model: 10)
    for images in (pictures, elsewhere(pictures)):
        rows = cpu_labels(path, images, exact, reference, precise=exact, engine=ENGINE)
        assert [row.n for row in rows] == [40, 40, 10, 10]
        assert rows[2].flips == 10, "every fourth image"


@pytest.mark.parametrize(
    ("input_dtype", "output"), [("uint8", "probabilities"), ("float32", "label"), ("uint8", "logits")]
)
def test_raw_pixels_labels_and_logits(tiny_model, tiny_golden, calibration, tmp_path, input_dtype, output):
    path = tmp_path / "tiny.int8.onnx"
    config = ExportConfig(input=input_dtype)
    path.write_bytes(convert(make_source("tiny", tiny_model, output), "int8", config, calibration).data)
    here, precise = (score(load(path, engine=engine), tiny_golden.images) for engine in (None, "x64quantprecision"))
    rows = cpu_labels(path, tiny_golden.images, here, tiny_golden.scores, precise=precise, engine=ENGINE)
    assert [(row.n, row.flips, row.differs) for row in rows] == [(200, 0, 0)] * 4
    assert "rounds" not in rows[2].by


def test_facts_count_the_flips_of_each_class_of_cpu(file, pictures):
    model = onnx.load(file(reduce_range=False))
    exact, pairs = both(file(reduce_range=False), pictures)
    facts = proved_on(model, taken(pictures), exact)
    assert facts["vnni_or_arm"] == {
        "cpu": "VNNI, AMX or ARM", "by": "integer evaluation", "n": 40, "flips": 0, "agreement": 1.0,
    }  # fmt: skip
    saturated = facts["avx2_or_avx512"]
    assert saturated["by"] == "16-bit saturation emulated"
    assert saturated["flips"] == (labels(pairs) != labels(exact)).sum() > 0
    assert facts["this_machine"]["by"].startswith("ONNX Runtime ")


def test_facts_of_a_file_that_cannot_saturate(tiny_model, tiny_golden, calibration):
    source = make_source("tiny", tiny_model, "probabilities")
    model = onnx.load_from_string(convert(source, "int8", ExportConfig(), calibration).data)
    inputs = (tiny_golden.images.astype(np.float32) / 255).transpose(0, 3, 1, 2)
    facts = proved_on(model, inputs, tiny_golden.scores)
    assert [facts[cpu]["flips"] for cpu in ("vnni_or_arm", "avx2_or_avx512", "this_machine")] == [0, 0, 0]
    assert facts["avx2_or_avx512"]["by"] == "no two weights can saturate 16 bits"


def test_flips_are_counted_against_the_reference(file, pictures):
    path = file(reduce_range=True)
    wrong = (labels(both(path, pictures)[0]) + 1) % CLASSES
    facts = proved_on(onnx.load(path), taken(pictures), wrong)
    assert [facts[cpu]["agreement"] for cpu in ("vnni_or_arm", "avx2_or_avx512", "this_machine")] == [0.0, 0.0, 0.0]


def test_sums_beyond_32_bits_have_no_one_answer(file, pictures):
    path = file(reduce_range=True)
    model = onnx.load(path)
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == "b_quantized")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(CLASSES, 2**31 - 1, np.int32), "b_quantized"))
    onnx.save(model, path)
    scores = np.zeros((40, CLASSES), np.float32)
    with pytest.raises(ContentError, match="can leave 32 bits"):
        cpu_labels(path, pictures, scores, scores, precise=None, engine=ENGINE)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_scale_that_is_no_number_is_no_crash(file, pictures, value):
    path = file(reduce_range=True)
    model = onnx.load(path)
    (scale,) = (tensor for tensor in model.graph.initializer if tensor.name == "w_scale")
    scale.CopyFrom(onnx.numpy_helper.from_array(np.full(CLASSES, value, np.float32), "w_scale"))
    onnx.save(model, path)
    scores = np.eye(CLASSES, dtype=np.float32)[np.arange(40) % CLASSES]
    assert len(cpu_labels(path, pictures, scores, scores, precise=None, engine=ENGINE)) == 3
