import pytest

from digitedge.errors import ContentError
from digitedge.mutation.mutation import Mutation, read_right


def test_a_c_source_brings_its_header(rights, tmp_path):
    right = rights("c99", "fp32")
    assert list(right.companions) == ["tiny.fp32.h"]
    assert right.companions["tiny.fp32.h"] == right.path.with_suffix(".h").read_bytes()
    assert rights("onnx", "fp32").companions == {}
    (tmp_path / "alone.c").write_bytes(right.data)
    with pytest.raises(ContentError, match=r"alone\.h does not exist"):
        read_right(tmp_path / "alone.c", "fp32", right.spec)


def test_a_mutation_is_for_some_formats_and_precisions(rights):
    mutation = Mutation("m", "s", "labels", lambda right: None, ("tflite",), ("int8",))
    assert mutation.is_for(rights("tflite", "int8"))
    assert not mutation.is_for(rights("tflite", "fp32"))
    assert not mutation.is_for(rights("onnx", "int8"))
