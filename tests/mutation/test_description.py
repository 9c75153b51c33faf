from dataclasses import replace

import pytest

from digitedge.mutation.description import on_description, redescribed
from digitedge.runtime.loading import load


def _renamed(document):
    document["spec"]["classes"][0] = "naught"
    return True


@pytest.mark.parametrize("name", ["onnx", "tflite", "c99"])
def test_another_description_in_a_file_of_any_format_that_is_else_as_it_was(rights, name, tmp_path):
    right = rights(name, "fp32")
    path = tmp_path / right.path.name
    path.write_bytes(redescribed(right, _renamed))
    for companion, data in right.companions.items():
        (tmp_path / companion).write_bytes(data)
    assert load(path).spec == replace(right.spec, classes=("naught", *right.spec.classes[1:]))


@pytest.mark.parametrize("name", ["onnx", "tflite", "c99"])
def test_what_is_not_changed_has_no_place(rights, name):
    right = rights(name, "fp32")
    assert on_description(lambda document: False)(right) is None
    assert on_description(lambda document: True)(right) is None
