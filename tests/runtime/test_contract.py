"""What holds for every engine: each file of digitedge/runtime that defines `SUFFIX`."""

import re
import shutil

import numpy as np
import pytest

from digitedge.data.preprocess import to_input, to_unit
from digitedge.errors import ContentError, UsageError
from digitedge.measure.limits import LIMITS, Evidence, judge, reason
from digitedge.measure.parity import compare
from digitedge.registry import entries
from digitedge.runtime.loading import load, require_engine, score
from digitedge.runtime.timer import timer_of

MODULES = entries("digitedge.runtime", "SUFFIX")
FORMATS = {name: module.SUFFIX for name, module in MODULES.items()}
EXPORTED = [module for module in MODULES.values() if hasattr(module, "PRECISIONS")]
FILES = [f"tiny.{precision}{module.SUFFIX}" for module in EXPORTED for precision in module.PRECISIONS]
FILES = ["model.keras", *FILES]

on_every_file = pytest.mark.parametrize("name", FILES)
on_every_format = pytest.mark.parametrize("suffix", sorted(FORMATS.values()))


@pytest.fixture(scope="module")
def models(every_file):
    return {name: load(every_file / name) for name in FILES}


@pytest.fixture(scope="module")
def images(tiny_golden):
    return to_unit(tiny_golden.images)


def test_every_format_is_held_to_the_contract(every_file):
    assert set(FORMATS) >= {"keras", "onnx", "tflite"}
    made = {path.name for path in every_file.iterdir() if path.suffix in FORMATS.values()}
    assert made == set(FILES)


@on_every_file
def test_it_says_what_it_is(models, name, tiny_model):
    model = models[name]
    assert model.spec.input_shape == (28, 28, 1)
    assert model.spec.classes == tuple("0123456789")
    assert (model.spec.output_name, model.spec.output_kind) == ("probabilities", "probabilities")
    assert model.precision == ("fp32" if name == "model.keras" else name.split(".")[1])
    assert model.source_digest == tiny_model.source_digest
    assert re.fullmatch(r"[A-Za-z ]+ \d+\.\d[\w.+-]*", model.engine)


@on_every_file
def test_it_decides_as_the_original_does(models, name, tiny_golden):
    parity = compare(tiny_golden.scores, score(models[name], tiny_golden.images), tiny_golden.labels)
    assert reason(judge(Evidence(parity), LIMITS[models[name].precision])) is None


@on_every_file
def test_its_scores_are_probabilities(models, name, images):
    scores = models[name](images[:7])
    assert (scores.shape, scores.dtype) == ((7, 10), np.float32)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-2)
    assert set(models[name](images).argmax(axis=1)) == set(range(10))


@on_every_file
def test_a_batch_of_seven_gives_the_rows_of_seven_batches_of_one(models, name, images):
    seven = models[name](images[:7])
    ones = np.concatenate([models[name](images[index : index + 1]) for index in range(7)])
    np.testing.assert_allclose(seven, ones, atol=1e-6)
    assert np.ptp(seven, axis=0).max() > 0.5, "rows that are all alike would prove nothing"


@on_every_file
def test_the_size_of_the_batches_changes_no_score(models, name, tiny_golden):
    some = tiny_golden.images[:10]
    np.testing.assert_allclose(score(models[name], some, batch_size=3), score(models[name], some), atol=1e-6)


@on_every_file
def test_no_images_have_no_scores(models, name, tiny_golden):
    assert score(models[name], tiny_golden.images[:0]).shape == (0, 10)


@on_every_file
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 32, 32, 1), r"the images have the shape (1, 32, 32, 1) and the model takes (n, 28, 28, 1)"),
        ((1, 1, 28, 28), r"the images have the shape (1, 1, 28, 28) and the model takes (n, 28, 28, 1)"),
        ((28, 28, 1), r"the images have the shape (28, 28, 1) and"),
        ((0, 28, 28, 1), r"the images have the shape (0, 28, 28, 1) and"),
    ],
)
def test_images_of_another_shape_are_refused(models, name, shape, message):
    images = np.zeros(shape, np.float32)
    for call in (models[name], models[name].prepare):
        with pytest.raises(ContentError, match=re.escape(message)):
            call(images)


@on_every_file
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_images_of_another_type_are_refused(models, name, dtype):
    images = np.zeros((1, 28, 28, 1), dtype)
    for call in (models[name], models[name].prepare):
        with pytest.raises(
            ContentError, match=rf"the images are {np.dtype(dtype)}\. Scale them to \[0, 1\] as float32\."
        ):
            call(images)


@on_every_file
def test_images_may_lie_in_any_order_in_memory(models, name, images):
    turned = np.asfortranarray(images[:3])
    np.testing.assert_array_equal(models[name](turned), models[name](images[:3]))


@on_every_file
def test_what_bench_times_is_one_call_that_gives_the_scores(models, name, images):
    model, expected = models[name], models[name](images[:2])
    call = model.prepare(images[:2])
    for outputs in (call(), call(), model.runner()(to_input(images[:2], model.spec))):
        np.testing.assert_array_equal(model.scores_of(outputs), expected)


@on_every_file
@pytest.mark.parametrize("batch", [1, 4])
def test_what_is_timed_gives_the_very_scores_and_the_whole_way_their_labels(models, name, tiny_golden, batch):
    pixels = tiny_golden.images[:8]
    batches = np.split(pixels, 8 // batch)
    expected = models[name](to_unit(pixels)).reshape(-1, batch, 10)
    alone, whole = (timer_of(models[name], batches, end_to_end=whole) for whole in (False, True))
    for place, scores in enumerate(expected):
        assert np.abs(alone.outputs(place) - scores).max() <= 1e-6  # in other batches
        np.testing.assert_array_equal(whole.outputs(place), np.eye(10)[scores.argmax(axis=1)])
    assert (alone.timed_by == "C loop") == name.endswith(".c")
    samples = alone.time(range(len(batches)), seconds=0.0, fewest=40, most_seconds=5.0, warm_up_seconds=0.0)
    assert len(samples) == 40
    assert samples.min() > 0


@on_every_file
def test_scores_are_not_overwritten_by_the_next_call(models, name, images):
    first = models[name](images[:1])
    kept = first.copy()
    models[name](images[150:151])
    np.testing.assert_array_equal(first, kept)


BAD = {
    "empty": lambda data: b"",
    "a byte": lambda data: b"\x08",
    "zeros": lambda data: bytes(1000),
    "text": lambda data: b"label,pixel0,pixel1\n5,0,0\n" * 20,
    "garbage": lambda data: np.random.default_rng(0).bytes(5000),
    "its first half": lambda data: data[: len(data) // 2],
    "its second half": lambda data: data[len(data) // 2 :],
    "all but its last 100 bytes": lambda data: data[:-100],
    "a picture": lambda data: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100),
}


@on_every_format
@pytest.mark.parametrize("damage", BAD)
def test_a_file_of_another_content_is_named(every_file, tmp_path, suffix, damage):
    original = every_file / ("model.keras" if suffix == ".keras" else f"tiny.fp32{suffix}")
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(BAD[damage](original.read_bytes()))
    if original.with_suffix(".h").exists():
        shutil.copy(original.with_suffix(".h"), path.with_suffix(".h"))
    with pytest.raises(ContentError, match=rf"{re.escape(str(path))} "):
        load(path)


@on_every_format
def test_each_formats_file_is_refused_under_each_other_suffix(every_file, tmp_path, suffix):
    for name in FILES:
        if not name.endswith(suffix):
            path = shutil.copy(every_file / name, tmp_path / f"other{suffix}")
            with pytest.raises(ContentError, match="other"):
                load(path)


@on_every_format
def test_a_missing_file_is_named(tmp_path, suffix):
    with pytest.raises(ContentError, match=rf"nothing{suffix} does not exist"):
        load(tmp_path / f"nothing{suffix}")


@on_every_format
def test_a_folder_is_not_a_model(tmp_path, suffix):
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(ContentError, match=rf"folder{suffix} cannot be read: Is a directory"):
        load(tmp_path / f"folder{suffix}")


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".onnx")])
def test_only_onnx_files_have_providers(every_file, name):
    with pytest.raises(UsageError, match=rf"{name} cannot run on cuda\. Providers are for \.onnx files\."):
        load(every_file / name, provider="cuda")


@pytest.mark.parametrize("form", FORMATS)
def test_the_engine_is_there(form):
    require_engine(form)
