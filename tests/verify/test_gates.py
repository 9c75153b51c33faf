from pathlib import Path

import numpy as np
import pytest

from digitedge.artifact import Artifact, Golden
from digitedge.errors import ContentError
from digitedge.files import sha256
from digitedge.spec import image_spec
from digitedge.verify.gates import gates, lost, refused, unchanged
from digitedge.verify.target import Described, Lost, Target

NAMES = ("zero", "one", "two")


def _golden(classes=NAMES, source="ab"):
    scores = np.full((2, len(classes)), 1 / len(classes), np.float32)
    return Golden(np.zeros((2, 4, 5, 1), np.uint8), None, scores, classes, source, "x")


def _described(classes=NAMES, shape=(4, 5, 1), source="ab"):
    spec = image_spec(shape, classes, "NCHW")
    return Described(Target(Path("a.onnx")), "onnx", "fp32", source, spec, "ONNX Runtime 1.0")


def _failed(described, golden=None, **options):
    return {
        check.name: check.reason for check in gates(None, described, golden or _golden(), **options) if not check.passed
    }


@pytest.fixture
def artifact(tmp_path):
    path = tmp_path / "a.fp32.c"
    path.write_bytes(b"source")
    path.with_suffix(".h").write_bytes(b"header")
    beside = {"a.fp32.h": sha256(b"header")}
    spec = image_spec((4, 5, 1), NAMES, "NHWC")
    return Artifact(path, "c99", "fp32", sha256(b"source"), 6, spec, "ab", companions=beside)


def test_a_right_file_goes_through_all_gates_in_order(artifact):
    checks = gates(artifact, _described(), _golden())
    assert [check.name for check in checks] == ["unchanged", "loads", "source", "classes", "fits"]
    assert all(check.passed for check in checks)
    assert [check.reason for check in checks] == [
        "a.fp32.c is as it was exported",
        "ONNX Runtime 1.0 loads it",
        "it was made from the same model as the reference",
        "its classes have the names of the reference's",
        "it takes 4x5x1 images and knows 3 classes",
    ]


@pytest.mark.parametrize("suffix", [".c", ".h"])
def test_a_changed_file_and_a_changed_companion(artifact, suffix):
    artifact.path.with_suffix(suffix).write_bytes(b"other!")
    check = unchanged(artifact)
    assert (check.name, check.passed) == ("unchanged", False)
    assert check.reason.endswith(f"a.fp32{suffix} has changed since it was exported (sha256 differs).")


def test_another_source_unless_the_reference_is_another_model_on_purpose():
    assert _failed(_described(source="cd")) == {"source": "it was made from another model than the reference"}
    assert _failed(_described(source=None)) == {"source": "it was made from another model than the reference"}
    assert _failed(_described(source="cd"), foreign=True) == {}


@pytest.mark.parametrize(
    ("classes", "expected", "reason"),
    [
        (("one", "zero", "two"), NAMES, "class 0 is one here and zero in the reference"),
        (("zero", "one", "three"), NAMES, "class 2 is three here and two in the reference"),
        (("1", "0", "2"), ("0", "1", "2"), "class 0 is 1 here and 0 in the reference"),
        (("0", "1", "2"), NAMES, None),
        (NAMES, ("0", "1", "2"), None),
        (("0", "1", "2"), ("2", "1", "0"), None),
    ],
)
def test_names_are_compared_where_both_name_their_classes(classes, expected, reason):
    assert _failed(_described(classes), _golden(expected)) == ({} if reason is None else {"classes": reason})


def test_another_shape_or_number_of_classes():
    reason = "it takes 4x4x1 images and knows 3 classes; the reference 4x5x1 and 3"
    assert _failed(_described(shape=(4, 4, 1))) == {"fits": reason}
    reason = "it takes 4x5x1 images and knows 2 classes; the reference 4x5x1 and 3"
    assert _failed(_described(("zero", "one"))) == {"fits": reason}


def test_a_file_that_no_engine_takes():
    error = ContentError("x.onnx is not an ONNX model.", "Make it again.")
    assert [refused(error).name, refused(error).passed, refused(error).reason] == ["loads", False, error.message]
    dead = lost(Lost(Target(Path("a.onnx")), "the engine crashed"))
    assert (dead.name, dead.passed, dead.reason) == ("loads", False, "the engine crashed")
