import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.artifact import (
    Artifact,
    Golden,
    check_unchanged,
    merge_manifest,
    read_golden,
    read_manifest,
    source_digest,
    write_golden,
)
from digitedge.errors import ContentError
from digitedge.files import sha256
from digitedge.spec import image_spec

SPEC = image_spec((2, 2, 1), ("a", "b"), "NCHW")
GOLDEN = Golden(
    images=np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1),
    labels=np.array([0, 1, 0]),
    scores=np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], np.float32),
    classes=("a", "b"),
    source_digest="0" * 64,
    test_set="three",
)


def artifact(folder, name="x.fp32.onnx", content=b"model", **changes):
    (folder / name).write_bytes(content)
    made = Artifact(
        path=folder / name,
        format="onnx",
        precision="fp32",
        sha256=sha256(content),
        size_bytes=len(content),
        spec=SPEC,
        source_digest="s",
        settings={"opset": 17},
        operators={"Conv": 2},
        min_runtime="onnxruntime 1.12",
        made_with={"onnx": "1.23.2"},
    )
    return replace(made, **changes)


def test_a_manifest_gives_back_what_was_written(tmp_path):
    one = artifact(tmp_path)
    assert merge_manifest(tmp_path, [one]) == tmp_path / "manifest.json"
    assert read_manifest(tmp_path) == (one,)


def test_a_manifest_is_merged_by_file_name(tmp_path):
    merge_manifest(tmp_path, [artifact(tmp_path, "b.onnx"), artifact(tmp_path, "c.onnx")])
    merge_manifest(tmp_path, [artifact(tmp_path, "a.onnx"), artifact(tmp_path, "c.onnx", b"new")])
    assert {one.path.name: one.size_bytes for one in read_manifest(tmp_path)} == {"a.onnx": 5, "b.onnx": 5, "c.onnx": 3}


def test_a_folder_without_a_manifest_has_no_artefacts(tmp_path):
    assert read_manifest(tmp_path) == ()


def damaged(document):
    entry = document["files"]["x.fp32.onnx"]
    yield document | {"files": None}, "cannot be understood"
    yield {"schema_version": 1}, r"cannot be understood: KeyError\('files'\)"
    yield document | {"schema_version": 2}, "has schema_version 2; this digitedge reads 1"
    yield document | {"files": {"x": entry | {"surprise": 1}}}, "cannot be understood: TypeError.*surprise"
    yield (
        document | {"files": {"x": entry | {"spec": {}}}},
        "cannot be understood: a model's description cannot be read",
    )
    yield document | {"files": {"x": {"spec": entry["spec"]}}}, "cannot be understood: TypeError.*missing"


@pytest.mark.parametrize("number", range(6))
def test_a_damaged_manifest_is_named(tmp_path, number):
    path = merge_manifest(tmp_path, [artifact(tmp_path)])
    document, message = list(damaged(json.loads(path.read_text())))[number]
    path.write_text(json.dumps(document))
    with pytest.raises(ContentError, match=rf"manifest\.json {message}"):
        read_manifest(tmp_path)


def test_a_file_that_has_changed_is_noticed(tmp_path):
    one = artifact(tmp_path)
    check_unchanged(one)
    one.path.write_bytes(b"mudel")
    with pytest.raises(
        ContentError, match=r"x\.fp32\.onnx has changed since it was exported \(sha256 differs\)\. Export it"
    ):
        check_unchanged(one)


@pytest.mark.parametrize("labels", [GOLDEN.labels, None])
def test_a_golden_reference_comes_back(tmp_path, labels):
    golden = read_golden(write_golden(tmp_path / "golden.npz", replace(GOLDEN, labels=labels)))
    assert (golden.classes, golden.source_digest, golden.test_set) == (("a", "b"), "0" * 64, "three")
    np.testing.assert_array_equal(golden.images, GOLDEN.images)
    np.testing.assert_array_equal(golden.scores, GOLDEN.scores)
    assert golden.scores.dtype == np.float32
    assert (golden.labels is None) if labels is None else golden.labels.tolist() == labels.tolist()


def test_the_same_reference_gives_the_same_bytes(tmp_path):
    first, second = (write_golden(tmp_path / name, GOLDEN).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.array([0, 1])},
        {"scores": GOLDEN.scores[:2]},
        {"classes": ("a", "b", "c")},
        {"images": GOLDEN.images[..., 0]},
        {"images": GOLDEN.images.astype(np.float32)},
    ],
)
def test_a_reference_whose_arrays_do_not_fit_is_refused(change):
    with pytest.raises(ContentError, match="has images, scores and labels of the shapes"):
        replace(GOLDEN, **change)


@pytest.mark.parametrize("cut", [0, 1, 100, 400, -1])
def test_a_truncated_reference_is_named(tmp_path, cut):
    path = write_golden(tmp_path / "golden.npz", GOLDEN)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ContentError, match=r"golden\.npz is (empty|not a golden reference)"):
        read_golden(path)


def test_a_reference_without_an_array_is_named(tmp_path):
    path = write_golden(tmp_path / "golden.npz", GOLDEN)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "new.npz", "w") as new:
        for name in old.namelist():
            if name != "scores.npy":
                new.writestr(name, old.read(name))
    with pytest.raises(ContentError, match=r"new\.npz is not a golden reference: .*scores"):
        read_golden(tmp_path / "new.npz")


def test_pickled_objects_are_refused(tmp_path):
    arrays = {"images": GOLDEN.images, "scores": GOLDEN.scores, "source_digest": "", "test_set": ""}
    np.savez(tmp_path / "x.npz", classes=np.array([{"a": 1}, print], dtype=object), **arrays)
    with pytest.raises(ContentError, match=r"x\.npz is not a golden reference: Object arrays cannot be loaded"):
        read_golden(tmp_path / "x.npz")


@given(name=st.text(), values=st.lists(st.floats(width=32), min_size=1), position=st.integers(0))
def test_the_digest_of_a_model_changes_with_any_weight(name, values, position):
    weights = np.array(values, np.float32)
    changed = weights.copy()
    changed.view(np.uint32)[position % len(values)] ^= 1
    assert source_digest("a", [(name, weights)]) == source_digest("a", [(name, weights.copy())])
    others = [("a", [(name, changed)]), ("b", [(name, weights)]), ("a", [(name + "x", weights)]), ("a", [])]
    assert source_digest("a", [(name, weights)]) not in {source_digest(*other) for other in others}


MANY = Golden(
    images=np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2, 1),
    labels=np.repeat([0, 1], 5),
    scores=np.arange(20, dtype=np.float32).reshape(10, 2),
    classes=("a", "b"),
    source_digest="0" * 64,
    test_set="ten",
)


def test_of_images_that_are_not_in_memory_some_of_all_classes_are_recorded(tmp_path, elsewhere, monkeypatch):
    monkeypatch.setattr("digitedge.artifact.GOLDEN_BYTES", 4 * 4 + 3)
    golden = read_golden(write_golden(tmp_path / "golden.npz", replace(MANY, images=elsewhere(MANY.images))))
    assert golden.places.tolist() == [0, 2, 5, 7]
    np.testing.assert_array_equal(golden.images, MANY.images[[0, 2, 5, 7]])
    np.testing.assert_array_equal(golden.scores, MANY.scores[[0, 2, 5, 7]])
    assert golden.labels.tolist() == [0, 0, 1, 1]
    assert golden.places_of([3, 0]) == [7, 0]
    assert [golden.index_of(place) for place in (0, 1, 2, 7, 9)] == [0, None, 1, 3, None]


def test_where_they_are_few_all_are_recorded(tmp_path, elsewhere):
    golden = read_golden(write_golden(tmp_path / "golden.npz", replace(MANY, images=elsewhere(MANY.images))))
    np.testing.assert_array_equal(golden.images, MANY.images)
    assert golden.places is None
    assert golden.places_of([3, 0]) == [3, 0]
    assert [golden.index_of(place) for place in (0, 9, 10)] == [0, 9, None]


def test_images_in_memory_are_all_recorded_however_many(tmp_path, monkeypatch):
    monkeypatch.setattr("digitedge.artifact.GOLDEN_BYTES", 1)
    assert len(read_golden(write_golden(tmp_path / "golden.npz", MANY)).images) == 10


def test_places_of_another_number_are_refused():
    with pytest.raises(ContentError, match="has images, scores and labels of the shapes"):
        replace(MANY, places=np.array([0, 1]))
