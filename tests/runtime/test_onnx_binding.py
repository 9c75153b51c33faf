"""Bound inputs and outputs, for real on the CPU; GPUs that are only pretended, which is said where it is so."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitedge.bench.audit import complaint, departure
from digitedge.data.preprocess import to_unit
from digitedge.errors import ContentError
from digitedge.runtime import onnx, onnx_binding
from digitedge.runtime.loading import load
from digitedge.runtime.metadata import KEY, Embedded, to_json
from digitedge.runtime.model import RefusedError
from digitedge.runtime.onnx_binding import variants
from digitedge.runtime.provider import find, providers
from digitedge.runtime.timer import timer_of
from digitedge.spec import image_spec

SPEC = image_spec((4, 4, 1), ("a", "b", "c"), "NCHW")


@pytest.fixture
def path(tmp_path):
    """An .onnx file of 16 weights for each of three classes."""
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    takes = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 4, 4])
    gives = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3])
    weights = numpy_helper.from_array(np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32), "weights")
    graph = helper.make_graph(nodes, "tiny", [takes], [gives], [weights])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {KEY: to_json(Embedded(SPEC, "digest", "fp32", "0"))})
    (tmp_path / "tiny.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "tiny.onnx"


@pytest.fixture
def batches():
    """Five batches of four images, uint8."""
    return np.split(np.random.default_rng(1).integers(0, 256, (20, 4, 4, 1), np.uint8), 5)


def bound(path, io="device"):
    return onnx_binding.load(path, provider="cpu", threads=1, io=io)


@pytest.fixture
def graphs(monkeypatch):
    """Pretends that the CPU captures graphs: it ignores the number of the graph, as every engine does that has none."""
    cpu = replace(find("cpu"), graph_options={})
    monkeypatch.setattr(onnx_binding, "require", lambda _: cpu)


def test_bound_calls_give_the_very_bits_of_a_plain_session(path, batches):
    plain, timer = load(path), timer_of(bound(path), batches, end_to_end=False)
    for place, batch in enumerate(batches):
        np.testing.assert_array_equal(timer.outputs(place), plain(to_unit(batch)))
    assert departure(plain, timer, batches, end_to_end=False) == 0.0


def test_every_kind_of_file_can_be_bound(every_file, label_file, tiny_golden):
    batches = np.split(tiny_golden.images[:32], 4)
    files = [*every_file.glob("*.onnx"), label_file]
    assert len(files) > 3
    for file in files:
        timer = timer_of(bound(file), batches, end_to_end=False)
        assert departure(load(file), timer, batches, end_to_end=False) == 0.0, file


def test_a_sample_is_one_call(path, batches):
    timer = timer_of(bound(path), batches, end_to_end=False)
    samples = timer.time(range(5), seconds=0.01, fewest=50, warm_up_seconds=0.0)
    assert (samples.dtype, timer.timed_by) == (np.float64, "Python call")
    assert len(samples) >= 50
    assert 0.5 < np.median(samples) < 10_000


class Watched:
    """A session that notes which graph each of its calls asks for, and may replay the first for all."""

    def __init__(self, session, *, stale=False):
        self.session, self.stale, self.seen, self.first = session, stale, [], None

    def __getattr__(self, name):
        return getattr(self.session, name)

    def run_with_iobinding(self, binding, options):
        self.seen.append(options and options.get_run_config_entry("gpu_graph_id"))
        self.first = self.first or binding
        self.session.run_with_iobinding(self.first if self.stale else binding, options)


@pytest.mark.usefixtures("graphs")
def test_each_batch_has_a_graph_of_its_own_that_is_captured_before_the_timing(path, batches, monkeypatch):
    model = bound(path, "graph")
    session = Watched(model.session)
    timer = timer_of(replace(model, session=session), batches, end_to_end=False)
    before = []
    monkeypatch.setattr(onnx_binding, "time_calls", lambda calls, **_: before.extend(session.seen))
    timer.time([0, 1, 1, 2, 3, 4, 0], seconds=0.0)
    assert before == ["1", "2", "3", "4", "5"]


@pytest.mark.usefixtures("graphs")
def test_what_timed_calls_are_compared_with_is_no_graph(path, batches):
    model = bound(path, "graph")
    assert model.run_options.get_run_config_entry("gpu_graph_id") == "-1"
    np.testing.assert_array_equal(model(to_unit(batches[0])), load(path)(to_unit(batches[0])))
    assert bound(path).run_options is None


def test_without_a_graph_none_is_asked_for(path, batches):
    session = Watched(bound(path).session)
    timer_of(replace(bound(path), session=session), batches[:1], end_to_end=False).outputs(0)
    assert session.seen == [None]


@pytest.mark.usefixtures("graphs")
def test_a_graph_that_is_replayed_for_every_batch_is_found_out(path, batches):
    model = bound(path, "graph")
    timer = timer_of(replace(model, session=Watched(model.session, stale=True)), batches, end_to_end=False)
    departs = departure(model, timer, batches, end_to_end=False)
    assert departs == np.inf
    assert complaint("cuda", departs, None) is not None


def test_an_input_that_is_never_updated_is_found_out(path, batches, monkeypatch):
    real, first = onnx_binding.to_input, []

    def stale(images, spec):
        first.append(real(images, spec))
        return first[0]

    monkeypatch.setattr(onnx_binding, "to_input", stale)
    timer = timer_of(bound(path), batches, end_to_end=False)
    departs = departure(load(path), timer, batches, end_to_end=False)
    assert 1e-3 < departs < np.inf
    assert "its timed calls give scores that are" in str(complaint("cuda", departs, None))


def test_a_provider_without_graphs_says_so(path):
    with pytest.raises(RefusedError) as caught:
        bound(path, "graph")
    assert caught.value.reason == "it captures no graphs"


def test_memory_that_a_provider_does_not_give_is_a_refusal_with_its_words(path, batches):
    # For real: this build of ONNX Runtime knows the name of CUDA's memory and cannot place anything there.
    with pytest.raises(RefusedError) as caught:
        timer_of(replace(bound(path), device_type="cuda"), batches, end_to_end=False)
    assert "CUDA" in caught.value.reason or "device" in caught.value.reason.lower()
    assert caught.value.placement == bound(path).placement


class Failing(Watched):
    """A session that captures the first graph and not the second."""

    def run_with_iobinding(self, binding, options):
        super().run_with_iobinding(binding, options)
        if len(self.seen) > 1:
            raise RuntimeError("CUDA failure 900: operation not permitted when stream is capturing")


def test_a_capture_that_fails_is_a_refusal_with_its_words(path, batches):
    model = bound(path)
    timer = timer_of(replace(model, session=Failing(model.session)), batches, end_to_end=False)
    assert timer.outputs(0).shape == (4, 3)
    with pytest.raises(RefusedError) as caught:
        timer.time(range(5), seconds=0.0)
    assert caught.value.reason.startswith("CUDA failure 900")


def test_images_of_another_size_are_refused(path, batches):
    with pytest.raises(ContentError, match="the model takes"):
        timer_of(bound(path), [np.zeros((1, 5, 5, 1), np.uint8)], end_to_end=False)


def test_pixels_never_start_in_the_memory_of_a_provider(path, batches):
    with pytest.raises(ValueError, match="main memory"):
        timer_of(bound(path), batches, end_to_end=True)


def test_the_options_of_the_graph_reach_the_session(path, monkeypatch):
    seen = []
    cuda = replace(find("cpu"), graph_options=find("cuda").graph_options)
    monkeypatch.setattr(onnx_binding, "require", lambda _: cuda)
    real = onnx.open_session

    def open_session(path, data, provider, **more):
        seen.append(provider.options)
        return real(path, data, replace(provider, options={}), **more)

    monkeypatch.setattr(onnx, "open_session", open_session)
    assert bound(path, "graph").captures
    assert bound(path, "device").captures is False
    assert seen == [{"enable_cuda_graph": "1"}, {}]


def test_the_ways_of_each_provider():
    assert {name: variants(entry) for name, entry in providers().items() if variants(entry) != ("copies",)} == {
        "cuda": ("copies", "device", "graph"),
        "tensorrt": ("copies", "device"),
        "directml": ("copies", "device"),
    }


@pytest.mark.parametrize("name", sorted({entry.device_type for entry in providers().values() if entry.device_type}))
def test_onnx_runtime_knows_the_name_of_each_memory(name):
    from onnxruntime.capi.onnxruntime_inference_collection import get_ort_device_type

    assert get_ort_device_type(name) > get_ort_device_type("cpu")


def test_onnx_runtime_does_not_know_any_name():
    from onnxruntime.capi.onnxruntime_inference_collection import get_ort_device_type

    with pytest.raises(Exception, match="Unsupported device type: hip"):
        get_ort_device_type("hip")
