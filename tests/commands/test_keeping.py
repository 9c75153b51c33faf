"""The record of a benchmark: what stands in its way is said before anything is measured, or with the rows."""

import errno
import json
import tempfile

import numpy as np
import pytest

from digitedge.bench import measuring
from digitedge.bench.job import Outcome
from digitedge.commands import keeping
from digitedge.errors import UsageError


@pytest.fixture
def quickly(monkeypatch):
    """Makes up what the processes find."""
    random = np.random.default_rng(0)

    def run_job(job, **_):
        scored = {"agreement": 1.0, "accuracy": 0.99} if job.golden else dict.fromkeys(("agreement", "accuracy"))
        return Outcome(random.normal(100.0, 1.0, 512), 1.0, 2.0, 10**7, None, None, disagreement=None, **scored)

    monkeypatch.setattr(measuring, "run_job", run_job)


@pytest.fixture
def nothing_is_measured(monkeypatch):
    monkeypatch.setattr(measuring, "run_job", lambda *_, **__: pytest.fail("something was measured"))


@pytest.mark.parametrize("name", ["bench.json", "bench.samples.npz", "bench.interrupted.json"])
def test_a_folder_in_the_place_of_a_file(digitedge, own_run, nothing_is_measured, name):
    (own_run / name).mkdir()
    ended = digitedge("bench")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == f"{own_run / name} cannot be written: a folder is in the way. Remove or rename it."


def test_a_run_folder_that_cannot_be_written(digitedge, own_run, nothing_is_measured, monkeypatch):
    def refuse(*_, **words):
        if words.get("dir") == own_run:
            raise OSError(errno.EROFS, "Read-only file system")
        return made(*_, **words)

    made = tempfile.NamedTemporaryFile
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    ended = digitedge("bench")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == (
        f"{own_run} cannot be written: Read-only file system. "
        "bench.json is written there: copy the run to a folder that you may write."
    )


def test_one_file_of_such_a_run_is_measured_and_not_recorded(digitedge, own_run, quickly):
    (own_run / "bench.json").mkdir()
    assert digitedge("bench", own_run / "tiny.fp32.onnx").code == 0


@pytest.mark.parametrize("full", ["write_samples", "write_json"])
def test_a_disk_that_is_full_by_then_loses_no_row(digitedge, own_run, quickly, monkeypatch, full):
    def fill(path, _):
        raise UsageError(f"{path} cannot be written: No space left on device.", "Free some space.")

    monkeypatch.setattr(keeping, full, fill)
    ended = digitedge("bench")
    assert ended.code == 2
    assert ended.error.endswith("cannot be written: No space left on device. Free some space.")
    assert ended.out.count("tiny.") >= 4
    document = digitedge("bench", "--json").document
    assert document["error"]["kind"] == "usage"
    assert [row["valid"] for row in document["results"]] == [True] * 4
    assert not (own_run / "bench.json").exists()


@pytest.mark.parametrize("option", ["--compare", "--merge"])
def test_a_run_folder_is_no_document_of_it(digitedge, own_run, nothing_is_measured, option):
    ended = digitedge("bench", option, own_run)
    assert ended.code == 3
    assert ended.error.startswith(f"{own_run} is a folder. Name ")
    assert ended.error.endswith("The one of a run folder is bench.json.")


def test_the_record_names_its_samples(own_run, tmp_path):
    document = {"results": []}
    assert keeping.write_whole(tmp_path, document, ()) == tmp_path / "bench.json"
    assert json.loads((tmp_path / "bench.json").read_text())["samples"] == {
        "path": str(tmp_path / "bench.samples.npz"),
        "sha256": document["samples"]["sha256"],
    }
