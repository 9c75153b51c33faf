from dataclasses import replace

import numpy as np
import pytest

from digitedge.errors import ContentError
from digitedge.mutation.mutation import read_right
from digitedge.runtime.loading import load


@pytest.fixture
def loaded(tmp_path):
    """loaded(right, made) -> Model, of the wrong file."""

    def of(right, made):
        path = tmp_path / right.path.name
        path.write_bytes(made.data)
        return load(path)

    return of


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_what_the_description_says_changes_alone(rights, wrong, loaded, name):
    right = rights(name, "fp32")
    model, spec = load(right.path), right.spec
    source = loaded(right, wrong("another-source", right))
    assert source.spec == spec
    assert source.source_digest != model.source_digest
    names = loaded(right, wrong("class-names-swapped", right)).spec
    assert names == replace(spec, classes=("1", "0", *spec.classes[2:]))
    assert loaded(right, wrong("range", right)).spec == replace(spec, range=(-1.0, 1.0))
    assert loaded(right, wrong("mean-and-std", right)).spec == replace(spec, mean=(0.485,), std=(0.229,))
    image = np.full((2, 28, 28, 1), 0.5, np.float32)
    np.testing.assert_array_equal(source(image), model(image))


@pytest.mark.parametrize("name", ["onnx", "tflite"])
@pytest.mark.parametrize(
    ("mutation", "message"),
    [
        ("description-inconsistent", "mean has 2 entries for 1 channels"),
        ("description-of-another", "other inputs or outputs than its description says"),
        ("file-truncated", "is not an ONNX model|cannot be loaded by LiteRT"),
    ],
)
def test_a_file_that_no_engine_takes(rights, wrong, loaded, name, mutation, message):
    right = rights(name, "int8")
    with pytest.raises(ContentError, match=message):
        loaded(right, wrong(mutation, right))


@pytest.mark.parametrize("name", ["onnx", "tflite", "c99"])
def test_one_bit(rights, wrong, name):
    right = rights(name, "fp32")
    made = wrong("bit-flipped", right)
    (place,) = [index for index, (old, new) in enumerate(zip(right.data, made.data, strict=True)) if old != new]
    assert right.data[place] ^ made.data[place] == 1


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_networks_of_another_shape_run_and_say_so(rights, wrong, loaded, precision):
    right = rights("onnx", precision)
    fewer, larger = loaded(right, wrong("class-missing", right)), loaded(right, wrong("image-size", right))
    assert fewer(np.zeros((2, 28, 28, 1), np.float32)).shape == (2, 9)
    assert larger.spec.input_shape == (30, 30, 1)
    assert larger(np.zeros((2, 30, 30, 1), np.float32)).shape == (2, 10)


def test_raw_pixels_have_no_other_range(label_file, wrong):
    model = load(label_file)
    right = read_right(label_file, model.precision, model.spec)
    assert wrong("range", right) is None
    assert wrong("mean-and-std", right) is None
    assert wrong("class-missing", right) is None
