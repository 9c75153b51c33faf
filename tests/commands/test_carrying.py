"""Outputs from one machine to another: recorded there, judged here as if the file had run here."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from digitedge.artifact import Golden
from digitedge.commands.carrying import Record, carried, read_all, save
from digitedge.commands.judging import Reference
from digitedge.errors import ContentError, OutputExistsError
from digitedge.files import sha256
from digitedge.spec import image_spec
from digitedge.verify.target import Described, Scored, Target

SHAPE, CLASSES, SOURCE = (4, 3, 1), ("eins", "zwei", "drei"), "b" * 64
N = 12


@pytest.fixture
def golden():
    """Twelve images, four of each class, all decided clearly and right."""
    labels = np.arange(N) % 3
    images = np.random.default_rng(0).integers(0, 256, (N, *SHAPE), np.uint8)
    scores = (0.05 + 0.85 * np.eye(3, dtype=np.float32)[labels]).astype(np.float32)
    return Golden(images, labels, scores, CLASSES, SOURCE, "twelve")


@pytest.fixture
def against(golden, tmp_path):
    """A Reference on `golden`."""
    return Reference(tmp_path / "golden.npz", golden)


@pytest.fixture
def run(golden, tmp_path):
    """run(scores, ...) -> Scored, of a file `net.int8.tflite`, or of another name and content."""

    def scored(scores=None, *, name="net.int8.tflite", engine="LiteRT 2.3.0", places=None, **described):
        path = tmp_path / name
        path.write_bytes(name.encode())
        found = Described(Target(path), "tflite", "int8", SOURCE, image_spec(SHAPE, CLASSES, "NCHW"), engine)
        given = golden.scores if scores is None else scores
        return Scored(replace(found, **described), given, places, 0.0, 0)

    return scored


@pytest.fixture
def elsewhere(monkeypatch):
    """The machine that --save-outputs runs on."""
    machine = {"cpu": "Cortex-A72", "architecture": "aarch64", "cores": 4, "cpu_limit": None, "flags": ["asimd"]}
    monkeypatch.setattr("digitedge.measure.machine.describe", lambda: machine)
    return machine


def recorded(given, against, tmp_path):
    path = tmp_path / "pi.npz"
    save(path, given, against, overwrite=True)
    return read_all([path])


def flipped(scores, *indices):
    """Scores that decide for the next class there."""
    changed = scores.copy()
    changed[list(indices)] = np.roll(changed[list(indices)], 1, axis=1)
    return changed


def test_a_file_that_only_ran_there(run, against, elsewhere, tmp_path):
    records = recorded([run()], against, tmp_path)
    (row,) = carried(records, [], against, {})
    assert row["path"] == str(tmp_path / "pi.npz" / "net.int8.tflite")
    assert row["engine"] == "LiteRT 2.3.0 on Cortex-A72"
    assert (row["outputs"], row["machine"]) == (str(tmp_path / "pi.npz"), elsewhere)
    assert (row["n"], row["flips"], row["passed"], row["format"], row["precision"]) == (N, 0, True, "tflite", "int8")
    assert (row["labels_other_than_here"], row["max_abs_from_here"]) == (None, None)


def test_what_is_recorded(run, against, golden, tmp_path):
    (record,) = recorded([run()], against, tmp_path)
    (one,) = record.outputs
    assert (one.name, one.sha256) == ("net.int8.tflite", sha256(b"net.int8.tflite"))
    assert (one.source_digest, one.provider, one.places) == (SOURCE, "cpu", None)
    np.testing.assert_array_equal(one.scores, golden.scores)


def test_a_file_that_decides_otherwise_there_fails_here(run, against, golden, elsewhere, tmp_path):
    records = recorded([run(flipped(golden.scores, 2, 5, 7))], against, tmp_path)
    (row,) = carried(records, [run()], against, {})
    assert (row["flips"], row["passed"]) == (3, False)
    assert row["reason"].startswith("3 of 12 images get another label than the reference gives")
    assert row["flipped"] == [2, 5, 7]
    assert row["labels_other_than_here"] == 3
    assert row["max_abs_from_here"] == pytest.approx(0.85, abs=1e-6)
    assert row["path"] == str(tmp_path / "net.int8.tflite"), "the same file is here"
    (excused,) = carried(records, [run()], against, {"labels": 3, "accuracy": 100, "confidence": 1, "scores": 1})
    assert excused["passed"], excused["reason"]


def test_a_score_that_is_not_finite_there_fails_here(run, against, golden, tmp_path):
    broken = golden.scores.copy()
    broken[3] = np.nan
    (row,) = carried(recorded([run(broken)], against, tmp_path), [run()], against, {})
    assert not row["passed"]
    assert "not a finite number" in row["reason"]
    assert (row["labels_other_than_here"], row["max_abs_from_here"]) == (1, None)


def test_a_file_that_gives_labels_has_no_distance(run, against, golden, tmp_path):
    spec = replace(image_spec(SHAPE, CLASSES, "NCHW"), output_kind="label")
    one_hot = np.eye(3, dtype=np.float32)[golden.labels]
    (row,) = carried(
        recorded([run(flipped(one_hot, 1), spec=spec)], against, tmp_path), [run(one_hot, spec=spec)], against, {}
    )
    assert (row["labels_other_than_here"], row["max_abs_from_here"], row["max_abs"]) == (1, None, None)


def test_the_same_engine_is_compared_where_a_file_ran_in_several(run, against, golden, tmp_path):
    gcc, clang = run(engine="gcc 14.1.0"), run(flipped(golden.scores, 0), engine="clang 17.0.1")
    for there, differing in (("gcc 12.2.0", 0), ("clang 14.0.6", 1), ("tcc 1", 0)):
        (row,) = carried(recorded([run(engine=there)], against, tmp_path), [gcc, clang], against, {})
        assert row["labels_other_than_here"] == differing, there


def test_another_file_of_the_same_name_is_not_the_same_file(run, against, golden, tmp_path):
    records = recorded([run()], against, tmp_path)
    here = run(flipped(golden.scores, 0))
    (tmp_path / "net.int8.tflite").write_bytes(b"another")
    (row,) = carried(records, [here], against, {})
    assert row["labels_other_than_here"] is None
    assert row["path"] == str(tmp_path / "pi.npz" / "net.int8.tflite")


def test_some_of_the_images_there_are_some_of_the_images_here(run, against, golden, tmp_path):
    """As an engine that is too slow for all records them, and as it is compared with one that ran on others."""
    there, here = np.array([1, 4, 6, 9]), np.array([0, 4, 9])
    records = recorded([run(flipped(golden.scores, 9)[there], places=there)], against, tmp_path)
    assert records[0].outputs[0].places.tolist() == [1, 4, 6, 9]
    (row,) = carried(records, [run(golden.scores[here], places=here)], against, {})
    assert (row["n"], row["flips"], row["flipped"], row["labels_other_than_here"]) == (4, 1, [9], 1)
    apart = np.array([0, 2])
    (row,) = carried(records, [run(golden.scores[apart], places=apart)], against, {})
    assert (row["labels_other_than_here"], row["max_abs_from_here"]) == (None, None)


def test_a_device_that_holds_some_images_is_judged_where_all_are(run, against, golden, tmp_path):
    """golden.npz of a large data set holds some of it; its places are those of the data set."""
    places = np.array([2, 3, 5, 10])
    part = replace(
        golden, images=golden.images[places], labels=golden.labels[places], scores=golden.scores[places], places=places
    )
    on_device = replace(against, golden=part)
    records = recorded([run(golden.scores[places])], on_device, tmp_path)
    (row,) = carried(records, [], against, {})
    assert (row["n"], row["passed"]) == (4, True)
    (row,) = carried(records, [run(golden.scores[places])], on_device, {})
    assert (row["n"], row["labels_other_than_here"]) == (4, 0)
    inner = np.array([1, 3])
    (one,) = recorded([run(golden.scores[places][inner], places=inner)], on_device, tmp_path)[0].outputs
    assert one.places.tolist() == [3, 10]
    with pytest.raises(ContentError, match="was recorded on other images than those of twelve here"):
        carried(recorded([run()], against, tmp_path), [], on_device, {})


def test_other_images_are_refused(run, against, golden, tmp_path):
    records = recorded([run()], against, tmp_path)
    changed = golden.images.copy()
    changed[0, 0, 0] ^= 1
    others = [
        replace(golden, images=changed),
        replace(golden, images=golden.images[:6], labels=golden.labels[:6], scores=golden.scores[:6]),
    ]
    for other in others:
        with pytest.raises(ContentError) as caught:
            carried(records, [], replace(against, golden=other), {})
        assert str(caught.value) == (
            f"{tmp_path / 'pi.npz'} was recorded on other images than those of twelve here. "
            "Record it beside the golden.npz of this run, or name the same --data."
        )


def test_a_place_that_the_reference_does_not_hold_is_refused(run, against, tmp_path):
    (record,) = recorded([run(np.zeros((2, 3), np.float32), places=np.array([0, 1]))], against, tmp_path)
    beyond = replace(record.outputs[0], places=np.array([0, N]))
    with pytest.raises(ContentError, match="other images"):
        carried([Record(record.path, (beyond,))], [], against, {})


def test_another_model_is_refused(run, against, tmp_path):
    records = recorded([run(source_digest="c" * 64)], against, tmp_path)
    with pytest.raises(ContentError) as caught:
        carried(records, [run()], against, {})
    assert str(caught.value) == (
        f"net.int8.tflite in {tmp_path / 'pi.npz'} was made from another model than golden.npz. "
        "Save the outputs of the files of this model."
    )


def test_with_a_foreign_reference_it_is_the_source_of_the_files_that_counts(run, against, golden, tmp_path):
    foreign = replace(against, golden=replace(golden, source_digest=""))
    records = recorded([run()], against, tmp_path)
    assert len(carried(records, [run()], foreign, {})) == 1


@pytest.mark.parametrize("classes", [("eins", "zwei"), ("zwei", "eins", "drei")])
def test_other_classes_are_refused(run, against, tmp_path, classes):
    spec = image_spec(SHAPE, classes, "NCHW")
    records = recorded([run(np.zeros((N, len(classes)), np.float32), spec=spec)], against, tmp_path)
    with pytest.raises(ContentError, match=r"net\.int8\.tflite in .*pi\.npz: .*class.* Compare it with the reference"):
        carried(records, [], against, {})


def test_nothing_is_replaced_or_written_unasked(run, against, tmp_path):
    path = tmp_path / "pi.npz"
    with pytest.raises(ContentError, match="no file gave any outputs"):
        save(path, [], against)
    save(path, [run()], against)
    with pytest.raises(OutputExistsError):
        save(path, [run()], against)


@pytest.fixture
def device(tiny_run, tmp_path):
    """Path of a folder with an int8 file and golden.npz, and nothing else."""
    folder = tmp_path / "device"
    folder.mkdir()
    for name in ("tiny.int8.onnx", "golden.npz"):
        shutil.copy(tiny_run / name, folder)
    return folder


def test_what_a_device_saves_a_workstation_compares(digitedge, process, ended, device, own_run, workstation):
    saved = device / "device.npz"
    there = ended(process("verify", device / "tiny.int8.onnx", "--save-outputs", saved, "--json", without=workstation))
    assert there.code == 0, there.err
    (row,) = there.document["results"]
    assert (row["n"], row["passed"]) == (200, True)
    assert [(cpu["n"], cpu["differs"]) for cpu in row["cpus"]] == [(200, 0)] * 2, "what is known without the graph"
    here = digitedge("verify", own_run / "tiny.int8.onnx", "--compare-outputs", saved, "--json")
    assert here.code == 0, here.err
    own, carried_row = here.document["results"]
    assert own["path"] == carried_row["path"] == str(own_run / "tiny.int8.onnx")
    assert [(cpu["n"], cpu["differs"]) for cpu in own["cpus"]] == [(200, 0)] * 4
    assert carried_row["outputs"] == str(saved)
    assert carried_row["machine"]["architecture"] == there.document["machine"]["architecture"]
    assert (carried_row["labels_other_than_here"], carried_row["max_abs_from_here"]) == (0, 0.0)
    assert (carried_row["flips"], carried_row["max_abs"]) == (row["flips"], row["max_abs"])


def test_two_devices_compare_without_a_workstation(process, ended, device, workstation):
    file, saved = device / "tiny.int8.onnx", device / "one.npz"
    assert ended(process("verify", file, "--save-outputs", saved, without=workstation)).code == 0
    other = ended(process("verify", file, "--compare-outputs", saved, without=workstation))
    assert (other.code, other.err.count("error")) == (0, 0), other.err
    assert " on " in other.out, "the engine and the CPU of the record"


def test_what_cannot_be_is_told_before_anything_is_run(digitedge, device):
    (device / "torn.npz").write_bytes(b"PK")
    torn = digitedge("verify", device / "tiny.int8.onnx", "--compare-outputs", device / "torn.npz")
    assert (torn.code, torn.out) == (3, "")
    assert torn.err == (
        f"error: {device / 'torn.npz'} holds no outputs that can be compared: File is not a zip file. "
        "Make it again with --save-outputs.\n"
    )
    there = digitedge("verify", device / "tiny.int8.onnx", "--save-outputs", device / "torn.npz")
    assert (there.code, there.out) == (2, "")
    assert there.err.startswith(f"error: {device / 'torn.npz'} exists already. Add --overwrite")
