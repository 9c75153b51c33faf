"""What a verification leaves behind."""

import json

import numpy as np
import pytest

from digitedge.artifact import Golden
from digitedge.commands.folders import model_files
from digitedge.commands.judging import Reference
from digitedge.commands.recording import draw, record, renew
from digitedge.errors import UsageError
from digitedge.report.terminal import Terminal


@pytest.fixture
def against(tmp_path):
    scores = np.eye(2, dtype=np.float32)[[0, 1]]
    golden = Golden(np.zeros((2, 8, 8, 1), np.uint8), np.array([0, 1]), scores, ("a", "b"), "digest", "two")
    return Reference(tmp_path / "model.keras", golden)


def row(path, *, flips=(), **more):
    details = [
        {
            "place": place, "label": 0, "label_reference": 0, "label_candidate": 1, "confidence_reference": 0.9,
            "confidence_candidate": 0.6, "margin_reference": 0.8, "margin_candidate": 0.2,
        }
        for place in flips
    ]  # fmt: skip
    return {"path": str(path), "flip_details": details, "picture": None} | more


def test_the_first_engine_that_decides_otherwise_is_drawn_and_a_stale_picture_removed(tmp_path, against):
    one, two = tmp_path / "one.onnx", tmp_path / "two.onnx"
    (tmp_path / "two.onnx.flips.png").write_bytes(b"stale")
    rows = [row(one), row(one, flips=[0]), row(two)]
    draw(rows, against, Terminal())
    assert [each["picture"] for each in rows] == [None, str(tmp_path / "one.onnx.flips.png"), None]
    assert (tmp_path / "one.onnx.flips.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "two.onnx.flips.png").exists()


def test_what_another_machine_saved_is_not_drawn_here(tmp_path, against):
    rows = [row(tmp_path / "their.npz" / "one.onnx", flips=[0], outputs="their.npz")]
    draw(rows, against, Terminal())
    assert rows[0]["picture"] is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path, against, capsys, monkeypatch):
    def refused(*_):
        raise UsageError("read-only file system.", "Name another folder.")

    monkeypatch.setattr("digitedge.commands.recording.save", refused)
    draw([row(tmp_path / "one.onnx", flips=[0])], against, Terminal())
    assert (
        "The picture of the images that one.onnx decides otherwise was not made: read-only" in capsys.readouterr().err
    )


def test_a_part_of_a_run_is_not_its_record(own_run):
    record(model_files([own_run / "tiny.fp32.onnx"]), {"results": []}, Terminal())
    assert not (own_run / "verify.json").exists()
    record(model_files([own_run]), {"results": []}, Terminal())
    assert json.loads((own_run / "verify.json").read_text()) == {"results": []}


def test_a_page_is_written_anew_only_where_there_is_one(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("digitedge.report.page.render", lambda record: "new")
    monkeypatch.setattr("digitedge.report.page.read", lambda folder: None)
    renew(tmp_path, Terminal())
    assert not (tmp_path / "report.html").exists()
    (tmp_path / "report.html").write_text("old")
    renew(tmp_path, Terminal())
    assert (tmp_path / "report.html").read_text() == "new"
    assert "report.html" in capsys.readouterr().out


def test_what_stands_in_the_way_of_a_page_is_said_and_no_failure(tmp_path, capsys):
    (tmp_path / "report.html").write_text("old")
    renew(tmp_path, Terminal())
    assert (tmp_path / "report.html").read_text() == "old"
    assert "report.html is older than what was found now:" in capsys.readouterr().err
