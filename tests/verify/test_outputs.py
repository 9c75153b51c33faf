"""Outputs as a file: what is written is read, and a damaged file is never read as something else."""

import hashlib
import io
import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.errors import ContentError, OutputExistsError
from digitedge.measure import machine
from digitedge.spec import image_spec
from digitedge.verify.outputs import RecordedOutputs, images_sha256, read_outputs, write_outputs

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 1), np.uint8)
FIRST = RecordedOutputs(
    name="net.int8.onnx",
    sha256="a" * 64,
    format="onnx",
    precision="int8",
    provider="cpu",
    engine="ONNX Runtime 1.31.1",
    source_digest="b" * 64,
    spec=image_spec((4, 3, 1), ("eins", "zwei", "drei"), "NCHW"),
    max_drop=0.5,
    scores=np.random.default_rng(1).random((5, 3), np.float32),
    places=None,
    images_sha256=images_sha256(IMAGES),
    batch_abs=1e-7,
    batch_flips=0,
    machine=machine.describe(),
    digitedge="0.1.0",
)
SECOND = replace(
    FIRST, name="net.fp32.c", format="c99", precision="fp32", engine="gcc 12.2.0", source_digest=None, max_drop=None,
    places=np.array([1, 4]), scores=np.array([[np.nan, 1, 2], [np.inf, 0, -0.0]], np.float32), batch_abs=math.nan,
    batch_flips=2, images_sha256=images_sha256(IMAGES, np.array([1, 4])),
)  # fmt: skip


def told(one):
    """Everything, to the bit."""
    facts = asdict(one)
    arrays = {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in facts.items() if isinstance(a, np.ndarray)}
    return repr({**facts, **arrays})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The bytes of a file with both."""
    return write_outputs(tmp_path_factory.mktemp("outputs") / "two.npz", [FIRST, SECOND]).read_bytes()


def test_what_is_written_is_read(tmp_path):
    path = write_outputs(tmp_path / "two.npz", [FIRST, SECOND])
    assert [told(one) for one in read_outputs(path)] == [told(FIRST), told(SECOND)]
    assert FIRST.cpu == (FIRST.machine["cpu"] or FIRST.machine["architecture"])


def test_the_same_outputs_are_the_same_bytes(written, tmp_path):
    assert write_outputs(tmp_path / "again.npz", [FIRST, SECOND]).read_bytes() == written


def test_a_file_is_replaced_only_when_that_is_asked_for(tmp_path):
    path = write_outputs(tmp_path / "one.npz", [FIRST])
    with pytest.raises(OutputExistsError, match=r"one\.npz exists already\. Add --overwrite"):
        write_outputs(path, [SECOND])
    write_outputs(path, [SECOND], overwrite=True)
    assert [one.name for one in read_outputs(path)] == ["net.fp32.c"]


def test_nothing_is_not_written(tmp_path):
    with pytest.raises(ContentError, match="no file gave any outputs that could be saved"):
        write_outputs(tmp_path / "none.npz", [])
    assert list(tmp_path.iterdir()) == []


@given(st.data())
def test_a_changed_byte_is_found_or_changes_nothing(written, tmp_path_factory, data):
    at = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "changed.npz"
    path.write_bytes(written[:at] + bytes([written[at] ^ other]) + written[at + 1 :])
    try:
        found = read_outputs(path)
    except ContentError as error:
        assert str(error).startswith(f"{path} holds no outputs that can be compared: ")
        assert str(error).endswith("Make it again with --save-outputs.")
    else:
        assert [told(one) for one in found] == [told(FIRST), told(SECOND)]


@pytest.mark.parametrize("length", [1, 100, -30, -1])
def test_a_torn_file_is_refused(written, tmp_path, length):
    path = tmp_path / "torn.npz"
    path.write_bytes(written[:length])
    with pytest.raises(ContentError, match=r"torn\.npz holds no outputs that can be compared"):
        read_outputs(path)


def made(path, header, **arrays):
    """A well-formed .npz with this header."""
    stream = io.BytesIO()
    np.savez(stream, header=np.array(json.dumps(header)), **arrays)
    path.write_bytes(stream.getvalue())
    return path


def test_an_empty_one_another_version_and_another_npz_are_refused(tmp_path, written):
    path = tmp_path / "x.npz"
    with pytest.raises(ContentError, match="it is empty"):
        read_outputs(made(path, {"schema_version": 1, "outputs": []}))
    with pytest.raises(ContentError, match="it has schema_version 2 and this digitedge reads 1"):
        read_outputs(made(path, {"schema_version": 2, "outputs": []}))
    np.savez(path, images=IMAGES)
    with pytest.raises(ContentError, match="header is not a file in the archive"):
        read_outputs(path)
    np.save(tmp_path / "one.npy", IMAGES)
    with pytest.raises(ContentError, match="File is not a zip file"):
        read_outputs(tmp_path / "one.npy")
    with pytest.raises(ContentError, match=r"away\.npz does not exist"):
        read_outputs(tmp_path / "away.npz")


def test_pickled_objects_are_not_opened(tmp_path):
    np.savez(tmp_path / "x.npz", header=np.array([print], object))
    with pytest.raises(ContentError, match="allow_pickle=False"):
        read_outputs(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": ""}, "a name is missing"),
        ({"engine": None}, "a name is missing"),
        ({"name": "../net.onnx"}, "the file is in a folder"),
        ({"name": "C:\\net.onnx"}, "the file is in a folder"),
        ({"sha256": "a" * 63}, "a digest is none"),
        ({"precision": "int4"}, "precision is int4"),
        ({"source_digest": 5}, "source_digest is 5"),
        ({"max_drop": "much"}, "max_drop is much"),
        ({"batch_abs": "0"}, "batch_abs is 0"),
        ({"batch_flips": None}, "batch_flips is None"),
        ({"scores": np.zeros((5, 3))}, "scores are float64"),
        ({"scores": np.zeros((5, 4), np.float32)}, r"scores are of the shape \(5, 4\)"),
        ({"scores": np.zeros((0, 3), np.float32)}, "there are no images"),
        ({"places": np.array([0, 1])}, "places are not those of its images"),
        ({"places": np.array([0, 2, 1, 3, 4])}, "places are not those of its images"),
        ({"places": np.array([-1, 0, 1, 3, 4])}, "places are not those of its images"),
        ({"places": np.arange(5.0)}, "places are not those of its images"),
        ({"machine": {}}, "the machine is not described"),
    ],
)
def test_what_does_not_fit_is_refused(change, problem):
    with pytest.raises(ContentError, match=rf"outputs of .*are not consistent: {problem}"):
        replace(FIRST, **change)


def test_a_description_that_is_not_consistent_is_told_with_the_file(tmp_path, written):
    with np.load(io.BytesIO(written)) as arrays:
        header = json.loads(str(arrays["header"]))
        rest = {name: arrays[name] for name in arrays.files if name != "header"}
    header["outputs"][1]["precision"] = "int4"
    path = made(tmp_path / "x.npz", header, **rest)
    with pytest.raises(
        ContentError, match=r"x\.npz holds .*: the outputs of net\.fp32\.c .*: precision is int4\. Make"
    ):
        read_outputs(path)


def test_images_are_known_by_their_bytes_and_their_order(elsewhere):
    assert images_sha256(IMAGES) == images_sha256(elsewhere(IMAGES))
    assert images_sha256(IMAGES) == hashlib.sha256(b"(5, 4, 3, 1)" + IMAGES.tobytes()).hexdigest()
    some = np.array([1, 4])
    assert images_sha256(IMAGES, some) == images_sha256(elsewhere(IMAGES), some) == images_sha256(IMAGES[some])
    brighter = IMAGES.copy()
    brighter[3, 2, 1] ^= 1
    others = [IMAGES[::-1], IMAGES[:4], IMAGES.reshape(5, 3, 4, 1), brighter]
    assert images_sha256(IMAGES) not in {images_sha256(images) for images in others}


def test_many_blocks_are_one_digest(monkeypatch):
    whole = images_sha256(IMAGES)
    monkeypatch.setattr("digitedge.images.BLOCK_BYTES", 24)
    assert images_sha256(IMAGES) == whole
