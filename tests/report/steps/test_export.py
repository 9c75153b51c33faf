from digitedge.report.steps import export


def test_export(printed, export_document, tmp_path):
    lines = printed(export.step(export_document)).splitlines()
    assert " ".join(lines[1].split()) == "classic.fp32.onnx 818 kB 5 12 of 12 83.33 % 2.4e-07 passed"
    assert " ".join(lines[2].split()) == "classic.fp32.tflite 214 kB 5 12 of 12 83.33 % 2.4e-07 unchanged"
    assert lines[3] == f"          {tmp_path}"


def test_a_rejected_file_has_no_size_and_the_step_ends_in_the_verdict(printed, export_document, failed_document):
    document = export_document | {
        "artifacts": export_document["artifacts"][:1],
        "verify": failed_document,
        "passed": False,
    }
    lines = printed(export.step(document)).splitlines()
    assert " ".join(lines[2].split()) == "classic.fp32.tflite – – 9 of 12 83.33 % 2.4e-07 failed"  # noqa: RUF001
    assert lines[-2] == "          1 of 2 files failed."
