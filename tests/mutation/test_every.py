import pytest

from digitedge.measure.limits import CHECKS
from digitedge.mutation.every import mutations

GATES = {"unchanged", "loads", "source", "classes", "fits", "quantization"}


def test_names_are_unique_and_every_check_that_a_file_goes_through_has_a_control():
    names = [mutation.name for mutation in mutations()]
    assert len(names) == len(set(names)) >= 40
    controlled = {mutation.expects for mutation in mutations()}
    # What flips enough labels to lose accuracy beyond chance is caught by `labels` first.
    assert controlled == {*GATES, *CHECKS} - {"accuracy"}


def test_a_phrase_fits_one_line_of_the_table():
    assert [mutation.name for mutation in mutations() if len(mutation.says) > 38 or len(mutation.name) > 24] == []


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("name", ["onnx", "tflite", "c99"])
def test_a_mutation_gives_other_bytes_leaves_the_right_file_alone_and_is_the_same_each_time(rights, name, precision):
    right = rights(name, precision)
    before = right.path.read_bytes(), dict(right.companions)
    applied = 0
    for mutation in mutations():
        made = mutation.apply(right) if mutation.is_for(right) else None
        if made is not None:
            assert (made.data, {**right.companions, **made.companions}) != (right.data, right.companions), mutation.name
            assert made == mutation.apply(right), mutation.name
            applied += 1
    assert applied >= {"onnx": 20, "tflite": 7, "c99": 4}[name]
    assert (right.data, dict(right.companions)) == before == (right.path.read_bytes(), before[1])


def test_fp16_and_other_formats_are_left_alone(rights):
    assert not any(mutation.is_for(rights("onnx", "fp16")) for mutation in mutations())
