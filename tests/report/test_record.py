import pytest

from digitedge.errors import ContentError
from digitedge.report.record import read


def test_everything_that_is_there_is_read(run_folder):
    record = read(run_folder)
    assert record.train["model"] == "classic"
    assert [artifact.format for artifact in record.artifacts] == ["onnx", "tflite"]
    assert len(record.golden.images) == 12


def test_what_is_not_there_is_none(run_folder):
    (run_folder / "bench.json").unlink()
    (run_folder / "golden.npz").unlink()
    record = read(run_folder)
    assert record.bench is None
    assert record.golden is None


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ContentError, match=r"holds no train\.json, verify\.json or bench\.json"):
        read(tmp_path)


def test_a_document_of_another_version_is_refused(run_folder, rewrite):
    rewrite(run_folder / "bench.json", schema_version=2)
    with pytest.raises(ContentError, match=r"bench\.json has schema_version 2; .* Make it again: digitedge bench\."):
        read(run_folder)


def test_a_damaged_document_is_refused(run_folder):
    (run_folder / "verify.json").write_text('{"schema_version": 1,')
    with pytest.raises(ContentError, match=r"verify\.json is not JSON"):
        read(run_folder)
