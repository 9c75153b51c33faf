from digitedge.report.steps import verify


def test_verify(printed, verify_document):
    lines = printed(verify.step(verify_document)).splitlines()
    assert lines[0] == " verify   judged on digits test · accuracy of model.keras 83.33 %"
    assert " ".join(lines[1].split()) == "file same label as model.keras accuracy largest difference"
    assert " ".join(lines[2].split()) == "classic.fp32.onnx 12 of 12 83.33 % 2.4e-07 passed"
    assert lines[4] == "          2 files agree with model.keras within the limits of the precision."


def test_a_failed_file_says_how_far_off_in_which_classes_and_where(printed, failed_document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = printed(verify.step(failed_document))
    assert "classic.fp32.tflite    " in out
    assert "9 of 12" in out
    assert "failed" in out
    assert "classic.fp32.tflite: 3 of 12 images get another label.\n" in out
    assert "flipped: 1 of class $one$\n" in out
    assert "file: classic.fp32.tflite\n" in out
    assert out.splitlines()[-2] == "          1 of 2 files failed."


def test_a_failed_file_is_named_under_quiet_too(printed, failed_document):
    assert printed(verify.step(failed_document), quiet=True).splitlines() == [
        "1 of 2 files failed.",
        "classic.fp32.tflite: 3 of 12 images get another label.",
    ]


def test_a_difference_that_is_not_a_number_is_a_dash(printed, failed_document):
    failed_document["results"][1] |= {
        "max_abs": None,
        "reason": "12 of 12 images give a score that is not a finite number",
    }
    out = printed(verify.step(failed_document))
    assert "not a finite number" in out
    assert "–" in out  # noqa: RUF001
