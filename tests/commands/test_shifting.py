import numpy as np
import pytest

from digitedge.commands import shifting
from digitedge.commands.shifting import shifts
from digitedge.data.corruption.corrupting import corruptions
from digitedge.data.preprocess import to_unit
from digitedge.errors import ContentError
from digitedge.measure.limits import limits_of
from digitedge.measure.parity import softmax
from digitedge.measure.shift import CLEAN
from digitedge.spec import image_spec
from digitedge.verify.target import Described, Lost, Scored, Target

SETS = 1 + 5 * len(corruptions())


@pytest.fixture
def digits(tiny_digits):
    return tiny_digits.test


@pytest.fixture
def original(tiny_digits):
    """Names the class whose mean training image is the most alike."""
    train = tiny_digits.train
    means = np.stack([to_unit(train.images[train.labels == digit]).mean(axis=0).ravel() for digit in range(10)])

    def scores(images):
        flat = to_unit(images[:]).reshape(len(images), -1)
        return softmax((-10 * ((flat[:, None] - means) ** 2).mean(axis=2) / 0.1).astype(np.float32))

    return scores


class Fake:
    """Runs functions instead of files: one for each target."""

    def __init__(self, **functions):
        self.functions, self.most = functions, []

    def score(self, target, images):
        self.most.append(target.most_images)
        scores = self.functions[target.path.stem](images)
        if isinstance(scores, str):
            return Lost(target, scores)
        spec = image_spec((28, 28, 1), tuple("0123456789"), "NHWC")
        return Scored(Described(target, "onnx", "int8", None, spec, "Fake 1.0"), scores, None, None, 0)


def silent(*_):
    pass


def limits(ran):
    return limits_of(ran.precision)


def run(tmp_path, digits, original, labels=True, **functions):
    targets = [Target(tmp_path / f"{name}.onnx") for name in functions]
    truth, fake = digits.labels if labels else None, Fake(**functions)
    return shifts(targets, original, digits.images, truth, fake, watch=silent, limits=limits)


def breaks_where_it_is_noisy(original, digits):
    """An artefact that is right on every clean image, and noisy on all others."""
    clean = {image.tobytes() for image in digits.images}

    def scores(images):
        worse = np.array([image.tobytes() not in clean for image in images])
        noise = 9 * np.random.default_rng(0).random((len(images), 10)) * worse[:, None]
        return (original(images) + noise).astype(np.float32)

    return scores


def test_an_identical_file_hurts_nowhere(tmp_path, digits, original):
    (entry,) = run(tmp_path, digits, original, same=original)
    assert [row["corruption"] for row in entry["rows"]] == [CLEAN, *(name for name in corruptions() for _ in range(5))]
    assert sum(row["flips"] for row in entry["rows"]) == 0
    assert not any(row["hurts"] for row in entry["rows"])
    assert entry["onset"] == dict.fromkeys((CLEAN, *corruptions()))
    assert entry["sentence"].endswith("no label of 200 images changes, however they are corrupted.")
    assert (entry["engine"], entry["precision"], entry["n"], entry["lost"]) == ("Fake 1.0", "int8", 200, None)


def test_a_file_that_breaks_under_corruption_is_found_though_the_test_set_says_nothing(tmp_path, digits, original):
    same, broken = run(tmp_path, digits, original, same=original, broken=breaks_where_it_is_noisy(original, digits))
    clean = broken["rows"][0]
    assert (clean["flips"], clean["hurts"], clean["accuracy"]) == (0, False, clean["accuracy_reference"])
    assert broken["onset"][CLEAN] is None
    assert set(broken["onset"].values()) == {None, 1}
    assert list(broken["onset"].values()).count(None) == 1
    assert "quantization begins to hurt at" in broken["sentence"]
    assert "before the test set would tell" in broken["sentence"]
    assert not any(same["onset"].values())


def test_without_labels_the_flips_are_counted(tmp_path, digits, original):
    (entry,) = run(tmp_path, digits, original, labels=False, broken=breaks_where_it_is_noisy(original, digits))
    assert entry["labelled"] is False
    assert {row["hurts"] for row in entry["rows"]} == {None}
    assert max(row["flips"] for row in entry["rows"]) > 20
    assert "without labels nobody can say" in entry["sentence"]


def test_a_file_that_brings_its_process_down_keeps_no_other_from_it(tmp_path, digits, original):
    dead, same = run(tmp_path, digits, original, dead=lambda images: "it crashed", same=original)
    assert (dead["rows"], dead["onset"], dead["lost"], dead["precision"]) == ([], {}, "it crashed", None)
    assert dead["sentence"] == "dead.onnx: it crashed."
    assert len(same["rows"]) == SETS


def test_images_are_taken_evenly_and_stacked_within_bounds(tmp_path, digits, original, monkeypatch):
    stacks, told = [], []

    def watched(images):
        stacks.append(images)
        return original(images)

    monkeypatch.setattr(shifting, "_STACK_BYTES", 20 * 28 * 28 * 8)
    fake = Fake(same=original)
    (entry,) = shifts(
        [Target(tmp_path / "same.onnx", most_images=3)], watched, digits.images, digits.labels, fake,
        watch=lambda *told_now: told.append(told_now), limits=limits, most=20,
    )  # fmt: skip
    assert {len(stack) for stack in stacks} <= {160, SETS % 8 * 20}
    assert sum(len(stack) for stack in stacks) == SETS * 20
    np.testing.assert_array_equal(stacks[0][:20], digits.images[::10])
    assert entry["n"] == 20
    assert set(fake.most) == {None}  # how many are run is decided by `most`
    assert told[0][:2] == (0, len(stacks))
    assert told[-1][:2] == (len(stacks), len(stacks))


def test_there_must_be_images(tmp_path, digits, original):
    with pytest.raises(ContentError, match=r"there are no images to corrupt\. Name a data set that holds some\."):
        run(tmp_path, digits.take(slice(0)), original, same=original)


def test_each_file_is_judged_once_by_what_its_export_was_told(tmp_path, digits, original, monkeypatch):
    from digitedge.artifact import Golden
    from digitedge.commands.folders import Listed
    from digitedge.commands.judging import Reference
    from digitedge.commands.verifying import Entry

    class Told(Listed):
        max_drop = 100.0

    broken, targets = (
        breaks_where_it_is_noisy(original, digits),
        [Target(tmp_path / "a.onnx"), Target(tmp_path / "b.onnx")],
    )
    kinds = {targets[0]: Listed, targets[1]: Told}
    engines = [Target(target.path, engine="another") for target in targets]
    entries = [
        Entry(kinds[first](first.path, None), target, Lost(target, "not loaded"))
        for first, second in zip(targets, engines, strict=True)
        for target in (first, second)
    ]
    golden = Golden(digits.images, digits.labels, original(digits.images), digits.classes, "", "digits")
    fake = Fake(a=broken, b=broken, original=original)
    found = shifting.shifted(entries, Reference(tmp_path / "original.onnx", golden), fake, silent)
    assert [entry["path"] for entry in found] == [str(target.path) for target in targets]
    assert any(found[0]["onset"].values())
    assert not any(found[1]["onset"].values())
    overridden = shifting.shifted(
        entries, Reference(tmp_path / "original.onnx", golden), fake, silent, {"accuracy": 100}
    )
    assert not any(overridden[0]["onset"].values())


def test_an_original_that_crashes_on_other_images_is_an_error(tmp_path):
    from digitedge.commands.judging import Reference

    scores = shifting._original(
        Reference(tmp_path / "original.onnx", None), (), Fake(original=lambda images: "it crashed")
    )
    with pytest.raises(ContentError, match=r"the reference .*original\.onnx cannot be run: it crashed\. Name another"):
        scores(np.zeros((1, 28, 28, 1), np.uint8))


def test_a_record_of_scores_cannot_be_asked_about_other_images(tmp_path):
    from digitedge.artifact import Golden
    from digitedge.commands.judging import Reference

    golden = Golden(np.zeros((1, 8, 8, 1), np.uint8), None, np.eye(2, dtype=np.float32)[:1], ("a", "b"), "", "x")
    with pytest.raises(ContentError, match=r"golden\.npz is no Keras model: .* --reference MODEL\.keras\."):
        shifting._original(Reference(tmp_path / "golden.npz", golden), (), Fake())
