from pathlib import Path

import pytest

from digitedge.report.steps import verify


def told(step, printed):
    return [line.strip() for line in printed(step).splitlines()]


def in_micro(row, **more):
    return row | {"engine": "TensorFlow Lite Micro 0.1.0", **more}


def test_a_document_is_one_table_and_a_verdict(printed, verify_document):
    assert printed(verify.step(verify_document)).splitlines() == [
        " verify   judged on digits test · accuracy of model.keras 83.33 %",
        "          file                 same label  95 % interval  accuracy   off by    SQNR",
        "          classic.fp32.onnx      12 of 12    75.75–100 %   83.33 %  2.4e-07  139 dB  passed",  # noqa: RUF001
        "          classic.fp32.tflite    12 of 12    75.75–100 %   83.33 %  2.4e-07  139 dB  passed",  # noqa: RUF001
        "          2 files agree with model.keras within the limits of the precision.",
        "",
    ]


def test_a_failed_file_shows_its_evidence(printed, failed_document, make_check, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = failed_document["results"][1]
    row["checks"].append(make_check("accuracy", 3, 0.1, "accuracy falls by 3 points; 0.10 are allowed", passed=False))
    row["picture"] = str(tmp_path / "classic.fp32.tflite.flips.png")
    assert told(verify.step(failed_document), printed)[3:] == [
        "classic.fp32.tflite     9 of 12    75.75–100 %   83.33 %  2.4e-07  139 dB  failed",  # noqa: RUF001
        "classic.fp32.tflite: 3 of 12 images get another label; none may.",
        "accuracy falls by 3 points; 0.10 are allowed.",
        "flipped: 1 of class $one$",
        "picture: classic.fp32.tflite.flips.png",
        "file: classic.fp32.tflite",
        "1 of 2 files failed.",
        "",
    ]


def test_a_failed_file_is_named_under_quiet_too(printed, failed_document):
    assert printed(verify.step(failed_document), quiet=True).splitlines() == [
        "1 of 2 files failed.",
        "classic.fp32.tflite: 3 of 12 images get another label; none may.",
    ]


def test_a_file_in_several_engines_has_a_line_for_each(printed, verify_document):
    row = verify_document["results"][1]
    verify_document["results"].append(in_micro(row, n=6, note="TensorFlow Lite Micro 0.1.0 ran 6 of 12 images"))
    lines = told(verify.step(verify_document), printed)
    assert lines[3:-2] == [
        "classic.fp32.tflite",
        "LiteRT             12 of 12    75.75–100 %   83.33 %  2.4e-07  139 dB  passed",  # noqa: RUF001
        "TFLite Micro         6 of 6    75.75–100 %   83.33 %  2.4e-07  139 dB  passed",  # noqa: RUF001
        "classic.fp32.tflite: TensorFlow Lite Micro 0.1.0 ran 6 of 12 images",
    ]
    assert lines[-2] == "2 files agree with model.keras within the limits of the precision."


def test_which_engine_failed_is_said_and_the_file_counted_once(printed, failed_document):
    failed_document["results"].append(in_micro(failed_document["results"][1]))
    lines = told(verify.step(failed_document), printed)
    assert "classic.fp32.tflite in LiteRT: 3 of 12 images get another label; none may." in lines
    assert "classic.fp32.tflite in TFLite Micro: 3 of 12 images get another label; none may." in lines
    assert lines[-2] == "1 of 2 files failed."


def test_what_another_machine_saved_is_a_row_of_its_own_file(printed, verify_document):
    engine = "ONNX Runtime 1.30.0 on Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz"
    there = {"engine": engine, "outputs": "/runs/there.npz", "machine": {}, "labels_other_than_here": 2}
    verify_document["results"].append(verify_document["results"][0] | there)
    lines = told(verify.step(verify_document), printed)
    assert lines[2:5] == [
        "classic.fp32.onnx",
        "ONNX Runtime         12 of 12    75.75–100 %   83.33 %  2.4e-07  139 dB  passed",  # noqa: RUF001
        "ONNX Runtime on Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz",
    ]
    told_so = "classic.fp32.onnx in ONNX Runtime on Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz decides differently"
    assert f"{told_so} there than here: 2 of 12 labels" in " ".join(lines)
    assert max(map(len, lines)) <= 90


def test_an_unusual_engine_is_named_even_where_it_is_the_only_one(printed, verify_document):
    verify_document["results"][0]["provider"] = "cuda"
    lines = told(verify.step(verify_document), printed)
    assert lines[2] == "classic.fp32.onnx"
    assert lines[3].startswith("ONNX Runtime, cuda ")


def test_the_same_note_of_several_files_is_said_once(printed, verify_document):
    for row in verify_document["results"]:
        row["note"] = "clang is not installed"
    lines = told(verify.step(verify_document), printed)
    assert lines[4] == "classic.fp32.onnx, classic.fp32.tflite: clang is not installed"


CPUS = [
    {"cpu": "CPUs without VNNI", "by": "x64quantprecision", "n": 10_000, "flips": 14, "differs": 13},
    {"cpu": "VNNI, AMX or ARM", "by": "integer evaluation", "n": 10_000, "flips": 1, "differs": 0},
]


def test_a_file_that_decides_differently_elsewhere_is_told_though_it_passed(printed, verify_document):
    verify_document["results"][0]["cpus"] = CPUS
    out = printed(verify.step(verify_document))
    assert "classic.fp32.onnx decides differently on CPUs without VNNI: 13 of 10,000 labels\n" in out
    assert "AMX" not in out


def test_where_it_failed_of_that_it_is_not_said_twice(printed, verify_document, make_check):
    reason = "it decides differently on CPUs without VNNI: 13 of 10,000 labels; none may"
    row = verify_document["results"][0]
    row |= {"cpus": CPUS, "passed": False, "reason": reason}
    row["checks"].append(make_check("cpus", 13, 0, reason, passed=False))
    assert printed(verify.step(verify_document)).count("decides differently") == 1


def test_without_labels_agreement_is_all_that_is_told(printed, verify_document):
    for row in verify_document["results"]:
        row.update(dict.fromkeys(("accuracy", "accuracy_reference", "mcnemar_p", "calibration_error")))
    verify_document["labelled"] = False
    lines = told(verify.step(verify_document), printed)
    assert lines[0] == "verify   judged on digits test · no labels: agreement only"
    assert lines[1] == "file                 same label  95 % interval   off by    SQNR"
    assert "accuracy" not in " ".join(lines)


def test_limits_that_were_set_are_said(printed, verify_document):
    verify_document["limits"] = {"labels": 5.0, "scores": 0.001}
    assert told(verify.step(verify_document), printed)[0].endswith(" · limits set: labels 5, scores 0.001")


def test_what_is_no_number_is_a_dash(printed, failed_document):
    failed_document["results"][1] |= {"max_abs": None, "sqnr_db": None}
    assert "83.33 %        –       –  failed" in printed(verify.step(failed_document))  # noqa: RUF001


def test_scores_without_any_difference_are_exact(printed, verify_document):
    verify_document["results"][0] |= {"max_abs": 0.0, "sqnr_db": None}
    assert "83.33 %        0   exact  passed" in printed(verify.step(verify_document))


def test_a_file_that_never_returned_has_dashes_and_a_reason(printed, verify_document):
    row = verify_document["results"][0]
    lost = dict.fromkeys(("n", "agreement_low", "agreement_high", "flips", "accuracy", "max_abs", "sqnr_db"))
    row |= lost | {"checks": [], "engine": "", "passed": False, "reason": "did not return within 120 seconds"}
    lines = told(verify.step(verify_document), printed)
    assert lines[2].split() == ["classic.fp32.onnx", *"–––––", "failed"]  # noqa: RUF001
    assert "classic.fp32.onnx: did not return within 120 seconds." in lines


def test_names_are_shown_and_never_obeyed(printed, failed_document):
    row = failed_document["results"][1]
    row |= {"flips_by_class": {"\x1b[31mred": 3}, "path": "/runs/a\x1b[2Jb.tflite", "reason": "it is \x1b[1mwrong"}
    for out in (printed(verify.step(failed_document)), printed(verify.step(failed_document), quiet=True)):
        assert "\x1b" not in out
        assert r"a\x1b[2Jb.tflite: it is \x1b[1mwrong." in out
    assert r"flipped: 3 of class \x1b[31mred" in printed(verify.step(failed_document))


def test_of_many_classes_the_worst_are_named(printed, failed_document):
    failed_document["results"][1]["flips_by_class"] = {f"c{number}": number for number in range(1, 26)}
    out = " ".join(printed(verify.step(failed_document)).split())
    assert "flipped: 25 of class c25, 24 of class c24" in out
    assert "16 of class c16, and of 15 other classes" in out
    assert "class c15" not in out


@pytest.mark.parametrize("stem", ["classic.int8-weights", "a-network-of-my-own-with-a-long-name.int8-weights"])
def test_fifteen_rows_fit_a_hundred_columns(printed, verify_document, make_parity, tmp_path, stem):
    figures = {"n": 10_000, "flips": 1, "agreement_low": 0.999434, "agreement_high": 0.999982}
    rows = [make_parity(tmp_path / f"net.fp32.{suffix}") | figures for suffix in ("onnx", "tflite")] * 6
    rows += [in_micro(rows[1]), make_parity(tmp_path / f"{stem}.onnx") | figures]
    verify_document["results"] = sorted(rows, key=lambda row: row["path"])
    lines = printed(verify.step(verify_document)).splitlines()
    assert max(map(len, lines)) <= 100
    assert f"          {stem}.onnx" in lines
    assert "9,999 of 10,000  99.94–99.998 %" in lines[2] + lines[3]  # noqa: RUF001


def test_a_row_of_the_tests_has_the_keys_of_a_real_one(make_parity, golden):
    from digitedge.measure.limits import Evidence, judge, limits_of
    from digitedge.measure.parity import compare
    from digitedge.report.parity_rows import Judged, parity_row

    report = compare(golden.scores, golden.scores[:, [1, 0, 2]], golden.labels)
    checks = judge(Evidence(report), limits_of("fp32"))
    real = parity_row(Judged(Path("x.onnx"), "onnx", "fp32", report, checks), golden)
    made = make_parity(Path("x.onnx"))
    assert made.keys() == real.keys()
    assert made["checks"][0].keys() == real["checks"][0].keys()
    assert made["per_class"][0].keys() == real["per_class"][0].keys()


def test_a_flip_of_the_tests_has_the_keys_of_a_real_one(make_flip, golden):
    from digitedge.measure.parity import compare
    from digitedge.report.parity_rows import Judged, parity_row

    report = compare(golden.scores, golden.scores[:, [1, 0, 2]], golden.labels)
    real = parity_row(Judged(Path("x.onnx"), "onnx", "fp32", report, ()), golden)
    assert make_flip(0, 0, 1, 0).keys() == real["flip_details"][0].keys()
