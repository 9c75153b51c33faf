import shutil
from dataclasses import replace

import numpy as np
import pytest

from digitedge.artifact import read_golden
from digitedge.commands.folders import Listed, model_files
from digitedge.commands.judging import Reference
from digitedge.commands.self_testing import Row, body, self_tested
from digitedge.errors import ContentError, NotPresentError
from digitedge.measure.limits import CHECKS
from digitedge.mutation.every import mutations
from digitedge.mutation.mutation import Mutation, Wrong
from digitedge.verify.scoring import Scoring

ORDER = ["unchanged", "loads", "source", "classes", "fits", "quantization", *CHECKS]
# An image that is read otherwise, or a layer that computes otherwise, may change some labels or none: that the scores
# are others is certain. A second softmax changes scores as well, and is told from that by the mean confidence.
BEFORE = {"scores": {"labels"}, "confidence": {"scores"}}


@pytest.fixture(scope="module")
def scoring():
    with Scoring() as one:
        yield one


@pytest.fixture
def against(tiny_run):
    return Reference(tiny_run / "golden.npz", read_golden(tiny_run / "golden.npz"))


def unwatched(done, total, name):
    """Tells nobody."""


def _only(path, *found):
    return [listed for listed in found if listed.path.name == path]


def test_every_wrong_file_is_rejected_by_the_check_that_is_meant_to_catch_it(tiny_run, every_file, against, scoring):
    files = [
        *model_files([tiny_run]),
        Listed(every_file / "tiny.fp32.c", None),
        Listed(every_file / "tiny.int8.c", None),
    ]
    seen = []
    found = self_tested(files, against, scoring, lambda *progress: seen.append(progress))
    assert [row for row in found["results"] if row["applicable"] and not row["caught"]] == []
    assert found["passed"]
    assert found["applicable"] == found["caught"] >= 75
    absent = {(row["mutation"], row["format"]) for row in found["results"] if not row["applicable"]}
    assert absent == {("channels-bgr", "onnx"), ("padding-other-side", "onnx"), ("bit-flipped", "c99")}
    total = len(found["results"])
    assert [done for done, _, _ in seen] == list(range(total + 1))
    assert {number for _, number, _ in seen} == {total}
    assert seen[0][2].startswith("tiny.fp32.onnx · ")

    # None by accident: whatever a wrong file is asked before the check that is meant to catch it, it passes.
    for row in found["results"]:
        if row["applicable"]:
            before = {name for name in row["failed"] if ORDER.index(name) < ORDER.index(row["expects"])}
            assert before <= BEFORE.get(row["expects"], set()), row
            assert row["failed"] == sorted(row["failed"], key=ORDER.index)
            assert row["reason"]
            assert "digitedge-" not in row["reason"]  # the folder that is gone


def test_a_mutation_that_changes_nothing_is_not_caught_and_fails_the_test(tiny_run, against, scoring):
    files = _only("tiny.fp32.onnx", *model_files([tiny_run]))
    nothing = Mutation("nothing", "nothing is wrong", "labels", lambda right: Wrong(right.data))
    found = self_tested(files, against, scoring, unwatched, mutations=[nothing])
    (row,) = found["results"]
    assert (row["applicable"], row["caught"], row["failed"], row["reason"]) == (True, False, [], None)
    assert (found["applicable"], found["caught"], found["passed"]) == (1, 0, False)


def test_what_another_check_catches_is_not_caught(tiny_run, against, scoring):
    files = _only("tiny.fp32.onnx", *model_files([tiny_run]))
    (names,) = [mutation for mutation in mutations() if mutation.name == "class-names-swapped"]
    found = self_tested(files, against, scoring, unwatched, mutations=[replace(names, expects="labels")])
    (row,) = found["results"]
    assert (row["failed"], row["caught"], found["passed"]) == (["classes"], False, False)


def test_what_has_no_place_or_is_not_asked_is_never_counted(tiny_run, against, scoring):
    files = _only("tiny.fp32.onnx", *model_files([tiny_run]))
    nowhere = Mutation("nowhere", "there is no such layer", "labels", lambda right: None)
    unasked = Mutation("unasked", "other labels on other CPUs", "cpus", lambda right: Wrong(right.data))
    found = self_tested(files, against, scoring, unwatched, mutations=[nowhere, unasked])
    assert [(row["applicable"], row["caught"]) for row in found["results"]] == [(False, False)] * 2
    assert (found["applicable"], found["caught"], found["passed"]) == (0, 0, False)


def test_a_right_file_that_is_wrong_proves_nothing(tiny_run, against, scoring):
    files = _only("tiny.fp32.onnx", *model_files([tiny_run]))
    golden = replace(against.golden, scores=against.golden.scores[::-1].copy())
    message = r"^tiny.fp32.onnx is not right itself, so that wrong copies of it prove nothing: \d+ of 200 images get"
    with pytest.raises(ContentError, match=message):
        self_tested(files, replace(against, golden=golden), scoring, unwatched)


def test_a_foreign_file_is_asked_everything_but_its_source(tiny_run, against, scoring, tmp_path):
    shutil.copy(tiny_run / "tiny.fp32.onnx", tmp_path)
    other = replace(against, golden=replace(against.golden, source_digest="another"))
    chosen = [
        mutation for mutation in mutations() if mutation.name in {"another-source", "bit-flipped", "kernel-rotated"}
    ]
    found = self_tested([Listed(tmp_path / "tiny.fp32.onnx", None)], other, scoring, unwatched, mutations=chosen)
    applicable = {row["mutation"]: row["applicable"] for row in found["results"]}
    assert applicable == {"another-source": False, "bit-flipped": False, "kernel-rotated": True}
    assert found["passed"]


def test_at_most_2_000_images_are_used(tiny_run, against, monkeypatch):
    golden = against.golden
    many = replace(
        golden,
        images=np.tile(golden.images, (11, 1, 1, 1)),
        labels=np.tile(golden.labels, 11),
        scores=np.tile(golden.scores, (11, 1)),
    )
    used = []

    class Watched(Scoring):
        def score(self, target, images, watch=None):
            used.append(len(images))
            return super().score(target, images)

    with Watched() as scoring:
        files = _only("tiny.fp32.onnx", *model_files([tiny_run]))
        self_tested(files, replace(against, golden=many), scoring, unwatched, mutations=[])
    assert used == [2_000]


def test_no_file_to_spoil(every_file, against, scoring):
    listed = [Listed(every_file / name, None) for name in ("tiny.fp16.onnx", "tiny.int8-weights.tflite", "model.keras")]
    with pytest.raises(ContentError, match=r"there is no fp32 or int8 file in \.onnx, \.tflite or \.c"):
        self_tested(listed, against, scoring, unwatched)


def test_without_onnx(tiny_run, against, scoring, monkeypatch):
    monkeypatch.setattr("digitedge.commands.self_testing.installed", lambda name: False)
    with pytest.raises(NotPresentError, match="onnx is not installed; --self-test needs it"):
        self_tested(model_files([tiny_run]), against, scoring, unwatched)


def test_of_a_run_with_both_precisions_twenty_must_apply():
    rows = [
        Row("m", "s", "p", "onnx", precision, "labels", ("labels",))
        for precision in ("fp32", "int8")
        for _ in range(10)
    ]  # fmt: skip
    assert body(rows)["passed"]
    assert not body(rows[1:])["passed"]
    assert body(rows[:3])["passed"]
    assert not body([])["passed"]
    assert not body([*rows, replace(rows[0], failed=("scores",))])["passed"]
