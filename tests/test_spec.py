import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.errors import ContentError
from digitedge.spec import Spec, image_spec, raw_pixels

DIGITS = image_spec((28, 28, 1), tuple("0123456789"), "NCHW")


def test_a_description_says_what_the_embedder_must_know():
    assert DIGITS.to_json() == {
        "input_name": "image",
        "input_shape": [28, 28, 1],
        "input_dtype": "float32",
        "layout": "NCHW",
        "range": [0.0, 1.0],
        "mean": [0.0],
        "std": [1.0],
        "output_name": "probabilities",
        "output_kind": "probabilities",
        "classes": list("0123456789"),
    }


@given(
    shape=st.tuples(st.integers(1, 500), st.integers(1, 500), st.sampled_from([1, 3])),
    classes=st.lists(st.text(), min_size=2, max_size=5),
    layout=st.sampled_from(["NHWC", "NCHW"]),
)
def test_any_description_survives_json(shape, classes, layout):
    spec = image_spec(shape, tuple(classes), layout)
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"mean": ()}, "mean has 0 entries for 1 channels"),
        ({"std": (1.0, 1.0)}, "std has 2 entries for 1 channels"),
        ({"std": (0.0,)}, "std has a zero"),
        ({"range": (1.0, 0.0)}, r"range \(1.0, 0.0\) is empty"),
        ({"input_dtype": "float64"}, "input_dtype is float64"),
        ({"layout": "CHWN"}, "layout is CHWN"),
        ({"output_kind": "scores"}, "output_kind is scores"),
        ({"classes": ("0",)}, "1 class"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(change, problem):
    with pytest.raises(ContentError, match=rf"the model's description is not consistent: {problem}\."):
        replace(DIGITS, **change)


@pytest.mark.parametrize("key", DIGITS.to_json())
def test_a_description_that_lacks_a_key_is_refused(key):
    document = DIGITS.to_json()
    del document[key]
    with pytest.raises(ContentError, match=rf"a model's description cannot be read: KeyError\('{key}'\)"):
        Spec.from_json(document)


@pytest.mark.parametrize("change", [{"input_shape": [28, 28]}, {"range": 1}, {"mean": ["x"]}, {"classes": None}])
def test_a_description_with_another_type_is_refused(change):
    with pytest.raises(ContentError, match="a model's description cannot be read"):
        Spec.from_json(DIGITS.to_json() | change)


def test_raw_pixels_are_described_as_what_lies_at_the_input():
    colours = replace(image_spec((4, 5, 3), ("a", "b"), "NCHW"), range=(-1.0, 1.0), mean=(0.5,) * 3, std=(0.2,) * 3)
    raw = raw_pixels(colours)
    assert (raw.input_dtype, raw.range, raw.mean, raw.std) == ("uint8", (0.0, 255.0), (0.0,) * 3, (1.0,) * 3)
    assert replace(raw, input_dtype="float32", range=(-1.0, 1.0), mean=(0.5,) * 3, std=(0.2,) * 3) == colours
